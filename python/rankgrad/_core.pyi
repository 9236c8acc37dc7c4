"""The compiled core. Private: what it means stands in cpp/bindings, what is public in the package."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[Any]

__version__: Final[str]

REDUCTIONS: Final[tuple[str, ...]]
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
def implicit_losses() -> list[str]: ...
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

#: Settings of a loss: a text, or a name and a dict of numbers, names, sequences of numbers, and settings as such pairs.
_Settings = str | tuple[str, dict[str, Any]]

class Objective:
    def __init__(
        self,
        settings: _Settings,
        labels: _Array,
        offsets: _Array | None = None,
        mask: NDArray[np.uint8] | None = None,
        weight: float | None = None,
        item_weight: NDArray[np.float64] | None = None,
        list_weight: NDArray[np.float64] | None = None,
        threads: int = 0,
    ) -> None: ...
    def evaluate(
        self,
        mode: int,
        scores: _Array,
        *,
        vector: _Array | None = None,
        cotangent: NDArray[np.float64] | None = None,
        cotangent_factor: float = 1.0,
        min_hessian: float = 0.0,
        threads: int = 0,
        iteration: int = 0,
        values: _Array | None = None,
        grad: _Array | None = None,
        hess: _Array | None = None,
    ) -> float: ...
    def first_nonfinite(self, x: _Array) -> int: ...
    def place(self, item: int) -> str: ...
    def valid(self) -> NDArray[np.bool_]: ...
    def offsets(self) -> NDArray[np.int64]: ...
    def lists_with_items(self) -> NDArray[np.bool_]: ...
    def pairs(self) -> NDArray[np.float64]: ...
    def weights(self) -> tuple[float | None, _Array | None, _Array | None]: ...
    def compares_items(self, by_label: bool) -> bool: ...
    @property
    def values_per_item(self) -> bool: ...
    @property
    def n_items(self) -> int: ...
    @property
    def n_lists(self) -> int: ...
    @property
    def n_valid(self) -> int: ...

XLA_MINORS: Final[tuple[int, int]]

def xla_handler(minor: int = ...) -> object: ...
def xla_share(objective: Objective, name: str) -> None: ...

_Feature = tuple[str, _Array, float]

def ideal_difference(
    positive_items: NDArray[np.int64], negative_items: NDArray[np.int64], features: list[_Feature]
) -> NDArray[np.float64]: ...

class ImplicitLoss:
    def __init__(self, settings: _Settings) -> None: ...
    def evaluate(
        self,
        mode: int,
        positive: _Array,
        negative: _Array,
        *,
        offsets: NDArray[np.int64] | None = None,
        margin: float = 1.0,
        margins: NDArray[np.float64] | None = None,
        features: list[_Feature] = ...,
        positive_items: NDArray[np.int64] | None = None,
        negative_items: NDArray[np.int64] | None = None,
        weight: NDArray[np.float64] | None = None,
        cotangent: NDArray[np.float64] | None = None,
        mean: bool = False,
        factor: float = 1.0,
        threads: int = 0,
        new_results: bool = False,
        values: _Array | None = None,
        grad_positive: _Array | None = None,
        grad_negative: _Array | None = None,
        hess_positive: _Array | None = None,
        hess_negative: _Array | None = None,
    ) -> float: ...
