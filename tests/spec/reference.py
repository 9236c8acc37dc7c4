"""The specification: what every pairwise loss is, in plain O(n^2) NumPy, float64.

A loss is a function of one ordered pair of items (i, j): of its margin d = (s_i - s_j) / T and its label gap
y_i - y_j. `one_list` adds it over the pairs of a list; reference_lists.py adds lists, weights and reductions.
Whatever rankgrad computes faster, in float32, in threads or in O(n log n) must equal these sums.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Jet(NamedTuple):
    """A pair's loss, its first and second derivative by the margin, and the curvature for boosting."""

    value: Array
    slope: Array
    curvature: Array
    positive_curvature: Array


# ----------------------------------------------------------------------------------------------------
# One function per loss
# ----------------------------------------------------------------------------------------------------


def hinge(d: Array, gap: Array) -> Jet:
    """max(0, 1 - d); slope 0 at the kink; for boosting an active pair has curvature 1."""
    active = np.where(d < 1, 1.0, 0.0)
    return Jet(active * (1 - d), -active, 0 * d, active)


def squared_hinge(d: Array, gap: Array) -> Jet:
    """max(0, 1 - d)^2."""
    slack = np.maximum(1 - d, 0)
    active = np.where(d < 1, 1.0, 0.0)
    return Jet(slack**2, -2 * slack, 2 * active, 2 * active)


def logistic(d: Array, gap: Array) -> Jet:
    """log(1 + e^-d)."""
    p, q = sigmoid(d), sigmoid(-d)
    return Jet(np.logaddexp(0, -d), -q, p * q, p * q)


def soft_zero_one(d: Array, gap: Array) -> Jet:
    """sigmoid(-d)."""
    p, q = sigmoid(d), sigmoid(-d)
    return Jet(q, -p * q, p * q * (p - q), p * q)


def exponential(d: Array, gap: Array) -> Jet:
    """e^-d."""
    e = np.exp(-d)
    return Jet(e, -e, e, e)


def mean_squared_error(d: Array, gap: Array) -> Jet:
    """(d - gap)^2, over all ordered pairs (ties too), without temperature."""
    two = np.full_like(d, 2.0)
    return Jet((d - gap) ** 2, 2 * (d - gap), two, two)


def quantile(d: Array, gap: Array, tau: float = 0.5) -> Jet:
    """tau * max(0, e) + (1 - tau) * max(0, -e) with e = gap - d; slope 0 at the kink."""
    e = gap - d
    side = np.where(e > 0, tau, np.where(e < 0, 1 - tau, 0.0))
    return Jet(side * np.abs(e), -side * np.sign(e), 0 * e, 0 * e)


def squared_quantile(d: Array, gap: Array, tau: float = 0.5) -> Jet:
    """tau * max(0, e)^2 + (1 - tau) * max(0, -e)^2 with e = gap - d."""
    e = gap - d
    side = np.where(e > 0, tau, np.where(e < 0, 1 - tau, 0.0))
    return Jet(side * e**2, -2 * side * e, 2 * side, 2 * side)


# ----------------------------------------------------------------------------------------------------
# One function per pair weight: the matrix of what the pairs of a list are multiplied by
# ----------------------------------------------------------------------------------------------------


def label_difference_weight(labels: Array, scores: Array) -> Array:
    """|y_i - y_j|."""
    return np.asarray(np.abs(labels[:, None] - labels[None, :]))


def ndcg_weight(
    labels: Array,
    scores: Array,
    *,
    k: int | None = None,
    gain: Any = "exp2",
    normalize: bool = True,
    truncation: int | None = None,
) -> Array:
    """|G_i - G_j| |D_i - D_j| / ideal DCG; ranks by descending score, ties by position."""
    n = len(labels)
    g = {"exp2": lambda y: 2.0**y - 1, "linear": lambda y: y}.get(
        str(gain), lambda y: np.take(gain, y.astype(int))
    )(labels)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(-scores, kind="stable")] = np.arange(n)
    discounts = np.where(np.arange(n) < (n if k is None else k), 1 / np.log2(np.arange(n) + 2.0), 0.0)
    d = discounts[rank]
    delta = np.abs(g[:, None] - g[None, :]) * np.abs(d[:, None] - d[None, :])
    if truncation is not None:
        delta = np.where(np.minimum(rank[:, None], rank[None, :]) < truncation, delta, 0.0)
    if not normalize:
        return np.asarray(delta)
    ideal = float(np.sort(g)[::-1] @ discounts)
    return np.asarray(delta / ideal if ideal > 0 else 0 * delta)


#: Every function above that gives a Jet, by its name.
PAIR_LOSSES: dict[str, Callable[..., Jet]] = {
    name: loss
    for name, loss in globals().items()
    if getattr(loss, "__annotations__", {}).get("return") == "Jet"
}

#: Summed over all ordered pairs of valid items, without temperature; the others over pairs with y_i > y_j.
ALL_PAIRS = {"mean_squared_error"}


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)."""
    return np.asarray(1 / (1 + np.exp(-x)))


# ----------------------------------------------------------------------------------------------------
# One list
# ----------------------------------------------------------------------------------------------------


class Sum(NamedTuple):
    """A sum over pairs, for each item, and what a rounding error in it is measured against.

    `terms` adds the absolute terms; `drift` says how far the sum moves if all margins move by 1: a margin is
    the difference of two rounded numbers, known to some units in the last place of the scores.
    """

    total: Array
    terms: Array
    drift: Array


class ListSums(NamedTuple):
    """What one list gives, one number per item each."""

    values: Sum
    grad: Sum
    hess: Sum
    positive_hess: Sum
    hessp: Sum


def one_list(
    name: str,
    scores: Array,
    labels: Array,
    weights: Array,
    temperature: float = 1.0,
    vector: Array | None = None,
    pair_weight: Callable[[Array, Array], Array] | None = None,
    **parameters: Any,
) -> ListSums:
    """sum over pairs of weights[i] * pair_weight(i, j) * loss(i, j): rows, gradient, diagonal Hessians, Hessian times
    vector; pair_weight is held constant."""
    s = scores.astype(np.float64)
    y = labels.astype(np.float64)
    v = np.zeros(len(s)) if vector is None else vector.astype(np.float64)
    t = 1.0 if name in ALL_PAIRS else temperature
    is_pair = ~np.eye(len(s), dtype=bool) if name in ALL_PAIRS else labels[:, None] > labels[None, :]
    with np.errstate(over="ignore", invalid="ignore"):
        jet = PAIR_LOSSES[name]((s[:, None] - s[None, :]) / t, y[:, None] - y[None, :], **parameters)
        factor = weights[:, None] * (1.0 if pair_weight is None else pair_weight(y, s))
        value, slope, curvature, positive = (np.where(is_pair, factor * part, 0.0) for part in jet)
        bend = 2 * np.maximum(np.abs(curvature), np.abs(positive))  # bounds the third derivative
        twist = v[:, None] - v[None, :]
        return ListSums(
            Sum(value.sum(1), np.abs(value).sum(1), np.abs(slope).sum(1)),
            Sum(difference(slope) / t, both(np.abs(slope)) / t, both(np.abs(curvature)) / t),
            Sum(both(curvature) / t**2, both(np.abs(curvature)) / t**2, both(bend) / t**2),
            Sum(both(positive) / t**2, both(np.abs(positive)) / t**2, both(bend) / t**2),
            Sum(
                difference(curvature * twist) / t**2,
                both(np.abs(curvature * twist)) / t**2,
                both(bend * np.abs(twist)) / t**2,
            ),
        )


def both(pairs: Array) -> Array:
    """For each item: the sum over its pairs as the better one plus that as the worse one."""
    return np.asarray(pairs.sum(1) + pairs.sum(0))


def difference(pairs: Array) -> Array:
    """For each item: the sum over its pairs as the better one minus that as the worse one."""
    return np.asarray(pairs.sum(1) - pairs.sum(0))
