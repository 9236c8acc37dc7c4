"""A reduction is nothing but weights and one divisor: value = sum_i weight_i * unreduced_i / divisor.

The core computes both; here the shapes of weights say what they belong to.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rankgrad import _core
from rankgrad._arrays import Array, as_weights

REDUCTIONS = (*(name for name in _core.REDUCTIONS if name != "none"), "none", None)


class Weights(NamedTuple):
    """Sample weights, told apart by what they belong to, as the core takes them."""

    number: float | None = None
    item: Array | None = None
    per_list: Array | None = None


NO_WEIGHTS = Weights()


def weights_of(
    sample_weight: Any,
    shape: tuple[int, ...],
    n_lists: int,
    *,
    per_item: bool = True,
    flat_lists: bool = False,
) -> Weights:
    """Reads `sample_weight`: a number, one per item, or one per list as a column; without `per_item` only per list.

    With `flat_lists` a weight per list may be of shape (n_lists,), too, where that is not the shape of the items.
    """
    if sample_weight is None:
        return NO_WEIGHTS
    w = as_weights(sample_weight, "sample_weight")
    if w.ndim == 0:
        return Weights(number=float(w))
    if per_item and w.shape == shape:
        return Weights(item=w)
    if w.shape == (n_lists, 1) or (flat_lists and w.shape == (n_lists,)):
        return Weights(per_list=w)
    if not per_item:
        raise ValueError(
            f"sample_weight: shape {w.shape} does not fit; this loss takes one weight per list, "
            f"of shape ({n_lists},) or ({n_lists}, 1)"
        )
    raise ValueError(
        f"sample_weight: shape {w.shape} fits neither the items, {shape}, nor the lists; "
        f"give one weight per list as a column of shape ({n_lists}, 1)"
    )
