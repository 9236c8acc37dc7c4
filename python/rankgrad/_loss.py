"""What all losses over labelled lists share: arguments, ways of being called, configuration."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from dataclasses import KW_ONLY, asdict, dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

import numpy as np

from rankgrad import _core
from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array
from rankgrad._checks import check_choice, positive_number, shown, thread_count
from rankgrad._data import Data
from rankgrad._frameworks import Results, same_array_out
from rankgrad._reductions import NO_WEIGHTS, REDUCTIONS, weights_of
from rankgrad._results import refuse_overlaps
from rankgrad._silent_zeros import Compares, warn_of_silent_zeros
from rankgrad.objective import Objective, source_of

_Loss = TypeVar("_Loss", bound="RankingLoss")

_DTYPES = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class RankingLoss(ABC):
    """Base of the losses: parameters are fields, data comes with the call.

    Parameters
    ----------
    temperature
        Scores are divided by it; a positive number.
    reduction
        "sum"; "sum_over_batch_size" = "mean" (divides by the number of unreduced values, padding included);
        "mean_with_sample_weight" (by the sum of the weights as given); "mean_over_pairs", "mean_over_lists",
        "mean_over_items" (by the valid pairs, the lists with a valid item, the valid items: padding never matters);
        "none" or None (unreduced). 0/0 is 0.
    name
        Kept for `get_config`.
    dtype
        Scores are cast to it first: "float32", "float64", or half precision, which is computed in float32.
    negative_labels
        "ignore": items with a label below 0 are not valid. "use": they are labels like others.
    nan
        "raise": a NaN or infinity in a valid score or weight, or a NaN label, raises ValueError.
        "propagate": such a list gets NaN in the values and derivatives of its valid items; no other list changes.

    Notes
    -----
    Calls take ``(y_true, y_pred, sample_weight=None)``:

    * `y_true`: labels, or ``{"labels": ..., "mask": ...}``; 1-D (one list), 2-D (padded lists), or flat 1-D with just
      one of ``groups=`` (sizes), ``offsets=`` (boundaries), ``qid=`` (ids, equal ones adjacent); or a container of
      lists: a list or tuple of 1-D arrays, nested numbers of unequal lengths, an array of awkward, a column of lists of
      Arrow, polars or pandas, a jagged (ragged) tensor. Labels are compared in their own dtype. An item is valid if
      its mask is true and its label allowed; others never matter.
    * `y_pred`: scores of the same shape, or a container of the same lists, of whatever kind, in which arrays shaped
      like the scores are answered; float32 and float64 are computed and answered in their own dtype.
    * `sample_weight`: a number, one per item (in a container, too), or one per list as a column of shape (n_lists, 1).
    * `cotangent`, `out`, `n_threads`, `iteration`: see :class:`rankgrad.Objective`.

    Raises ValueError or TypeError naming the argument and the first bad place; nothing is written then.
    """

    temperature: float = 1.0
    _: KW_ONLY
    reduction: str | None = "sum_over_batch_size"
    name: str | None = None
    dtype: str | None = None
    negative_labels: str = "ignore"
    nan: str = "raise"

    _family: ClassVar[str]  # of losses in the core
    _kernel: ClassVar[str]  # the loss's name there
    _item_weights: ClassVar[bool] = True  # else one weight per list
    _flat_list_weights: ClassVar[bool] = False  # one weight per list also as shape (n_lists,)
    _compares: ClassVar[Compares] = "items"
    _has_noise: ClassVar[bool] = False

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "temperature", positive_number(self.temperature, "temperature"))
        check_choice(self.reduction, "reduction", REDUCTIONS)
        if self.dtype is not None:
            set_field(self, "dtype", _dtype_name(self.dtype))
            check_choice(self.dtype, "dtype", _DTYPES)
        check_choice(self.negative_labels, "negative_labels", ("ignore", "use"))
        check_choice(self.nan, "nan", ("raise", "propagate"))

    def __call__(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        offsets: Any = None,
        qid: Any = None,
        n_threads: int | None = None,
        iteration: int = 0,
    ) -> Any:
        """The reduced loss as a float, or an array for reduction "none"."""
        data = Data(y_true, sample_weight, groups, offsets, qid)
        return self._evaluate(_core.VALUE, (y_pred,), data, None, None, n_threads, iteration)[0]

    def value_and_grad(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        offsets: Any = None,
        qid: Any = None,
        cotangent: Any = None,
        out: Array | None = None,
        n_threads: int | None = None,
        iteration: int = 0,
    ) -> tuple[Any, Array]:
        """The value and its gradient, shaped like the scores; see :class:`rankgrad.Objective`."""
        data = Data(y_true, sample_weight, groups, offsets, qid)
        return self._evaluate(_core.VALUE_GRAD, (y_pred,), data, cotangent, out, n_threads, iteration)[:2]

    def grad_and_hess(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        offsets: Any = None,
        qid: Any = None,
        cotangent: Any = None,
        out: tuple[Array, Array] | None = None,
        n_threads: int | None = None,
        iteration: int = 0,
    ) -> tuple[Array, Array]:
        """The gradient and the diagonal Hessian, shaped like the scores; see :class:`rankgrad.Objective`."""
        data = Data(y_true, sample_weight, groups, offsets, qid)
        return self._evaluate(_core.GRAD_HESS, (y_pred,), data, cotangent, out, n_threads, iteration)[1:]

    def call(self, y_true: Any, y_pred: Any, *, iteration: int = 0) -> Any:
        """The unreduced values, whatever the reduction, as keras-rs's method of this name."""
        return replace(self, reduction=None)(y_true, y_pred, iteration=iteration)

    def bind(
        self,
        y_true: Any,
        sample_weight: Any = None,
        *,
        groups: Any = None,
        offsets: Any = None,
        qid: Any = None,
        algorithm: str = "auto",
    ) -> Objective:
        """Binds the loss to labels, weights and lists, to be called many times with new scores.

        ``algorithm`` is for tests and benchmarks: "auto" lets the engine choose per list, "direct" sums pair by pair,
        "fast" takes the sums that grow slower than the number of pairs where the loss has them.
        """
        check_choice(algorithm, "algorithm", ("auto", "direct", "fast"))
        return self._bind(Data(y_true, sample_weight, groups, offsets, qid), algorithm)

    @property
    def has_curvature(self) -> bool:
        """Whether Newton steps, as boosting takes them, have a curvature to divide by."""
        return True

    @property
    def has_pairs(self) -> bool:
        """Whether the loss is a sum over pairs, which "mean_over_pairs" counts."""
        return False

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, for `from_config`."""
        return asdict(self)

    @classmethod
    def from_config(cls: type[_Loss], config: dict[str, Any]) -> _Loss:
        """The loss that `get_config` described."""
        if not isinstance(config, dict):
            raise TypeError(f"config: the dict of get_config is wanted, got {shown(config)}")
        known = {f.name for f in fields(cls)}
        unknown = [key for key in config if key not in known]
        if unknown:
            raise ValueError(f"config: unknown keys {unknown}; known are {sorted(known)}")
        return cls(**config)

    @same_array_out
    def _evaluate(
        self,
        mode: int,
        scores: tuple[Any, ...],
        data: Data,
        cotangent: Any,
        out: Any,
        n_threads: int | None,
        iteration: int,
    ) -> Results:
        """Binds, evaluates as :class:`rankgrad.Objective` does, and forgets."""
        if out is not None:
            refuse_overlaps(out, **data._asdict())
        bound = self._bind(data, n_threads=n_threads)
        return bound._evaluate(mode, scores, cotangent, out, n_threads, iteration)

    def _bound(
        self, _shape: tuple[int, ...], data: Data, cotangent: Any, out: Any, n_threads: Any, iteration: Any
    ) -> tuple[Any, ...]:
        """The call of an objective that a call with these constants is, for the members of `_frameworks`."""
        return self._bind(data, n_threads=n_threads), cotangent, out, n_threads, iteration

    def _values_shape(self, shape: tuple[int, ...], n_lists: Callable[[], Any]) -> tuple[Any, ...]:
        """The shape of the value for scores of this shape; `n_lists` gives None for one list that is all data."""
        if self.reduction not in (None, "none"):
            return ()
        if self.has_pairs or self._compares is None:
            return shape
        lists = n_lists()
        return () if lists is None else (lists,)

    @in_default_mode
    def _bind(self, data: Data, algorithm: str | None = None, n_threads: int | None = None) -> Objective:
        """Without an algorithm for one call, of scores of the labels' own shape."""
        data = data.flat()
        labels, mask, boundaries = data.read()
        shape, flat = labels.shape, labels.reshape(-1)
        n_lists = 1 if boundaries is None else boundaries.size - 1
        weights = weights_of(
            data.sample_weight,
            shape,
            n_lists,
            per_item=self._item_weights,
            flat_lists=self._flat_list_weights,
        )
        flat_mask = None if mask is None else mask.reshape(-1)
        core = self._bind_core(flat, boundaries, flat_mask, algorithm or "auto", weights, n_threads)
        warn_of_silent_zeros(core, self._compares, labels, mask, boundaries, self.negative_labels == "ignore")
        per_list = () if boundaries is None else (n_lists,)
        source = None if algorithm is None else source_of(flat, algorithm)
        return Objective(self, core, shape, shape if core.values_per_item else per_list, source)

    def _bind_core(
        self,
        labels: Array,
        offsets: Array | None,
        mask: Array | None,
        algorithm: str,
        weights: tuple[float | None, Array | None, Array | None] = NO_WEIGHTS,
        n_threads: int | None = None,
    ) -> Any:
        """The core's object for flat labels, offsets and mask; `algorithm` as in `bind`."""
        settings = self._settings() | {"algorithm": algorithm}
        return _core.Objective(
            (self._family, settings), labels, offsets, mask, *weights, thread_count(n_threads)
        )

    def _settings(self) -> dict[str, Any]:
        """What the core makes the loss from."""
        return {
            "loss": (self._kernel_name(), self._parameters()),
            "temperature": self.temperature,
            "reduction": self.reduction or "none",
            "negative_labels": self.negative_labels,
            "nan": self.nan,
        }

    def _kernel_name(self) -> str:
        return self._kernel

    def _parameters(self) -> dict[str, Any]:
        """The parameters of the formula by the names that the core has for them."""
        return {}


def _dtype_name(dtype: Any) -> Any:
    """The name of a dtype; what is none is left for the check of the names."""
    try:
        return dtype if isinstance(dtype, str) else np.dtype(dtype).name
    except Exception:  # NumPy raises many kinds for what is no dtype
        return dtype
