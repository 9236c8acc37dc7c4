"""The compiled core. Private: what it means stands in cpp/bindings, what is public in the package."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]

__version__: Final[str]

VALUE: Final[int]
VALUE_GRAD: Final[int]
GRAD_HESS: Final[int]
GRAD_POSITIVE_HESS: Final[int]
HESS_VECTOR: Final[int]

class DefaultFloatMode:
    def __enter__(self) -> None: ...
    def __exit__(self, *exception: object) -> None: ...

def build_info() -> dict[str, str]: ...
def isa_levels() -> list[str]: ...
def isa_level() -> str: ...
def select_isa(name: str) -> None: ...
def set_default_threads(threads: int) -> int: ...
def default_threads() -> int: ...
def pair_losses() -> list[str]: ...
def cost_constants() -> dict[str, float]: ...
def list_losses() -> list[str]: ...
def vector_math(name: str, x: _Array) -> _Array: ...
def ranking_metric(
    labels: _Array,
    scores: _Array,
    offsets: NDArray[np.int64] | None,
    mask: NDArray[np.uint8] | None,
    depths: list[int],
    gain: str,
    gain_table: NDArray[np.float64],
    ties: str,
    ignore_negative: bool,
    normalize: bool,
    empty: float,
) -> NDArray[np.float64]: ...
def weighted_means(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None, skip_nan: bool
) -> NDArray[np.float64]: ...
def list_means(x: NDArray[np.float64], offsets: NDArray[np.int64] | None) -> NDArray[np.float64]: ...

class _BoundLoss:
    def evaluate(
        self,
        mode: int,
        scores: _Array,
        vector: _Array | None,
        item_weight: NDArray[np.float64] | None,
        list_weight: NDArray[np.float64] | None,
        scale: float,
        cotangent: NDArray[np.float64] | None,
        grad_scale: float,
        min_hessian: float,
        check_finite: bool,
        threads: int,
        row_value: _Array | None,
        grad: _Array | None,
        hess: _Array | None,
        iteration: int = 0,
    ) -> float: ...
    def first_nonfinite(self, x: _Array) -> int: ...
    def place(self, item: int) -> str: ...
    def valid(self) -> NDArray[np.bool_]: ...
    def offsets(self) -> NDArray[np.int64]: ...
    def lists_with_items(self) -> NDArray[np.bool_]: ...
    def pairs(self) -> NDArray[np.float64]: ...
    def compares_items(self, by_label: bool) -> bool: ...
    @property
    def values_per_item(self) -> bool: ...
    @property
    def n_items(self) -> int: ...
    @property
    def n_lists(self) -> int: ...
    @property
    def n_valid(self) -> int: ...
    @property
    def n_nonempty_lists(self) -> int: ...

_Feature = tuple[str, _Array, float]

class PairWeight:
    def __init__(
        self,
        weight: str,
        gain: str,
        gain_table: NDArray[np.float64],
        cutoff: int,
        truncation: int,
        normalize: bool,
    ) -> None: ...

class Pairwise(_BoundLoss):
    def __init__(
        self,
        loss: str,
        temperature: float,
        tau: float,
        labels: _Array,
        offsets: _Array | None,
        mask: NDArray[np.uint8] | None,
        ignore_negative: bool,
        propagate_nan: bool,
        algorithm: str,
        weight: PairWeight,
    ) -> None: ...

class Listwise(_BoundLoss):
    def __init__(
        self,
        loss: str,
        target: str,
        temperature: float,
        epsilon: float,
        cutoff: int,
        seed: int,
        labels: _Array,
        offsets: _Array | None,
        mask: NDArray[np.uint8] | None,
        ignore_negative: bool,
        propagate_nan: bool,
        algorithm: str = "auto",
    ) -> None: ...

def ideal_difference(
    positive_items: NDArray[np.int64], negative_items: NDArray[np.int64], features: list[_Feature]
) -> NDArray[np.float64]: ...

class ImplicitLoss:
    def __init__(
        self,
        formula: str,
        choice: str,
        kink: float,
        square: bool,
        rank_weight: str,
        floor: bool,
        clip: float,
        num_items: int,
        negative_name: str,
    ) -> None: ...
    def evaluate(
        self,
        mode: int,
        positive: _Array,
        negative: _Array,
        offsets: NDArray[np.int64] | None,
        margin: float,
        margins: NDArray[np.float64] | None,
        features: list[_Feature],
        positive_items: NDArray[np.int64] | None,
        negative_items: NDArray[np.int64] | None,
        weight: NDArray[np.float64] | None,
        cotangent: NDArray[np.float64] | None,
        mean: bool,
        factor: float,
        threads: int,
        new_results: bool,
        values: _Array | None,
        grad_positive: _Array | None,
        grad_negative: _Array | None,
        hess_positive: _Array | None,
        hess_negative: _Array | None,
    ) -> float: ...
