"""A reduction is nothing but weights and one divisor: value = sum_i weight_i * unreduced_i / divisor.

The core knows one weighted sum. Here the names of reductions and the shapes of weights become that sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rankgrad._arrays import Array, as_weights

REDUCTIONS = (
    "sum",
    "sum_over_batch_size",
    "mean",
    "mean_with_sample_weight",
    "mean_over_pairs",
    "mean_over_lists",
    "mean_over_items",
    "none",
    None,
)


@dataclass(frozen=True)
class Weights:
    """Sample weights, told apart by what they belong to. `total` is the sum of the weights as they were given."""

    scalar: float = 1.0
    item: Array | None = None
    per_list: Array | None = None
    total: float | None = None


NO_WEIGHTS = Weights()


def weights_of(
    sample_weight: Any,
    shape: tuple[int, ...],
    core: Any,
    raising: bool,
    *,
    per_item: bool = True,
    flat_lists: bool = False,
) -> Weights:
    """Reads `sample_weight`: a number, one per item, or one per list as a column; without `per_item` only per list.

    With `flat_lists` a weight per list may be of shape (n_lists,), too, where that is not the shape of the items.

    A weight of an item (list) that is not valid (has no valid item) never matters; if it is not finite it counts 0.
    """
    if sample_weight is None:
        return NO_WEIGHTS
    w = as_weights(sample_weight, "sample_weight")
    if w.ndim == 0:
        return _finite_scalar(float(w), raising)
    n_lists = core.n_lists
    if per_item and w.shape == shape:
        flat = _without_bad(w.flatten(), core.valid, core.first_nonfinite, core.place, raising)
        return Weights(item=flat, total=_finite_sum(flat))
    if w.shape == (n_lists, 1) or (flat_lists and w.shape == (n_lists,)):
        flat = w.flatten()  # a copy: what the caller writes later must not matter
        if not np.isfinite(flat).all():
            valid = core.lists_with_items()
            flat = _without_bad(
                flat, lambda: valid, lambda x: _first(~np.isfinite(x) & valid), "list {}".format, raising
            )
        return Weights(per_list=flat, total=_finite_sum(flat))
    if not per_item:
        raise ValueError(
            f"sample_weight: shape {w.shape} does not fit; this loss takes one weight per list, "
            f"of shape ({n_lists},) or ({n_lists}, 1)"
        )
    raise ValueError(
        f"sample_weight: shape {w.shape} fits neither the items, {shape}, nor the lists; "
        f"give one weight per list as a column of shape ({n_lists}, 1)"
    )


def balanced(weights: Weights) -> Weights:
    """The weights times a power of two in which their sum is a normal number, for a mean, where only shares matter."""
    array = weights.item if weights.per_list is None else weights.per_list
    largest = 0.0 if array is None else float(np.abs(array[np.isfinite(array)]).max(initial=0.0))
    if array is None or largest == 0.0 or 1e-200 < largest < 1e200:
        return weights
    array = np.ldexp(array, -int(np.frexp(largest)[1]))
    if weights.per_list is None:
        return replace(weights, item=array, total=_finite_sum(array))
    return replace(weights, per_list=array, total=_finite_sum(array))


def divisor_of(reduction: str | None, weights: Weights, n_values: int, core: Any) -> float:
    """What the weighted sum is divided by."""
    if reduction in (None, "none", "sum"):
        return 1.0
    if reduction == "mean_with_sample_weight" and weights.total is not None:
        return weights.total
    if reduction == "mean_over_pairs":
        return float(core.pairs().sum())
    if reduction == "mean_over_lists":
        return float(core.n_nonempty_lists)
    if reduction == "mean_over_items":
        return float(core.n_valid)
    return float(n_values)


def _finite_scalar(weight: float, raising: bool) -> Weights:
    if raising and not np.isfinite(weight):
        raise ValueError(f"sample_weight: a finite number is wanted, got {weight}")
    return Weights(scalar=weight, total=weight)


def _without_bad(
    w: Array,
    valid: Callable[[], Array],
    first_bad: Callable[[Array], int],
    place: Callable[[int], str],
    raising: bool,
) -> Array:
    """`w` with 0 for numbers that are not finite where nothing is valid; raises where something is."""
    if np.isfinite(w).all():
        return w
    bad = first_bad(w)
    if raising and bad >= 0:
        what = "NaN" if np.isnan(w[bad]) else "infinity"
        raise ValueError(f"sample_weight: {what} at {place(bad)}; finite numbers are wanted")
    return np.where(np.isfinite(w) | valid(), w, 0.0)


def _first(bad: Array) -> int:
    return int(np.argmax(bad)) if bad.any() else -1


def _finite_sum(w: Array) -> float:
    total = float(w.sum())
    return total if np.isfinite(total) else float(w[np.isfinite(w)].sum())
