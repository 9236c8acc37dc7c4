"""Every loss as a value in mpmath's arithmetic, from which differences of tiny steps give all derivatives.

Only values are written here, as in the papers; no derivative is: 80 digits and a step of 1e-20 give those to 1e-39.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import mp, mpf

mp.dps = 80
STEP = mpf(10) ** -20

Numbers = list[Any]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x)) if x > 0 else mpmath.exp(x) / (1 + mpmath.exp(x))


def softplus(x: Any) -> Any:
    """log(1 + e^x)."""
    return (x if x > 0 else mpf(0)) + mpmath.log1p(mpmath.exp(-abs(x)))


#: phi(d, gap) of an ordered pair, by the name of the class.
PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "PairwiseHingeLoss": lambda d, gap: max(mpf(0), 1 - d),
    "PairwiseSquaredHingeLoss": lambda d, gap: max(mpf(0), 1 - d) ** 2,
    "PairwiseLogisticLoss": lambda d, gap: softplus(-d),
    "PairwiseSoftZeroOneLoss": lambda d, gap: sigmoid(-d),
    "PairwiseExponentialLoss": lambda d, gap: mpmath.exp(-d),
    "PairwiseMeanSquaredError": lambda d, gap: (d - gap) ** 2,
    "PairwiseQuantileLoss": lambda d, gap: abs(gap - d) / 2,
    "PairwiseQuantileLoss(squared)": lambda d, gap: (gap - d) ** 2 / 2,
}


def log_sum_exp(z: Numbers) -> Any:
    top = max(z)
    return top + mpmath.log(mpmath.fsum(mpmath.exp(x - top) for x in z))


def cross_entropy(z: Numbers, target: Numbers) -> Any:
    return mpmath.fsum(t * (log_sum_exp(z) - x) for t, x in zip(target, z, strict=True) if t != 0)


def normalized(y: Numbers, otherwise: Any) -> Numbers:
    total = mpmath.fsum(y)
    return [t / total if total != 0 else otherwise for t in y]


def poly1(z: Numbers, y: Numbers) -> Any:
    top = log_sum_exp(z)
    share = normalized(y, mpf(1) / len(y))
    return (
        cross_entropy(z, y) + 1 - mpmath.fsum(t * mpmath.exp(x - top) for t, x in zip(share, z, strict=True))
    )


def unique_softmax(z: Numbers, y: Numbers) -> Any:
    def rivals(i: int) -> Numbers:
        return [z[j] for j in range(len(z)) if y[j] < y[i] or j == i]

    return mpmath.fsum((2 ** y[i] - 1) * (log_sum_exp(rivals(i)) - z[i]) for i in range(len(z)))


def list_mle(z: Numbers, y: Numbers) -> Any:
    order = sorted(range(len(z)), key=lambda i: (-y[i], i))
    return mpmath.fsum(log_sum_exp([z[j] for j in order[k:]]) - z[i] for k, i in enumerate(order))


def smooth_ranks(z: Numbers) -> Numbers:
    return [1 + mpmath.fsum(sigmoid(z[k] - z[i]) for k in range(len(z)) if k != i) for i in range(len(z))]


def approx_ndcg(
    z: Numbers, y: Numbers, cut: Callable[[Any], Any] = lambda rank: mpf(1), k: int | None = None
) -> Any:
    gains = [2**label - 1 for label in y]
    best = sorted(gains, reverse=True)[:k]
    ideal = mpmath.fsum(g / mpmath.log(r + 2, 2) for r, g in enumerate(best))
    if ideal == 0:
        return mpf(0)
    return (
        -mpmath.fsum(g * cut(r) / mpmath.log(1 + r, 2) for g, r in zip(gains, smooth_ranks(z), strict=True))
        / ideal
    )


def approx_ndcg_at_3(z: Numbers, y: Numbers) -> Any:
    return approx_ndcg(z, y, (lambda rank: sigmoid(3.5 - rank)) if len(z) > 3 else (lambda rank: mpf(1)), 3)


def approx_mrr(z: Numbers, y: Numbers) -> Any:
    ranks = [r for r, label in zip(smooth_ranks(z), y, strict=True) if label >= 1]
    return -1 / min(ranks) if ranks else mpf(0)


def sigmoid_cross_entropy(z: Numbers, y: Numbers) -> Any:
    clipped = [min(max(label, 0), 1) for label in y]
    return mpmath.fsum(t * softplus(-x) + (1 - t) * softplus(x) for t, x in zip(clipped, z, strict=True))


#: Value of a list of scores / T and labels, by the name of the class.
LISTS: dict[str, Callable[[Numbers, Numbers], Any]] = {
    "SoftmaxLoss": cross_entropy,
    "SoftmaxLoss(normalize_labels)": lambda z, y: cross_entropy(z, normalized(y, mpf(0))),
    "Poly1SoftmaxLoss": poly1,
    "UniqueSoftmaxLoss": unique_softmax,
    "ListMLELoss": list_mle,
    "ApproxNDCGLoss": approx_ndcg,
    "ApproxNDCGLoss(k)": approx_ndcg_at_3,
    "ApproxMRRLoss": approx_mrr,
    "SigmoidCrossEntropyLoss": sigmoid_cross_entropy,
    "PointwiseMeanSquaredError": lambda z, y: mpmath.fsum((x - t) ** 2 for x, t in zip(z, y, strict=True)),
}


def jet(function: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    """Value, first and second derivative at 0."""
    below, here, above = function(-STEP), function(mpf(0)), function(STEP)
    return here, (above - below) / (2 * STEP), (above - 2 * here + below) / STEP**2


def pair_sums(name: str, s: Numbers, y: Numbers, t: Any) -> dict[str, Numbers]:
    """Value, gradient and Hessian of a list, and per output the sum of its absolute terms."""
    n = len(s)
    everything = name == "PairwiseMeanSquaredError"
    scale = mpf(1) if everything else t
    out = {key: [mpf(0)] * n for key in ("grad", "hess", "grad terms", "hess terms")}
    values = []
    for i in range(n):
        for j in range(n):
            if i == j or not (everything or y[i] > y[j]):
                continue
            d, gap = (s[i] - s[j]) / scale, y[i] - y[j]
            value, slope, bend = jet(lambda h, d=d, gap=gap: PAIRS[name](d + h, gap))
            values.append(value)
            for item, sign in ((i, 1), (j, -1)):
                out["grad"][item] += sign * slope / scale
                out["grad terms"][item] += abs(slope) / scale
                out["hess"][item] += bend / scale**2
                out["hess terms"][item] += abs(bend) / scale**2 + abs(slope) / scale**2
    return {**out, "value": [mpmath.fsum(values)], "value terms": [mpmath.fsum(abs(v) for v in values)]}


def list_sums(name: str, s: Numbers, y: Numbers, t: Any) -> dict[str, Numbers]:
    """The same for a function of the whole list; errors are relative to the largest output of the list."""
    out: dict[str, Numbers] = {key: [] for key in ("grad", "hess")}
    value = LISTS[name]([x / t for x in s], y) if s else mpf(0)
    for k in range(len(s)):
        moved = lambda h, k=k: LISTS[name]([(x + h if i == k else x) / t for i, x in enumerate(s)], y)  # noqa: E731
        _, slope, bend = jet(moved)
        out["grad"].append(slope)
        out["hess"].append(bend)
    largest = max([abs(x) for x in out["grad"]], default=mpf(0))
    if name == "Poly1SoftmaxLoss":
        largest += 1 / t  # p (yhat - sum yhat p) is 0 for equal yhat; its terms are not
    bends = max([abs(x) for x in out["hess"]] + [largest / t], default=mpf(0))
    terms = {"grad terms": [largest] * len(s), "hess terms": [bends] * len(s)}
    return {**out, **terms, "value": [value], "value terms": [abs(value)]}
