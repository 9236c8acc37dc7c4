"""The error of the fast sums against sums in extended precision (tests/spec/exact.py), relative to the absolute terms.

Score scales from 0.01 to 1,000; two, five and all distinct label levels, one positive or one negative item; scores as
they fall, with ties, and with row weights. What the last bit of a score changes in a sum is not counted as its error.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import rankgrad as rg
from rankgrad.datasets import LABEL_SHARES

from bench.workloads import Array
from exact import exact_sums
from exact_ranks import LOSSES as RANK_LOSSES
from exact_ranks import exact as exact_ranks
from exact_ranks import worst_errors as rank_errors

LOSSES = {
    "hinge": rg.PairwiseHingeLoss,
    "squared_hinge": rg.PairwiseSquaredHingeLoss,
    "logistic": rg.PairwiseLogisticLoss,
    "soft_zero_one": rg.PairwiseSoftZeroOneLoss,
}
SCALES = (0.01, 1.0, 30.0, 1000.0)
LABELS = ("two", "five", "distinct", "one positive", "one negative")
VARIANTS = ("plain", "ties", "weights")


def worst_errors(quick: bool) -> Iterator[dict[str, Any]]:
    """Per loss and type, the largest error of any value, gradient or Hessian, and where it was."""
    n, items = (600, 10) if quick else (2000, 20)
    scales = SCALES[1::2] if quick else SCALES
    weighted = (False, True) if hasattr(rg, "NDCGWeight") else (False,)
    for delta, loss, dtype in product(weighted, LOSSES, ("float32", "float64")):
        found = [
            (
                error(loss, delta, dtype, scale, labels, variant, n, items),
                f"scale {scale:g}, {labels}, {variant}",
            )
            for scale, labels, variant in product(scales, LABELS, VARIANTS)
        ]
        worst, where = max(found)
        name = f"delta NDCG x {loss}" if delta else loss
        yield {"loss": name, "dtype": dtype, "cases": len(found), "error": worst, "where": where}
    for loss, dtype in product(RANK_LOSSES, ("float32", "float64")):
        found = [
            (rank_error(loss, dtype, scale, variant, min(n, 1000)), f"scale {scale:g}, {variant}")
            for scale, variant in product(scales, ("plain", "ties", "outlier"))
        ]
        worst, where = max(found)
        name = "approx " + loss.replace("_", " ")
        yield {"loss": name, "dtype": dtype, "cases": len(found), "error": worst, "where": where}


def error(
    loss: str, delta: bool, dtype: str, scale: float, labels: str, variant: str, n: int, items: int
) -> float:
    """The largest error among some items of one list."""
    rng = np.random.default_rng(n)
    y, s = labels_of(labels, n, rng), (scale * rng.normal(size=n)).astype(dtype)
    if variant == "ties":
        s = (np.round(s / scale * 4) / 4 * scale).astype(dtype)
    w = 2 * rng.random(n) if variant == "weights" else np.ones(n)
    some = np.unique([*rng.integers(0, n, items), n // 3, s.argmin(), s.argmax()])
    options: dict[str, Any] = {"lambda_weight": rg.NDCGWeight(gain="linear")} if delta else {}
    objective = LOSSES[loss](reduction="none", **options).bind(y, algorithm="fast")
    values, grad = objective.value_and_grad(s, cotangent=w)
    hess = objective.grad_and_hess(s, cotangent=w)[1]
    weights = {"pair_weights": delta_ndcg(y, s, some)} if delta else {}
    want = exact_sums(loss, y, s, w, some, **weights)
    last_bit = 2 * np.finfo(np.float64).eps * float(np.abs(s).max())
    got = (values * w, grad, hess)
    return max(relative(g[some], x, last_bit, dtype) for g, x in zip(got, want[:3], strict=True))


def rank_error(loss: str, dtype: str, scale: float, variant: str, n: int) -> float:
    """The largest error of any result of a loss of smooth ranks; one relevant item for the MRR, for ties may jump."""
    rng = np.random.default_rng(n)
    y = labels_of("one positive" if loss == "mrr" else "five", n, rng)
    s = scale * rng.normal(size=n)
    s = np.round(s / scale * 4) / 4 * scale if variant == "ties" else s
    s[n // 2] += 1e6 * (variant == "outlier")
    s, v = s.astype(dtype), rng.normal(size=n).astype(dtype)
    objective = RANK_LOSSES[loss](1.0, reduction="sum").bind(y, algorithm="fast")
    value, grad = objective.value_and_grad(s)
    hess, positive = (objective.grad_and_hess(s, curvature=c)[1] for c in ("exact", "positive"))
    got = {"value": np.asarray(value), "grad": grad, "hess": hess, "positive": positive}
    got["hessp"] = objective.hessp(s, v)
    return max(rank_errors(got, exact_ranks(loss, y, s, v, 1.0), s, 1.0).values())


def delta_ndcg(y: Array, s: Array, items: Array) -> Array:
    """|y_i - y_j| |D_i - D_j| / ideal DCG for the given i and all j, from discounts in double."""
    discounts = 1 / np.log2(np.arange(y.size) + 2.0)
    d = np.empty(y.size, dtype=np.longdouble)
    d[np.argsort(-s, kind="stable")] = discounts
    gaps = np.abs(y[items, None] - y[None, :]) * np.abs(d[items, None] - d[None, :])
    return np.asarray(gaps / (np.sort(y)[::-1] @ discounts))


def relative(got: Array, want: Any, last_bit: float, dtype: str) -> float:
    excess = np.abs(got - want.total) - last_bit * want.drift - np.finfo(dtype).tiny
    return float((np.maximum(excess, 0) / np.where(want.terms > 0, want.terms, 1)).max())


def labels_of(kind: str, n: int, rng: np.random.Generator) -> Array:
    if kind == "distinct":
        return rng.permutation(n)
    if kind == "five":
        return rng.choice(5, n, p=LABEL_SHARES)
    if kind == "two":
        return np.asarray(rng.random(n) < 0.2).astype(int)
    return np.asarray((np.arange(n) == n // 3) == (kind == "one positive")).astype(int)
