"""What the LightGBM and the XGBoost bridge share: the objective's parameters, its cache, and the metric.

A boosting library calls its objective once per tree with the same labels, weights and lists and with new
scores. The loss is therefore bound once and the bound objective kept, together with private copies of what it
was bound to.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array
from rankgrad._loss import RankingLoss
from rankgrad.metrics import Empty, Gain, Ties, ndcg
from rankgrad.objective import Objective

ListScale = Literal["sum", "pairs"]
Curvature = Literal["positive", "exact"]


class BoundData(NamedTuple):
    """A bound objective, and private copies of the data that it was bound to."""

    labels: Array
    weights: Array | None
    groups: Array
    objective: Objective


class BoundCache:
    """The bound objective of the last data set seen.

    The libraries reuse and overwrite their buffers, so the identity of an array says nothing: bytes are
    compared.
    """

    def __init__(self) -> None:
        self._last: BoundData | None = None

    def get(
        self, loss: RankingLoss, list_scale: ListScale, labels: Array, weights: Array | None, groups: Array
    ) -> Objective:
        """Return the objective bound to this data, binding anew where any byte of it differs."""
        last = self._last  # read once: another thread may replace it meanwhile
        if last is None or not all(map(_same_bytes, (labels, weights, groups), last[:3])):
            labels, groups = np.array(labels, order="C"), np.array(groups, order="C")
            weights = None if weights is None else np.array(weights, order="C")
            last = BoundData(labels, weights, groups, _bind(loss, list_scale, labels, weights, groups))
            self._last = last
        return last.objective


def _same_bytes(new: Array | None, kept: Array | None) -> bool:
    if new is None or kept is None:
        return new is kept
    if new.dtype != kept.dtype or new.shape != kept.shape:
        return False
    return np.array_equal(np.ascontiguousarray(new).view(np.uint8), kept.view(np.uint8))


def _bind(
    loss: RankingLoss, list_scale: ListScale, labels: Array, weights: Array | None, groups: Array
) -> Objective:
    loss = dataclasses.replace(loss, reduction="sum")
    objective = loss.bind(labels, weights, groups=groups)
    if list_scale == "sum":
        return objective
    scale = 1.0 / np.maximum(objective.pairs_per_list, 1.0)
    per_list = weights is None or weights.ndim == 2
    scale = scale[:, None] if per_list else np.repeat(scale, groups)
    return loss.bind(labels, scale if weights is None else scale * weights, groups=groups)


@dataclass(frozen=True)
class BoostingObjective:
    """A ranking loss in the form that gradient boosting wants: a sum over lists, Hessian floored above zero.

    Parameters
    ----------
    loss : RankingLoss
        Its ``reduction`` is ignored: boosting takes the sum over lists. A mean over lists would make the
        Hessian so small that XGBoost (``min_child_weight=1``) never splits.
    list_scale : {"sum", "pairs"}
        ``"sum"`` adds up the pairs of each list; ``"pairs"`` divides each list by its number of pairs, so
        that a long list counts no more than a short one.
    hessian : {"positive", "exact"}
        ``"positive"`` takes a curvature that is never negative: 1 per active pair for the hinge (whose second
        derivative is 0), p (1 - p) for the soft zero-one loss, max(phi'', 0) otherwise. ``"exact"`` takes
        phi''. Where that is not positive at equal scores, training never starts, and the libraries do not
        say so: the hinge and the soft zero-one loss under ``"exact"``. A loss that has no curvature at all, the
        quantile loss that is not squared, is refused.
    min_hessian : float
        Floor of every item's Hessian, as a second derivative (per item, after the weights).
    """

    loss: RankingLoss
    list_scale: ListScale = "sum"
    hessian: Curvature = "positive"
    min_hessian: float = 1e-16
    _cache: BoundCache = field(default_factory=BoundCache, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.loss, RankingLoss):
            raise TypeError(f"loss: a loss such as PairwiseLogisticLoss() is wanted, got {self.loss!r}")
        if not self.loss.has_curvature:
            raise ValueError(f"loss: {self.loss!r} has no curvature anywhere, so no tree would ever split")
        if self.list_scale not in ("sum", "pairs"):
            raise ValueError(f'list_scale: "sum" or "pairs" is wanted, got {self.list_scale!r}')
        if self.hessian not in ("positive", "exact"):
            raise ValueError(f'hessian: "positive" or "exact" is wanted, got {self.hessian!r}')
        if not 0.0 <= self.min_hessian < np.inf:
            raise ValueError(
                f"min_hessian: a finite number of at least 0 is wanted, got {self.min_hessian!r}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild copies and pickles from the parameters: the cache stays behind."""
        return type(self), tuple(getattr(self, part.name) for part in dataclasses.fields(self) if part.init)

    @in_default_mode
    def _grad_and_hess(
        self, labels: Array, scores: Array, weights: Array | None, groups: Array
    ) -> tuple[Array, Array]:
        """Gradient and Hessian as both libraries keep them: float32, contiguous, one per row."""
        self._refuse_ignored_labels(labels)
        bound = self._cache.get(self.loss, self.list_scale, labels, weights, groups)
        grad, hess = bound.grad_and_hess(scores, curvature=self.hessian, min_hessian=self.min_hessian)
        return np.ascontiguousarray(grad, np.float32), np.ascontiguousarray(hess, np.float32)

    def _refuse_ignored_labels(self, labels: Array) -> None:
        """Under negative_labels="ignore" rows with such a label would get no gradient at all, silently."""
        if self.loss.negative_labels != "ignore" or not (labels < 0).any():
            return
        row = int(np.argmax(labels < 0))
        raise ValueError(
            f"labels: row {row} has the negative label {labels[row]}, which"
            ' negative_labels="ignore" would leave out of training;'
            ' drop such rows, or build the loss with negative_labels="use"'
        )


@dataclass(frozen=True)
class BoostingMetric:
    """Mean NDCG over lists, by :func:`rankgrad.ndcg`, in the form that a boosting library wants.

    Negative labels are used, not ignored; lists count equally, whatever their length and weight.
    """

    k: int | None = 10
    gain: Gain = "exp2"
    ties: Ties = "first"
    empty: Empty = 0.0
    name: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.gain, str):  # a tuple can be compared and hashed
            object.__setattr__(self, "gain", tuple(np.asarray(self.gain).tolist()))
        self._evaluate(
            np.zeros(1), np.zeros(1), np.ones(1, np.int64)
        )  # wrong options raise here, not in training

    @property
    def label(self) -> str:
        """The name under which the library lists the metric.

        It starts with "ndcg", by which XGBoost's early stopping knows that more is better, and differs from
        the libraries' own "ndcg@10", which LightGBM would otherwise mix up with this one.
        """
        return self.name or ("ndcg_rankgrad" if self.k is None else f"ndcg_rankgrad@{self.k}")

    def _evaluate(self, labels: Array, scores: Array, groups: Array) -> float:
        options = {"k": self.k, "gain": self.gain, "ties": self.ties, "empty": self.empty}
        return float(ndcg(labels, scores, groups=groups, negative_labels="use", **options))  # type: ignore[arg-type]
