"""The specification of the listwise and pointwise losses: plain NumPy in extended precision, full Hessians.

A loss is a function of one list (z = scores / T, labels y, item weights w) that gives its value, gradient and
Hessian matrix by z, and the curvature that boosting takes. `evaluate` adds lists, temperature and weights per
list.
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


def nested(z: Array, gains: Array, groups: list[Array]) -> Jet:
    """sum_i gains_i (log sum_{j in groups_i} e^z_j - z_i); 1 - p is the sum of the others."""
    n = len(z)
    value, grad, hess = z.dtype.type(0), np.zeros_like(z), np.zeros((n, n), z.dtype)
    grad_terms, hess_terms = np.zeros_like(z), np.zeros_like(z)
    for i, (gain, group) in enumerate(zip(gains, groups, strict=True)):
        gap = np.where(group, z, -np.inf)
        e = np.exp(gap - gap.max())
        others = np.array([e[np.arange(n) != k].sum() for k in range(n)])
        p, q = e / e.sum(), others / e.sum()
        value += gain * (np.log1p(others[np.argmax(e)]) + (gap.max() - z[i]))
        step = p.copy()
        step[i] = -q[i]
        grad += gain * step
        block = -np.outer(p, p)
        block[np.arange(n), np.arange(n)] = p * q
        hess += gain * block
        grad_terms += np.abs(gain * step)
        hess_terms += np.abs(gain * p * q)
    return Jet(value, grad, hess, np.maximum(np.diag(hess), 0), grad_terms, hess_terms)


def whole(z: Array) -> list[Array]:
    return [np.ones(len(z), bool)] * len(z)


def softmax(z: Array, y: Array, w: Array) -> Jet:
    return nested(z, y * w, whole(z))


def list_net(z: Array, y: Array, w: Array) -> Jet:
    t = y * w
    return nested(z, t / t.sum() if t.sum() != 0 else 0 * t, whole(z))


def poly1_softmax(z: Array, y: Array, w: Array, epsilon: float = 1.0) -> Jet:
    """The softmax's + epsilon (1 - sum yhat p)."""
    jet, t = softmax(z, y, w), y * w
    yhat = t / t.sum() if t.sum() != 0 else np.full_like(z, 1 / z.dtype.type(max(len(z), 1)))
    e = np.exp(z - z.max())
    p = e / e.sum()
    off = yhat - yhat @ p
    q = np.array([e[np.arange(len(z)) != k].sum() for k in range(len(z))]) / e.sum()
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


def unique_softmax(z: Array, y: Array, w: Array, gain: str = "exp2") -> Jet:
    gains = np.exp2(y) - 1 if gain == "exp2" else y
    return nested(z, gains * w, [(y < y[i]) | (np.arange(len(z)) == i) for i in range(len(z))])


def list_mle(z: Array, y: Array, w: Array) -> Jet:
    order = np.argsort(-y, kind="stable")
    place = np.argsort(order)
    return nested(z, np.ones_like(z), [place >= place[i] for i in range(len(z))])


def sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1 / (1 + e), e / (1 + e))


def of_ranks(z: Array, metric: Callable[[Array], tuple[Any, Array, Array]]) -> Jet:
    """A function of the smooth ranks: metric gives its value and its first and second derivative by each
    rank."""
    d = z[:, None] - z[None, :]  # [k, i]: z_k - z_i
    np.fill_diagonal(d, -np.inf)
    rank = 1 + sigmoid(d).sum(0)
    value, f, c = metric(rank)
    off = ~np.eye(len(z), dtype=bool)
    p = np.where(off, sigmoid(np.where(off, d, 0)), 0)
    a = p * (1 - p) * off
    a = np.where(off, sigmoid(np.where(off, -np.abs(d), 0)) * sigmoid(np.where(off, np.abs(d), 0)), 0)
    b = -a * np.tanh(np.where(off, d, 0) / 2)  # sigma''(z_k - z_i)
    jacobian = a.T - np.diag(a.sum(0))  # [i, k]: dr_i / dz_k
    hess = jacobian.T @ (c[:, None] * jacobian)
    for i in range(len(z)):  # d2 r_i: sigma'' in (k, k), -sigma'' in (k, i), their sum in (i, i)
        hess += f[i] * np.diag(b[:, i])
        hess[:, i] -= f[i] * b[:, i]
        hess[i, :] -= f[i] * b[:, i]
        hess[i, i] += f[i] * b[:, i].sum()
    positive = a @ np.abs(f) + np.abs(f) * a.sum(1)
    hess_terms = (jacobian**2).T @ np.abs(c) + np.abs(b) @ np.abs(f) + np.abs(f) * np.abs(b).sum(1)
    return Jet(value, jacobian.T @ f, hess, positive, positive, hess_terms)


def ndcg_of_ranks(r: Array, y: Array, k: int | None, width: Any) -> tuple[Any, Array, Array]:
    """Minus NDCG of ranks that are no integers, its first and its second derivative by each rank."""
    gains = np.exp2(y.astype(r.dtype)) - 1
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


def approx_ndcg(z: Array, y: Array, w: Array, k: int | None = None, width: float = 1.0) -> Jet:
    best = np.sort(np.exp2(y) - 1)[::-1][:k]
    if not (best / np.log2(np.arange(len(best), dtype=z.dtype) + 2)).sum() > 0:
        return nothing(z)
    return of_ranks(z, lambda r: ndcg_of_ranks(r, y, k, width))


def approx_mrr(z: Array, y: Array, w: Array) -> Jet:
    return of_ranks(z, lambda r: mrr_of_ranks(r, y)) if (y >= 1).any() else nothing(z)


def nothing(z: Array) -> Jet:
    zero = np.zeros_like(z)
    return Jet(z.dtype.type(0), zero, np.zeros((len(z), len(z)), z.dtype), zero, zero, zero)


def sigmoid_cross_entropy(z: Array, y: Array, w: Array) -> Jet:
    y = np.clip(y, 0, 1)
    p, q = sigmoid(z), sigmoid(-z)
    value = np.where(z > 0, z * (1 - y), -z * y) + np.log1p(np.exp(-np.abs(z)))
    grad_terms = w * ((1 - y) * p + y * q)
    return Jet(value, w * ((1 - y) * p - y * q), np.diag(w * p * q), w * p * q, grad_terms, w * p * q)


def squared_error(z: Array, y: Array, w: Array) -> Jet:
    two = 2 * w
    return Jet((z - y) ** 2, two * (z - y), np.diag(two), two, two * np.abs(z - y), two)


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
    wide = [np.asarray(x, dtype=np.longdouble) for x in (scores, labels, weights)]
    if not len(scores):
        return nothing(wide[0])
    jet = LOSSES[name](wide[0] / np.longdouble(temperature), *wide[1:], **options)
    t = np.longdouble(temperature)
    return Jet(
        jet.value,
        jet.grad / t,
        jet.hess / t**2,
        jet.positive / t**2,
        jet.grad_terms / t,
        jet.hess_terms / t**2,
    )
