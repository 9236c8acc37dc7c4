"""The specification of the implicit losses: plain NumPy, one positive at a time.

Negatives are a list of arrays, one per positive. ``evaluate`` gives the value with its gradient and diagonal Hessian,
all in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remembered import remembered

Array = NDArray[Any]


@dataclass
class Batch:
    """Positives, their negatives and items, and the options of a call."""

    positive: Array
    negatives: list[Array]
    num_items: int | None = None
    positive_items: Array | None = None
    negative_items: list[Array] | None = None
    metadata: dict[str, Array] = field(default_factory=dict)
    metadata_weights: dict[str, float] = field(default_factory=dict)
    margin: Any = 1.0
    sample_weight: Any = 1.0
    cotangent: Any = 1.0
    reduction: str = "collie"
    form: str = "collie"
    kink: float = 1.0
    rank_weight: str = "collie"
    floor: bool | None = None
    clip: float = math.inf


@dataclass
class Result:
    value: Any
    grad_positive: Array
    grad_negatives: list[Array]
    hess_positive: Array
    hess_negatives: list[Array]


def ideal_differences(batch: Batch, b: int) -> Array:
    d = np.full(len(batch.negatives[b]), float(np.broadcast_to(batch.margin, batch.positive.shape)[b]))
    for key, categories in batch.metadata.items():
        assert batch.positive_items is not None
        assert batch.negative_items is not None
        same = categories[batch.positive_items[b]] == categories[batch.negative_items[b]]
        d -= batch.metadata_weights[key] * same
    return d


def bpr(batch: Batch, x: float, d: float, t: int) -> tuple[float, float, float]:
    """l, dl/dx, d2l/dx2 of one pair."""
    if batch.form == "collie":
        p, q = sigmoid(x), sigmoid(-x)
        return (d - 1) + q, -p * q, p * q * math.tanh(x / 2)
    z = x - (d - 1)
    return float(np.logaddexp(0, -z)), -sigmoid(-z), sigmoid(z) * sigmoid(-z)


def hinge(batch: Batch, x: float, d: float, t: int) -> tuple[float, float, float]:
    h = d - x
    return max(h, 0.0), -1.0 if h > 0 else -batch.kink if h == 0 else -0.0, 0.0


def warp(batch: Batch, x: float, d: float, t: int) -> tuple[float, float, float]:
    w = rank_weight(batch, t)
    return w * (d - x), -w, 0.0


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


def rank_weight(batch: Batch, t: int) -> float:
    assert batch.num_items is not None
    quotient = (batch.num_items - (batch.rank_weight != "collie")) / t
    floor = batch.rank_weight != "collie" if batch.floor is None else batch.floor
    if floor:
        quotient = math.floor(quotient)
    if batch.rank_weight == "collie":
        weight = math.log(quotient)
    elif batch.rank_weight == "log":
        weight = math.log(max(1, quotient))
    else:
        weight = harmonic(quotient)
    return min(weight, batch.clip)


def harmonic(x: float) -> float:
    """H(x) = sum over i >= 1 of x / (i (i + x)): the first terms, and the rest by Euler and Maclaurin's formula."""
    if x == int(x):
        return math.fsum(1 / i for i in range(1, int(x) + 1))
    n = 20_000
    near = math.fsum(x / (i * (i + x)) for i in range(1, n))
    integral = math.log1p(x / n)
    first = x / (n * (n + x))
    slope = -1 / n**2 + 1 / (n + x) ** 2
    return near + integral + first / 2 - slope / 12


def choose(name: str, batch: Batch, b: int) -> list[int]:
    """Which negatives count. Violations are decided as of real numbers."""
    n = batch.negatives[b]
    real = [k for k in range(len(n)) if n[k] > -np.inf]
    if name.startswith("adaptive"):
        return [max(real, key=lambda k: (n[k], -k))] if real else []
    if name != "warp":
        return real
    d = ideal_differences(batch, b)
    p = Fraction(float(batch.positive[b]))
    return [k for k in real if p - Fraction(float(n[k])) < Fraction(float(d[k]))][:1]


FORMULAS = {"bpr": bpr, "hinge": hinge, "adaptive_bpr": bpr, "adaptive_hinge": hinge, "warp": warp}


@remembered
def evaluate(name: str, batch: Batch) -> Result:
    positive = np.asarray(batch.positive, dtype=np.float64)
    n = len(positive)
    square = 1.0 if batch.reduction == "collie" else 0.0
    divisor = 1.0 if batch.reduction in ("sum", "none") else float(n)
    weight = np.broadcast_to(batch.sample_weight, n) / divisor
    factor = weight * batch.cotangent
    values, grad, hess = np.zeros(n), np.zeros(n), np.zeros(n)
    grads, hesses = [np.zeros(len(s)) for s in batch.negatives], [np.zeros(len(s)) for s in batch.negatives]
    for b in range(n):
        d = ideal_differences(batch, b)
        for k in choose(name, batch, b):
            x = float(positive[b]) - float(batch.negatives[b][k])
            ell, slope, curvature = FORMULAS[name](batch, x, float(d[k]), k + 1)
            values[b] += weight[b] * (ell + square * ell**2)
            total_slope = factor[b] * (1 + 2 * square * ell) * slope
            total_curvature = factor[b] * ((1 + 2 * square * ell) * curvature + 2 * square * slope**2)
            grad[b] += total_slope
            grads[b][k] = -total_slope
            hess[b] += total_curvature
            hesses[b][k] = total_curvature
    value = values if batch.reduction == "none" else values.sum()
    return Result(value, grad, grads, hess, hesses)
