"""The specification of the listwise and pointwise losses: plain NumPy in extended precision, full Hessians.

A listwise loss is a function of one list (margins d[k, i] = (s_k - s_i) / T, labels y, item weights w), a pointwise one
of z = s / T instead of d. It gives its value, gradient and Hessian matrix by z, and the curvature that boosting takes;
`one_list` does so for scores and their temperature.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remembered import remembered

Array = NDArray[Any]


class Jet(NamedTuple):
    """Value (per item for pointwise losses), gradient, Hessian matrix, positive curvature; `terms` bound
    rounding errors: sums of the absolute terms of the gradient and of the Hessian's diagonal."""

    value: Array
    grad: Array
    hess: Array
    positive: Array
    grad_terms: Array
    hess_terms: Array


def highest(d: Array, group: Array) -> Any:
    """The item of the group that none of it is above."""
    return next(k for k in np.flatnonzero(group) if (d[k, group] >= 0).all())


def nested(d: Array, gains: Array, groups: list[Array]) -> Jet:
    """sum_i gains_i (log sum_{j in groups_i} e^z_j - z_i); 1 - p is the sum of the others."""
    n = len(d)
    value, hess = d.dtype.type(0), np.zeros_like(d)
    grad, grad_terms, hess_terms = np.zeros((3, n), d.dtype)
    for i, (gain, group) in enumerate(zip(gains, groups, strict=True)):
        top = highest(d, group)
        e = np.exp(np.where(group, d[:, top], -np.inf))
        others = np.array([e[np.arange(n) != k].sum() for k in range(n)])
        p, q = e / e.sum(), others / e.sum()
        value += gain * (np.log1p(others[top]) + d[top, i])
        step = p.copy()
        step[i] = -q[i]
        grad += gain * step
        block = -np.outer(p, p)
        block[np.arange(n), np.arange(n)] = p * q
        hess += gain * block
        grad_terms += np.abs(gain * step)
        hess_terms += np.abs(gain * p * q)
    return Jet(value, grad, hess, np.maximum(np.diag(hess), 0), grad_terms, hess_terms)


def whole(d: Array) -> list[Array]:
    return [np.ones(len(d), bool)] * len(d)


def softmax(d: Array, y: Array, w: Array) -> Jet:
    return nested(d, y * w, whole(d))


def list_net(d: Array, y: Array, w: Array) -> Jet:
    t = y * w
    return nested(d, t / t.sum() if t.sum() != 0 else 0 * t, whole(d))


def poly1_softmax(d: Array, y: Array, w: Array, epsilon: float = 1.0) -> Jet:
    """The softmax's + epsilon (1 - sum yhat p)."""
    jet, t = softmax(d, y, w), y * w
    yhat = t / t.sum() if t.sum() != 0 else np.full_like(t, 1 / d.dtype.type(max(len(d), 1)))
    e = np.exp(d[:, highest(d, np.ones(len(d), bool))])
    p = e / e.sum()
    off = yhat - yhat @ p
    q = np.array([e[np.arange(len(d)) != k].sum() for k in range(len(d))]) / e.sum()
    # d(p_k off_k)/dz_l = p_k ([k = l] - p_l) off_k - p_k p_l off_l
    turn = np.diag(p * off) - np.outer(p * off, p) - np.outer(p, p * off)
    hess = jet.hess - epsilon * turn
    size = abs(epsilon) * p * (np.abs(yhat) + np.abs(yhat) @ p)
    return Jet(
        jet.value + epsilon * (yhat @ q),
        jet.grad - epsilon * p * off,
        hess,
        np.maximum(np.diag(hess), 0),
        jet.grad_terms + size,
        jet.hess_terms + 3 * size,
    )


def unique_softmax(d: Array, y: Array, w: Array, gain: str = "exp2") -> Jet:
    gains = exp2_gain(y) if gain == "exp2" else y
    return nested(d, gains * w, [(y < y[i]) | (np.arange(len(d)) == i) for i in range(len(d))])


def exp2_gain(y: Array) -> Array:
    """2^y - 1."""
    return np.expm1(y * np.log(y.dtype.type(2)))


def list_mle(d: Array, y: Array, w: Array) -> Jet:
    order = np.argsort(-y, kind="stable")
    place = np.argsort(order)
    return nested(d, w, [place >= place[i] for i in range(len(d))])


def sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1 / (1 + e), e / (1 + e))


def of_ranks(d: Array, metric: Callable[[Array], tuple[Any, Array, Array]]) -> Jet:
    """A function of the smooth ranks: metric gives its value and its first and second derivative by each
    rank."""
    off = ~np.eye(len(d), dtype=bool)
    rank = 1 + (sigmoid(d) * off).sum(0)
    value, f, c = metric(rank)
    a = sigmoid(d) * sigmoid(-d) * off
    b = -a * np.tanh(d / 2)  # sigma''(z_k - z_i)
    jacobian = a.T - np.diag(a.sum(0))  # [i, k]: dr_i / dz_k
    hess = jacobian.T @ (c[:, None] * jacobian)
    for i in range(len(d)):  # d2 r_i: sigma'' in (k, k), -sigma'' in (k, i), their sum in (i, i)
        hess += f[i] * np.diag(b[:, i])
        hess[:, i] -= f[i] * b[:, i]
        hess[i, :] -= f[i] * b[:, i]
        hess[i, i] += f[i] * b[:, i].sum()
    positive = a @ np.abs(f) + np.abs(f) * a.sum(1)
    hess_terms = (jacobian**2).T @ np.abs(c) + np.abs(b) @ np.abs(f) + np.abs(f) * np.abs(b).sum(1)
    return Jet(value, jacobian.T @ f, hess, positive, positive, hess_terms)


def ndcg_of_ranks(r: Array, y: Array, k: int | None, width: Any) -> tuple[Any, Array, Array]:
    """Minus NDCG of ranks that are no integers, its first and its second derivative by each rank."""
    gains = exp2_gain(y.astype(r.dtype))
    best = np.sort(gains)[::-1][:k]
    ideal = (best / np.log2(np.arange(len(best), dtype=r.dtype) + 2)).sum()
    log = np.log1p(r)
    d = np.log(r.dtype.type(2)) / log
    slope, bend = -d / log / (1 + r), d / log / (1 + r) ** 2 * (1 + 2 / log)
    if k is not None and k < len(r):
        x = (k + 0.5 - r) / width
        cut, step = sigmoid(x), sigmoid(x) * sigmoid(-x)
        turn = -step * np.tanh(x / 2)
        bend = bend * cut - 2 * slope * step / width + d * turn / width**2
        slope = slope * cut - d * step / width
        d = d * cut
    return -(gains * d).sum() / ideal, -gains * slope / ideal, -gains * bend / ideal


def mrr_of_ranks(r: Array, y: Array) -> tuple[Any, Array, Array]:
    """Minus 1 / the least rank of the relevant items; equal least ranks share its derivatives."""
    first = (y >= 1) & (r == r[y >= 1].min())
    share = first / first.sum()
    return -1 / r[first][0], share / r**2, -2 * share / r**3


def approx_ndcg(d: Array, y: Array, w: Array, k: int | None = None, width: float = 1.0) -> Jet:
    best = np.sort(exp2_gain(y))[::-1][:k]
    if not (best / np.log2(np.arange(len(best), dtype=d.dtype) + 2)).sum() > 0:
        return nothing(d)
    return of_ranks(d, lambda r: ndcg_of_ranks(r, y, k, width))


def approx_mrr(d: Array, y: Array, w: Array) -> Jet:
    return of_ranks(d, lambda r: mrr_of_ranks(r, y)) if (y >= 1).any() else nothing(d)


def nothing(d: Array) -> Jet:
    zero = np.zeros(len(d), d.dtype)
    return Jet(d.dtype.type(0), zero, np.zeros((len(d), len(d)), d.dtype), zero, zero, zero)


def sigmoid_cross_entropy(z: Array, y: Array, w: Array) -> Jet:
    y = np.clip(y, 0, 1)
    p, q = sigmoid(z), sigmoid(-z)
    value = np.where(z > 0, z * (1 - y), -z * y) + np.log1p(np.exp(-np.abs(z)))
    grad_terms = w * ((1 - y) * p + y * q)
    return Jet(value, w * ((1 - y) * p - y * q), np.diag(w * p * q), w * p * q, grad_terms, w * p * q)


def squared_error(z: Array, y: Array, w: Array) -> Jet:
    two = 2 * w
    return Jet((z - y) ** 2, two * (z - y), np.diag(two), two, two * (np.abs(z) + np.abs(y)), two)


POINTWISE = ("sigmoid_cross_entropy", "squared_error")

#: name -> function; a pointwise value is an array
LOSSES: dict[str, Callable[..., Jet]] = {
    "softmax": softmax,
    "list_net": list_net,
    "poly1_softmax": poly1_softmax,
    "unique_softmax": unique_softmax,
    "list_mle": list_mle,
    "approx_ndcg": approx_ndcg,
    "approx_mrr": approx_mrr,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "squared_error": squared_error,
}


@remembered
def one_list(
    name: str, scores: Array, labels: Array, weights: Array, temperature: float, **options: Any
) -> Jet:
    """The loss of one list and its derivatives by the scores, in extended precision."""
    s, *others = (np.asarray(x, dtype=np.longdouble) for x in (scores, labels, weights))
    if not len(scores):
        return nothing(s)
    t = np.longdouble(temperature)
    jet = LOSSES[name](s / t if name in POINTWISE else (s[:, None] - s[None, :]) / t, *others, **options)
    return Jet(
        jet.value,
        jet.grad / t,
        jet.hess / t**2,
        jet.positive / t**2,
        jet.grad_terms / t,
        jet.hess_terms / t**2,
    )
