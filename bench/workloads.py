"""What is measured: a loss with its derivatives on made-up lists, and how rankgrad computes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import rankgrad as rg
from numpy.typing import NDArray
from rankgrad.datasets import LABEL_SHARES

Array = NDArray[Any]

#: A call that gives value and gradients, as numbers or arrays of whatever framework.
Step = Callable[[], Any]

PAIRWISE = {"hinge": rg.PairwiseHingeLoss, "logistic": rg.PairwiseLogisticLoss}
LISTWISE = {
    "softmax": rg.SoftmaxLoss,
    "poly1_softmax": rg.Poly1SoftmaxLoss,
    "unique_softmax": rg.UniqueSoftmaxLoss,
    "list_mle": rg.ListMLELoss,
    "approx_ndcg": rg.ApproxNDCGLoss,
    "sigmoid_cross_entropy": rg.SigmoidCrossEntropyLoss,
    "squared_error": rg.PointwiseMeanSquaredError,
}
IMPLICIT = ("implicit_bpr", "implicit_hinge", "adaptive_bpr", "adaptive_hinge", "warp")
NUM_ITEMS = 100_000  # that WARP takes its negatives from


@dataclass(frozen=True)
class Work:
    """A loss on `lists` lists of `length` items; for the implicit losses, positives and negatives of each.

    `labels`: "five" levels as in web search, "two" levels, all "distinct"; "ragged" are lists of five levels whose
    length varies about `length`.
    """

    loss: str
    lists: int
    length: int
    labels: str = "five"
    dtype: str = "float32"

    def __str__(self) -> str:
        labels = {
            "five": "",
            "two": ", two levels",
            "distinct": ", all labels distinct",
            "ragged": ", ragged",
        }
        loss = self.loss.replace("_", " ")
        return f"{loss}, {self.lists:,} x {self.length:,}{labels[self.labels]}, {self.dtype}"


@dataclass(frozen=True)
class Data:
    """The arrays of a work: scores to differentiate by, labels like the (first) scores, sizes of ragged lists."""

    scores: tuple[Array, ...]
    labels: Array | None = None
    groups: Array | None = None

    @property
    def arrays(self) -> tuple[Array, ...]:
        return self.scores if self.labels is None else (*self.scores, self.labels)


@lru_cache(maxsize=1)
def data(work: Work) -> Data:
    """The same numbers in every process."""
    rng = np.random.default_rng(0)
    if work.loss in IMPLICIT:
        positive, negative = rng.normal(1, 1, work.lists), rng.normal(0, 1, (work.length, work.lists))
        return Data((positive.astype(work.dtype), negative.astype(work.dtype)))
    shape: Any = (work.lists, work.length)
    groups = None
    if work.labels == "ragged":
        groups = np.clip(rng.lognormal(np.log(0.85 * work.length), 0.55, work.lists), 10, 3.1 * work.length)
        groups = groups.astype(np.int64)
        shape = groups.sum()
    if work.labels == "distinct":
        labels = rng.permuted(np.broadcast_to(np.arange(work.length), shape), axis=1)
    else:
        labels = rng.choice(5, shape, p=LABEL_SHARES) if work.labels != "two" else rng.random(shape) < 0.2
    spread = labels / max(labels.max(), 5)  # better items score a little higher
    scores = rng.normal(size=shape) + 1.5 * spread
    return Data((scores.astype(work.dtype),), labels.astype(work.dtype), groups)


def rankgrad_step(work: Work, n_threads: int = 1, algorithm: str = "auto") -> Step:
    """Labels bound; a call gives the sum of the loss and its gradient, for boosting gradient and Hessian."""
    given = data(work)
    if work.loss in IMPLICIT:
        function = getattr(rg, f"{work.loss.removeprefix('implicit_')}_loss")
        num_items = NUM_ITEMS if work.loss == "warp" else None
        return lambda: function.value_and_grad(*given.scores, num_items)
    if work.loss == "delta_ndcg":
        loss: Any = rg.PairwiseLogisticLoss(reduction="sum", lambda_weight=rg.NDCGWeight())
    else:
        loss = (PAIRWISE | LISTWISE)[work.loss](reduction="sum")
    objective = loss.bind(given.labels, groups=given.groups, algorithm=algorithm)
    call = objective.grad_and_hess if work.loss == "delta_ndcg" else objective.value_and_grad
    return lambda: call(given.scores[0], n_threads=n_threads)


def parts(result: Any) -> Iterator[Array]:
    """The numbers and arrays of a result, in order."""
    if isinstance(result, (tuple, list)):
        for part in result:
            yield from parts(part)
    else:
        yield np.asarray(result, dtype=np.float64)
