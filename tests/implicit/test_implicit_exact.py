"""The implicit losses on any finite numbers equal exact ones: offsets, outliers, ties, sizes up to the largest number.

The reference decides by fractions and computes with 60 digits. A result may be off by a part of its absolute terms, and
by what one unit of the last place of p - n and of d changes; it is infinite only where the exact one overflows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from implicit_calls import layouts, loss_of, options_of
from reference_implicit import FORMULAS, Array, Batch, choose, ideal_differences, rank_weight

pytestmark = pytest.mark.usefixtures("isa")

DIGITS = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)
BOUND = {"float32": Decimal("1e-6"), "float64": Decimal("1e-12")}
ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)


@dataclass
class Sum:
    """A sum, the sum of the absolute values of its terms, and how far rounded differences may move it."""

    total: Decimal = ZERO
    terms: Decimal = ZERO
    drift: Decimal = ZERO

    def add(self, factor: Decimal, total: Decimal, terms: Decimal, drift: Decimal) -> None:
        self.total += factor * total
        self.terms += abs(factor) * terms
        self.drift += abs(factor) * drift


def sums(n: int) -> list[Sum]:
    return [Sum() for _ in range(n)]


@dataclass
class Pair:
    """l and its derivatives with respect to the negative, the absolute terms of l, and l'''."""

    loss: Decimal
    slope: Decimal
    curvature: Decimal
    terms: Decimal
    third: Decimal = field(default=ZERO)


def real(x: Fraction) -> Decimal:
    return Decimal(x.numerator) / Decimal(x.denominator)


def sigmoid_pair(z: Decimal) -> tuple[Decimal, Decimal]:
    """sigmoid(z) and 1 - sigmoid(z)."""
    e = (-abs(z)).exp() if abs(z) < 10**6 else ZERO
    large, small = ONE / (ONE + e), e / (ONE + e)
    return (large, small) if z > 0 else (small, large)


def pair_of(name: str, batch: Batch, x: Fraction, d: Fraction, tries: int) -> Pair:
    if name.endswith("bpr"):
        z = real(x) if batch.form == "collie" else real(x - (d - 1))
        p, q = sigmoid_pair(z)
        if batch.form == "collie":
            return Pair(real(d - 1) + q, p * q, p * q * (p - q), abs(real(d - 1)) + q, p * q)
        loss = max(-z, ZERO) - max(p, q).ln()
        return Pair(loss, q, p * q, loss, p * q)
    h = d - x
    slope = ONE if h > 0 else ZERO if h < 0 or name == "warp" else Decimal(batch.kink)
    w = Decimal(rank_weight(batch, tries)) if name == "warp" else ONE
    return Pair(w * real(max(h, Fraction(0))), w * slope, ZERO, w * real(max(h, Fraction(0))))


@dataclass
class Exact:
    values: list[Sum]
    value: Sum
    grad_positive: list[Sum]
    hess_positive: list[Sum]
    grad_negatives: list[list[Sum]]
    hess_negatives: list[list[Sum]]


def exact(name: str, batch: Batch, dtype: str) -> Exact:
    n = len(batch.positive)
    want = Exact(sums(n), Sum(), sums(n), sums(n), *([sums(len(s)) for s in batch.negatives] for _ in "gh"))
    square = ONE if batch.reduction == "collie" else ZERO
    divisor = Decimal(1 if batch.reduction in ("sum", "none") else n)
    eps = Decimal(float(np.finfo(dtype).eps))
    for b in range(n):
        weight = Decimal(float(np.broadcast_to(batch.sample_weight, n)[b])) / divisor
        factor = weight * Decimal(float(np.broadcast_to(batch.cotangent, n)[b]))
        d = ideal_differences(batch, b)
        for k in choose(name, batch, b):
            x = Fraction(float(batch.positive[b])) - Fraction(float(batch.negatives[b][k]))
            p = pair_of(name, batch, x, Fraction(float(d[k])), k + 1)
            ulp = eps * (abs(real(x)) + abs(Decimal(float(d[k]))))
            outer, most = ONE + TWO * square * p.loss, ONE + TWO * square * p.terms
            curve = TWO * square * p.slope**2
            bend = most * abs(p.curvature) + curve
            for total in (want.values[b], want.value):
                total.add(weight, p.loss * (ONE + square * p.loss), p.terms * most, ulp * most * p.slope)
            for sign, total in ((-1, want.grad_positive[b]), (1, want.grad_negatives[b][k])):
                total.add(sign * factor, outer * p.slope, most * p.slope, ulp * bend)
            drift = ulp * (6 * square * p.slope * abs(p.curvature) + most * p.third)
            for total in (want.hess_positive[b], want.hess_negatives[b][k]):
                total.add(factor, outer * p.curvature + curve, bend, drift)
    return want


def hold(actual: Any, want: list[Sum], dtype: Any, bound: Decimal) -> None:
    limits = np.finfo(dtype)
    largest, tiny = Decimal(float(limits.max)), Decimal(float(limits.tiny))
    for got, s in zip(np.atleast_1d(actual).tolist(), want, strict=True):
        allowed = bound * s.terms + s.drift + tiny
        if abs(s.total) > largest - allowed and got in (np.inf, -np.inf):
            assert (got > 0) == (s.total > 0)
            continue
        assert np.isfinite(got), f"{got}, not {s.total:.20g}"
        assert abs(Decimal(got) - s.total) <= allowed, f"{got!r}, not {s.total:.20g} +- {allowed:.3g}"


def check(name: str, batch: Batch, dtype: str) -> None:
    with localcontext(DIGITS):
        want = exact(name, batch, dtype)
        bound, unreduced = BOUND[dtype], batch.reduction == "none"
        positive, loss = batch.positive.astype(dtype), loss_of(name)

        def values(actual: Any) -> None:
            hold(actual, want.values if unreduced else [want.value], dtype if unreduced else float, bound)

        for negative, keywords, split in layouts(batch, dtype):
            arguments = (positive, negative, batch.num_items)
            keywords = {**keywords, **options_of(name, batch)}
            values(loss(*arguments, **keywords))
            value, grad = loss.value_and_grad(*arguments, **keywords, cotangent=batch.cotangent)
            values(value)
            again, hess = loss.grad_and_hess(*arguments, **keywords, cotangent=batch.cotangent)
            for (of_positive, of_negative), kind in ((grad, "grad"), (again, "grad"), (hess, "hess")):
                hold(of_positive, getattr(want, f"{kind}_positive"), dtype, bound)
                for part, sums_of in zip(split(of_negative), getattr(want, f"{kind}_negatives"), strict=True):
                    hold(part, sums_of, dtype, bound)


def some(rng: np.random.Generator, n: int, choices: Any, share: float) -> Array:
    """Of n numbers a share that are the choices, else NaN."""
    return np.where(rng.random(n) < share, rng.choice(choices, n), np.nan)


def scores(rng: np.random.Generator, n: int, kind: str, dtype: str) -> Array:
    """Float64 numbers that the dtype has."""
    x = rng.normal(0, 2, n)
    limits = np.finfo(dtype)
    large = {
        "plain": [],
        "tied": [],
        "offset 1e4": [],
        "offset 1e6": [],
        "offset 1e10": [],
        "outliers": [1e4, -1e4, 1e9, -1e9, 1e30, -1e30],
        "masked": [-1e9, limits.min],
        "huge": [limits.max, limits.min, limits.max / 3, limits.min / 5, limits.max / 1e4, 1e20, -1e20],
        "tiny": [limits.tiny, -limits.tiny, limits.smallest_subnormal, 1e-3, 1e-8, 0],
    }[kind]
    if kind == "tied":
        x = np.round(x * 4) / 4
    elif kind.startswith("offset"):
        x += float(kind.split()[1])
    elif kind == "tiny":
        x *= 1e-6
    if large:
        outlier = some(rng, n, np.array(large, dtype=np.float64), 0.3)
        x = np.where(np.isnan(outlier), x, outlier)
    return x.astype(dtype).astype(np.float64)


KINDS = ("plain", "tied", "offset 1e4", "offset 1e6", "offset 1e10", "outliers", "masked", "huge", "tiny")


def random_batch(rng: np.random.Generator, kind: str, dtype: str) -> Batch:
    n = int(rng.choice([1, 3, 9, 21]))
    sizes = rng.choice([0, 1, 2, 5, 9], n) if rng.random() < 0.5 else np.full(n, rng.choice([1, 4, 13]))
    batch = Batch(scores(rng, n, kind, dtype), [scores(rng, s, kind, dtype) for s in sizes], num_items=10**6)
    for s in batch.negatives:
        s[rng.random(len(s)) < 0.1] = -np.inf
    extreme = rng.random()  # either of them: their product is to stay within double, too
    margins: list[float] = [1.0, 0.1, 0.95, 0.0, 2.0, 1e-7, *([1e30, -1e100] if extreme < 0.2 else [])]
    weights: list[float] = [0.0, 1.0, 0.3, *([1e-30, 1e30, 1e150, 1e-150] if extreme > 0.7 else [])]
    batch.margin = rng.choice(margins, n) if rng.random() < 0.5 else float(rng.choice(margins))
    batch.sample_weight = rng.choice(weights, n) if rng.random() < 0.5 else float(rng.choice(weights))
    batch.reduction = str(rng.choice(["collie", "mean", "sum", "none"]))
    batch.cotangent = rng.choice(weights, n) if batch.reduction == "none" else float(rng.choice(weights))
    batch.form = str(rng.choice(["collie", "log"]))
    batch.kink = float(rng.choice([0, 0.5, 1]))
    batch.rank_weight = str(rng.choice(["collie", "log", "harmonic"]))
    if rng.random() < 0.4:
        batch.positive_items = rng.integers(0, 5, n)
        batch.negative_items = [rng.integers(0, 5, s) for s in sizes]
        batch.metadata = {"a": rng.integers(0, 2, 5), "b": rng.choice([0.5, np.nan], 5)}
        batch.metadata_weights = {"a": 0.1, "b": float(rng.choice([0.2, 1 / 3, 1e-9]))}
    return batch


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FORMULAS)
def test_equals_exact_numbers(name: str, kind: str, dtype: str) -> None:
    for seed in range(6):
        check(name, random_batch(np.random.default_rng(seed), kind, dtype), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_warp_takes_the_first_violation_of_real_numbers(dtype: str, rng: np.random.Generator) -> None:
    """Also where p - n and d differ by less than either's last place, at any offset, dense and ragged."""
    n, k = 700, 6
    for offset in (0.0, 1.0, 1e4, 1e6, 1e10, 1e30):
        positive = (rng.normal(size=n) + offset).astype(dtype)
        negative = (rng.normal(size=(k, n)) + offset).astype(dtype)
        tiny = (rng.choice([1.0, -1.0], n) * 10.0 ** rng.integers(-40, -8, n)).astype(dtype)
        negative[0] = np.where(rng.random(n) < 0.5, tiny, negative[0])
        near = positive.astype(np.float64) - negative[rng.integers(0, k, n), np.arange(n)].astype(np.float64)
        nudge = rng.choice([0, 1, -1, 2.0**-28, -(2.0**-28)], n) * np.spacing(np.abs(near))
        for margin in (near, near + nudge, positive.astype(np.float64), near.astype(np.float32)):
            batch = Batch(positive.astype(np.float64), list(negative.T.astype(np.float64)), margin=margin)
            want = np.array([[*choose("warp", batch, b), -1][0] for b in range(n)])
            options = {"margin": margin, "reduction": "sum"}
            dense = rg.warp_loss.value_and_grad(positive, negative, 100, **options)[1][1]
            flat, groups = negative.T.reshape(-1).copy(), np.full(n, k)
            ragged = rg.warp_loss.value_and_grad(positive, flat, 100, groups=groups, **options)[1][1]
            for chosen in (dense.T != 0, ragged.reshape(n, k) != 0):
                np.testing.assert_array_equal(np.where(chosen.any(1), chosen.argmax(1), -1), want)


@pytest.mark.parametrize("loss", [rg.bpr_loss, rg.hinge_loss, rg.adaptive_hinge_loss])
def test_a_mean_is_finite_where_the_sum_is_not(loss: Any) -> None:
    options = {"form": "log"} if loss is rg.bpr_loss else {}
    n = 4
    positive, negative = np.full(n, -8e307), np.full((1, n), 8e307)
    assert loss(positive, negative, reduction="mean", **options) == pytest.approx(1.6e308, rel=1e-12)
    assert loss(positive, negative, reduction="sum", **options) == np.inf
    signs = [1, -1, 1, -1]
    assert loss(positive, negative, reduction="sum", sample_weight=signs, **options) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_equal_negatives(dtype: str) -> None:
    """Equal terms round alike: their errors add up, but not beyond the bound."""
    for size in (64, 1000):
        for score in (0.1, -0.7, 0.3333):
            negatives = [np.full(size, np.dtype(dtype).type(score), dtype=np.float64)] * 3
            for name in ("bpr", "hinge"):
                check(name, Batch(np.zeros(3), negatives, reduction="mean", margin=0.9), dtype)
