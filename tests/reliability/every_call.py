"""Every public loss, metric and bridge, each as one call that gives all its results; and one hash of them all.

A class or function that is added to the package is in here of itself: `test_every_call.py` holds the counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import rankgrad as rg
from rankgrad._loss import RankingLoss
from rankgrad.implicit import ImplicitLoss

Array = np.ndarray[Any, Any]
Results = dict[str, Any]


def labelled_losses() -> dict[str, RankingLoss]:
    """The losses over labelled lists by name, with reduction "sum", and the options that change the arithmetic."""
    classes = [getattr(rg, name) for name in rg.__all__]
    plain = [c for c in classes if isinstance(c, type) and issubclass(c, RankingLoss)]
    losses = {c.__name__: c(reduction="sum") for c in plain}
    losses["PairwiseQuantileLoss(squared)"] = rg.PairwiseQuantileLoss(reduction="sum", squared=True)
    losses["SoftmaxLoss(normalize_labels)"] = rg.SoftmaxLoss(reduction="sum", normalize_labels=True)
    losses["ApproxNDCGLoss(k)"] = rg.ApproxNDCGLoss(reduction="sum", k=3)
    return losses


def implicit_losses() -> dict[str, ImplicitLoss]:
    """The implicit losses by name."""
    objects = {name: getattr(rg, name) for name in rg.__all__}
    return {name: x for name, x in objects.items() if isinstance(x, ImplicitLoss)}


def ragged(
    dtype: Any, seed: int = 5, lengths: tuple[int, ...] = (1, 0, 40, 7, 700, 300, 2, 300, 150, 150)
) -> dict[str, Array]:
    """Lists short and long, with ties, with scores so far apart that terms become denormal, and one of 700 items,
    which takes the sums that grow slower than the number of pairs.
    """
    rng = np.random.default_rng(seed)
    n = sum(lengths)
    scores = rng.normal(0, 2, n)
    scores[::37] *= 40
    scores[1:n:11] = 0.5
    return {
        "labels": rng.integers(0, 5, n).astype(np.float64),
        "scores": scores.astype(dtype),
        "groups": np.array(lengths),
        "vector": rng.normal(size=n).astype(dtype),
        "per_list": rng.uniform(0, 2, (len(lengths), 1)),
    }


def loss_results(loss: RankingLoss, data: dict[str, Array], n_threads: int | None = None) -> Results:
    """Value, gradient, both Hessians and the Hessian times a vector."""
    bound = loss.bind(data["labels"], data["per_list"], groups=data["groups"])
    x, threads = data["scores"], {"n_threads": n_threads}
    value, grad = bound.value_and_grad(x, **threads)
    exact = bound.grad_and_hess(x, **threads)
    positive = bound.grad_and_hess(x, curvature="positive", min_hessian=1e-16, **threads)
    return {
        "value": value,
        "grad": grad,
        "exact": exact[1],
        "positive": positive[1],
        "hessp": bound.hessp(x, data["vector"], **threads),
    }


def implicit_data(dtype: Any) -> dict[str, Any]:
    """1200 positives with 30 negatives each, items and their categories."""
    rng = np.random.default_rng(6)
    return {
        "positive": rng.normal(size=1200).astype(dtype),
        "negative": rng.normal(0, 3, (30, 1200)).astype(dtype),
        "num_items": 1000,
        "positive_items": rng.integers(0, 1000, 1200),
        "negative_items": rng.integers(0, 1000, (30, 1200)),
        "metadata": {"genre": rng.integers(0, 9, 1000)},
        "metadata_weights": {"genre": 0.25},
    }


def implicit_results(loss: ImplicitLoss, data: dict[str, Any], n_threads: int | None = None) -> Results:
    """Value, gradients and Hessians."""
    items = dict(data)
    positive, negative = items.pop("positive"), items.pop("negative")
    value, grad = loss.value_and_grad(positive, negative, **items, n_threads=n_threads)
    hess = loss.grad_and_hess(positive, negative, **items, n_threads=n_threads)[1]
    return {"value": value, "grad": grad, "hess": hess}


def metric_results(data: dict[str, Array]) -> Results:
    """Both metrics with every way to treat ties."""
    return {
        f"{metric.__name__} {ties}": metric(
            data["labels"], data["scores"], groups=data["groups"], ties=ties, k=10, per_list=True
        )
        for metric in (rg.ndcg, rg.dcg)
        for ties in ("first", "average", "worst")
    }


def softmax_results(data: dict[str, Array], n_threads: int | None = None) -> Results:
    """`ranking_softmax_loss` for lists of equal length."""
    x, y = data["scores"][:600].reshape(6, 100), data["labels"][:600].reshape(6, 100)
    options = {"reduction": "sum", "n_threads": n_threads}
    value, grad = rg.ranking_softmax_loss.value_and_grad(x, y, **options)
    return {"value": value, "grad": grad, "hess": rg.ranking_softmax_loss.grad_and_hess(x, y, **options)[1]}


def boosting_results(data: dict[str, Array]) -> Results:
    """The LightGBM bridge called as LightGBM calls it; XGBoost's differs in how it reads its data alone."""
    from rankgrad.lightgbm import metric, objective

    labels, scores, groups = data["labels"].astype(np.float32), data["scores"], data["groups"]
    loss = objective(rg.PairwiseLogisticLoss(), list_scale="pairs")
    grad, hess = loss(labels, scores, None, groups)
    return {"grad": grad, "hess": hess, "metric": metric(k=5)(labels, scores, None, groups)[1]}


def every_call(n_threads: int | None = None, seed: int = 5) -> Iterator[tuple[str, Callable[[], Results]]]:
    """Names, and calls that compute all results of that name."""
    for dtype in (np.float32, np.float64):
        kind = np.dtype(dtype).name
        data, implicit = ragged(dtype, seed), implicit_data(dtype)
        for name, loss in labelled_losses().items():
            yield f"{name} {kind}", lambda loss=loss, data=data: loss_results(loss, data, n_threads)
        for name, other in implicit_losses().items():
            yield f"{name} {kind}", lambda x=other, data=implicit: implicit_results(x, data, n_threads)
        yield f"metrics {kind}", lambda data=data: metric_results(data)
        yield f"ranking_softmax_loss {kind}", lambda data=data: softmax_results(data, n_threads)
        yield f"lightgbm {kind}", lambda data=data: boosting_results(data)


def add_bytes(digest: Any, x: Any) -> None:
    """Feeds numbers, arrays and whatever holds them."""
    if isinstance(x, dict):
        x = tuple(x.values())
    if isinstance(x, tuple | list):
        for part in x:
            add_bytes(digest, part)
    else:
        digest.update(np.ascontiguousarray(x).tobytes())


def hash_of(results: Any) -> str:
    """sha256 of all the bits in the results."""
    digest = hashlib.sha256()
    add_bytes(digest, results)
    return digest.hexdigest()


def hash_of_everything(n_threads: int | None = None) -> str:
    """One sha256 of every result of every call."""
    return hash_of([call() for _, call in every_call(n_threads)])


def hashes(n_threads: int | None = None) -> dict[str, str]:
    """A sha256 per name: to see what differs."""
    return {name: hash_of(call()) for name, call in every_call(n_threads)}
