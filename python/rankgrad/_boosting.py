"""What the LightGBM and the XGBoost bridge share: the objective's parameters, its cache, and the metric.

A boosting library calls its objective once per tree with the same labels, weights and lists and with new
scores. The loss is therefore bound once and the bound objective kept, together with private copies of what it
was bound to.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array
from rankgrad._boosting_data import TrainingData, in_words_of
from rankgrad._checks import check_choice, real, shown
from rankgrad._loss import RankingLoss
from rankgrad.metrics import Cutoffs, Empty, Gain, Ties, as_sequence, cutoffs_of, gain_table, ndcg
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
        One with a curvature and ``nan="raise"``. Its ``reduction`` is ignored: boosting takes the sum over
        lists. A mean over lists would make the Hessian so small that XGBoost (``min_child_weight=1``) never
        splits.
    list_scale : {"sum", "pairs"}
        ``"sum"`` adds up the pairs of each list; ``"pairs"`` divides each list by its number of pairs, so
        that a long list counts no more than a short one: for the pairwise losses only.
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
    _words: ClassVar[dict[str, str]]

    def __post_init__(self) -> None:
        if not isinstance(self.loss, RankingLoss):
            raise TypeError(f"loss: a loss such as PairwiseLogisticLoss() is wanted, got {shown(self.loss)}")
        if not self.loss.has_curvature:
            raise ValueError(f"loss: {self.loss!r} has no curvature anywhere, so no tree would ever split")
        if self.loss.nan == "propagate":
            raise ValueError(
                'loss: nan="propagate" would give gradients of NaN, with which no tree grows and nothing is said; '
                'build the loss with nan="raise"'
            )
        check_choice(self.list_scale, "list_scale", ("sum", "pairs"))
        check_choice(self.hessian, "hessian", ("positive", "exact"))
        floor = real(self.min_hessian, "min_hessian", "a finite number of at least 0", low=0.0)
        object.__setattr__(self, "min_hessian", floor)
        if self.list_scale == "pairs" and not self.loss.has_pairs:
            raise ValueError(
                f'list_scale: "pairs" divides by the pairs of a list, but {type(self.loss).__name__} has none; '
                'take "sum"'
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild copies and pickles from the parameters: the cache stays behind."""
        return type(self), tuple(getattr(self, part.name) for part in dataclasses.fields(self) if part.init)

    @in_default_mode
    def _grad_and_hess(self, data: TrainingData) -> tuple[Array, Array]:
        """Gradient and Hessian as both libraries keep them: float32, contiguous, one per row."""
        self._refuse_ignored_labels(data.labels)
        weights = data.weights if data.weights is None or self.loss._item_weights else data.list_weights()
        with in_words_of(self._words):
            bound = self._cache.get(self.loss, self.list_scale, data.labels, weights, data.groups)
            grad, hess = bound.grad_and_hess(
                data.scores,
                curvature=self.hessian,
                min_hessian=self.min_hessian,
                iteration=_hash_of(data.scores) if self.loss._has_noise else 0,
            )
        return np.ascontiguousarray(grad, np.float32), np.ascontiguousarray(hess, np.float32)

    def _refuse_ignored_labels(self, labels: Array) -> None:
        """Under negative_labels="ignore" rows with such a label would get no gradient at all, silently."""
        if self.loss.negative_labels != "ignore" or not (labels < 0).any():
            return
        row = int(np.argmax(labels < 0))
        raise ValueError(
            f"{self._words['labels']}: row {row} has the negative label {labels[row]}, which"
            ' negative_labels="ignore" would leave out of training;'
            ' drop such rows, or build the loss with negative_labels="use"'
        )


def _hash_of(scores: Array) -> int:
    """What noise is drawn for: the same for the same scores, another in every round, and no state."""
    return int.from_bytes(
        hashlib.blake2b(np.ascontiguousarray(scores).data, digest_size=8).digest(), "little"
    )


@dataclass(frozen=True)
class BoostingMetric:
    """Mean NDCG over lists, by :func:`rankgrad.ndcg`, in the form that a boosting library wants.

    Negative labels are used, not ignored. Lists count by their weights, as in the libraries' own metrics.
    """

    k: Cutoffs = 10
    gain: Gain = "exp2"
    ties: Ties = "first"
    empty: Empty = 0.0
    name: str | None = None
    _words: ClassVar[dict[str, str]]
    _not_in_names: ClassVar[str] = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "k", cutoffs_of(self.k))
        gain, table = gain_table(self.gain)
        if gain == "table":  # a tuple can be compared and hashed
            object.__setattr__(self, "gain", tuple(table.tolist()))
        self._values(np.zeros(1), np.zeros(1), np.ones(1, np.int64), None)  # wrong options raise here
        self._check_name()
        cutoffs = as_sequence(self.k)  # type: ignore[arg-type]
        for each in cutoffs:
            if cutoffs.count(each) > 1:
                raise ValueError(f"k: {each} is there twice, and so are the metric's names")

    def _check_name(self) -> None:
        if self.name is None:
            return
        if not isinstance(self.name, str):
            raise TypeError(f"name: a string is wanted, got {self.name!r}")
        if self.name.split() != [self.name] or any(c in self.name for c in self._not_in_names):
            without = "".join(f" and {c!r}" for c in self._not_in_names)
            raise ValueError(f"name: a name without spaces{without} is wanted, got {self.name!r}")

    @property
    def labels(self) -> list[str]:
        """The names under which the library lists the metric, one for each cut-off.

        The default starts with "ndcg", by which XGBoost's early stopping knows that more is better, and differs
        from the libraries' own "ndcg@10", which LightGBM would otherwise mix up with this one. Options that are
        not the default are part of it: metrics of different settings have different names.
        """
        if self.name is not None and not isinstance(self.k, tuple):
            return [self.name]
        name, options = (self.name, "") if self.name is not None else ("ndcg_rankgrad", self._options())
        return [f"{name}{'' if k is None else f'@{k}'}{options}" for k in as_sequence(self.k)]  # type: ignore[arg-type]

    def _options(self) -> str:
        gain, table = gain_table(self.gain)
        said = (
            ""
            if gain == "exp2"
            else "_linear"
            if gain == "linear"
            else f"_gain{zlib.crc32(table.tobytes()):08x}"
        )
        said += "" if self.ties == "first" else f"_{self.ties}"
        if self.empty == "skip":
            return said + "_skip"
        return said + ("" if self.empty == 0 else f"_empty{float(self.empty)}")

    def _evaluate(self, data: TrainingData) -> list[tuple[str, float]]:
        """Name and value for each cut-off."""
        with in_words_of(self._words):
            weights = None if data.weights is None else data.list_weights()
            values = self._values(data.labels, data.scores, data.groups, weights)
        return list(zip(self.labels, map(float, np.atleast_1d(values)), strict=True))

    def _values(self, labels: Array, scores: Array, groups: Array, weights: Array | None) -> Any:
        return ndcg(
            labels, scores, groups=groups, sample_weight=weights, k=self.k, gain=self.gain, ties=self.ties,
            empty=self.empty, negative_labels="use",
        )  # fmt: skip
