"""The specification, second part: lists, masks, weights, reductions, cotangents over reference.one_list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from reference import ALL_PAIRS, Array, ListSums, Sum, one_list
from remembered import remembered


@dataclass(frozen=True)
class Lists:
    """Ragged lists as flat arrays: list b is items offsets[b] to offsets[b + 1].

    `sample_weight` is None, a number, one per item, or one per list with shape (number of lists, 1).
    """

    labels: Array
    scores: Array
    offsets: Array
    mask: Array | None = None
    sample_weight: ArrayLike | None = None
    negative_labels: str = "ignore"

    @property
    def n_lists(self) -> int:
        return len(self.offsets) - 1

    @property
    def slices(self) -> list[slice]:
        return [slice(a, b) for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]

    @cached_property
    def valid(self) -> Array:
        mask = np.ones(len(self.labels), dtype=bool) if self.mask is None else self.mask.astype(bool)
        return mask if self.negative_labels == "use" else mask & (self.labels >= 0)

    @cached_property
    def weights(self) -> Array:
        """One weight per item; that of an invalid item is 0."""
        weight = np.asarray(1.0 if self.sample_weight is None else self.sample_weight, dtype=np.float64)
        if weight.ndim == 2:
            weight = np.repeat(weight[:, 0], np.diff(self.offsets))
        return np.where(self.valid, weight, 0.0)

    @property
    def valid_sizes(self) -> Array:
        return np.array([np.count_nonzero(self.valid[part]) for part in self.slices], dtype=np.int64)


def padded(labels: ArrayLike, scores: ArrayLike, mask: ArrayLike | None = None, **options: Any) -> Lists:
    """Padded (B, N) arrays are B lists of N items, some of them invalid."""
    labels, scores = np.atleast_2d(labels), np.atleast_2d(scores)
    n_lists, n_items = scores.shape
    weight = options.pop("sample_weight", None)
    if weight is not None and np.shape(weight) == scores.shape:
        weight = np.ravel(weight)
    return Lists(
        labels.ravel(),
        scores.ravel(),
        np.arange(n_lists + 1) * n_items,
        mask=None if mask is None else np.ravel(mask),
        sample_weight=weight,
        **options,
    )


def pairs_per_list(name: str, lists: Lists) -> Array:
    """Valid pairs of each list; for the losses over all pairs m^2 for m valid items, as Rax counts."""
    if name in ALL_PAIRS:
        return lists.valid_sizes.astype(np.float64) ** 2
    counts = []
    for part in lists.slices:
        y = lists.labels[part][lists.valid[part]]
        counts.append(np.count_nonzero(y[:, None] > y[None, :]))
    return np.array(counts, dtype=np.float64)


def divisor(reduction: str | None, name: str, lists: Lists) -> float:
    """What the sum of the weighted values is divided by."""
    if reduction in (None, "none", "sum"):
        return 1.0
    if reduction == "mean_over_pairs":
        return float(pairs_per_list(name, lists).sum())
    if reduction == "mean_over_lists":
        return float(np.count_nonzero(lists.valid_sizes))
    if reduction == "mean_over_items":
        return float(lists.valid_sizes.sum())
    if reduction == "mean_with_sample_weight" and lists.sample_weight is not None:
        given = np.asarray(lists.sample_weight, dtype=np.float64)
        return float(given[np.isfinite(given)].sum())  # only an invalid item's may be NaN or infinite
    assert reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight")
    return float(len(lists.scores))


class Answer(NamedTuple):
    """`value` is a number, or one per item for reduction "none"; the others have one number per item."""

    value: Sum
    grad: Sum
    hess: Sum
    positive_hess: Sum
    hessp: Sum


@remembered
def evaluate(
    name: str,
    lists: Lists,
    *,
    reduction: str | None = "sum",
    temperature: float = 1.0,
    cotangent: ArrayLike = 1.0,
    vector: Array | None = None,
    **parameters: Any,
) -> Answer:
    """The reduced value, and the derivatives of sum(cotangent * value).

    A list with a NaN or infinity in a valid score or weight gives NaN for all its valid items.
    """
    total = divisor(reduction, name, lists)
    scale = 0.0 if total == 0 else 1 / total
    values = _add_lists(name, lists, lists.weights * scale, temperature, vector, parameters).values
    pull = np.broadcast_to(np.asarray(cotangent, dtype=np.float64), lists.scores.shape)
    derivatives = _add_lists(name, lists, lists.weights * scale * pull, temperature, vector, parameters)
    if reduction not in (None, "none"):
        values = Sum(*(np.asarray(part.sum()) for part in values))
    return Answer(values, *derivatives[1:])


def _add_lists(
    name: str,
    lists: Lists,
    weights: Array,
    temperature: float,
    vector: Array | None,
    parameters: dict[str, Any],
) -> ListSums:
    out = ListSums(*(Sum(*np.zeros((3, len(lists.scores)))) for _ in ListSums._fields))
    for part in lists.slices:
        items = np.arange(part.start, part.stop)[lists.valid[part]]
        s, w = lists.scores[items], weights[items]
        v = None if vector is None else vector[items]
        sums = one_list(name, s, lists.labels[items], w, temperature, v, **parameters)
        broken = not (np.isfinite(s).all() and np.isfinite(w).all())
        for whole, mine in zip(out, sums, strict=True):
            for target, source in zip(whole, mine, strict=True):
                target[items] = np.nan if broken else source
    return out
