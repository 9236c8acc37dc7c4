"""The pairwise losses of one list in long double, pair by pair, and how far a result may be from them.

Every difference is taken before anything is rounded or divided: scores and labels as they came, in 64 digits. Blocks of
rows keep long lists in memory. Nothing here knows how rankgrad sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import rankgrad as rg
from numpy.typing import NDArray

Array = NDArray[Any]
LD = np.longdouble
EPS64 = LD(2) ** -53
LOG2 = np.log(LD(2))
#: Elements of an array over pairs.
BLOCK = 1 << 18
OUTPUTS = ("values", "grad", "hess", "positive", "hessp")


class Pairs(NamedTuple):
    """phi and its derivatives by the margin; `jump[k]` is the step of the k-th where the other side of a kink is near.

    `more` bounds the next derivative of the slope's derivative, that of the Hessians.
    """

    value: Array
    slope: Array
    curvature: Array
    positive: Array
    more: Array
    jump: tuple[Any, Any, Any, Any] = (0, 0, 0, 0)
    bend_beside: Any = 0


@dataclass
class Sum:
    """A sum over pairs for every item: its exact value, its absolute terms, what the inputs' last digits change in it
    (`drift`), and what a pair next to the smallest number may lose (`lost`)."""

    total: Array
    terms: Array
    drift: Array
    lost: Array

    @classmethod
    def of(cls, n: int) -> Sum:
        return cls(*np.zeros((4, n), dtype=LD))

    def reduced(self) -> Sum:
        return Sum(*(np.asarray(x.sum())[None] for x in (self.total, self.terms, self.drift, self.lost)))


def hinge(d: Array, gap: Array, near: Array, tau: Any) -> Pairs:
    on, zero = (d < 1).astype(LD), np.zeros_like(d)
    return Pairs(on * (1 - d), -on, zero, on, zero, (0, near, 0, near), 0)


def squared_hinge(d: Array, gap: Array, near: Array, tau: Any) -> Pairs:
    on, slack = (d < 1).astype(LD), np.maximum(1 - d, 0)
    return Pairs(slack**2, -2 * slack, 2 * on, 2 * on, 0 * on, (0, 0, 2 * near, 2 * near), 2 * near)


def logistic(d: Array, gap: Array, near: Array, tau: Any) -> Pairs:
    e = np.exp(-np.abs(d))
    q, pq = np.where(d > 0, e, 1) / (1 + e), e / (1 + e) ** 2
    return Pairs(np.maximum(-d, 0) + np.log1p(e), -q, pq, pq, pq * np.abs(np.tanh(d / 2)))


def soft_zero_one(d: Array, gap: Array, near: Array, tau: Any) -> Pairs:
    e = np.exp(-np.abs(d))
    q, pq = np.where(d > 0, e, 1) / (1 + e), e / (1 + e) ** 2
    return Pairs(q, -pq, pq * np.tanh(d / 2), pq, pq)


def exponential(d: Array, gap: Array, near: Array, tau: Any) -> Pairs:
    e = np.exp(-d)
    return Pairs(e, -e, e, e, e)


def mean_squared_error(d: Array, gap: Array, near: Array, tau: Any) -> Pairs:
    two = np.full_like(d, 2)
    return Pairs((d - gap) ** 2, 2 * (d - gap), two, two, 0 * d)


def quantile(d: Array, gap: Array, near: Array, tau: Any) -> Pairs:
    e = gap - d
    side = np.where(e > 0, tau, np.where(e < 0, 1 - tau, 0))
    return Pairs(side * np.abs(e), -side * np.sign(e), 0 * e, 0 * e, 0 * e, (0, near, 0, 0))


def squared_quantile(d: Array, gap: Array, near: Array, tau: Any) -> Pairs:
    e = gap - d
    side = np.where(e > 0, tau, np.where(e < 0, 1 - tau, 0))
    return Pairs(side * e**2, -2 * side * e, 2 * side, 2 * side, 0 * e, (0, 0, 2 * near, 2 * near), 2 * near)


LOSSES: dict[str, Callable[..., Pairs]] = {
    f.__name__: f
    for f in (
        hinge,
        squared_hinge,
        logistic,
        soft_zero_one,
        exponential,
        mean_squared_error,
        quantile,
        squared_quantile,
    )
}


def exact_minus(a: Array, b: Array) -> tuple[Array, Array]:
    """a - b, and whether that is without rounding [Knuth]."""
    d = a - b
    back = d - a
    return d, ((a - (d - back)) - (b + back)) == 0


def ulp(x: Array, dtype: Any) -> Array:
    """The last place of |x| in dtype, as if its exponents had no upper end."""
    info = np.finfo(dtype)
    place = np.ldexp(LD(info.eps), np.frexp(x)[1] - 1)
    return np.maximum(np.where(x == 0, 0, place), LD(info.smallest_subnormal))


class Weight:
    """What a pair is multiplied by, and how far that may be off: gains and discounts are doubles."""

    def __init__(self, weight: Any, y: Array, s: Array) -> None:
        self.weight, self.y = weight, y
        if isinstance(weight, rg.NDCGWeight):
            self._rank(s)

    def _rank(self, s: Array) -> None:
        weight, n = self.weight, len(s)
        rank = np.empty(n, dtype=np.int64)
        rank[np.argsort(-s, kind="stable")] = np.arange(n)
        at = np.arange(n)
        discounts = np.where(at < (weight.k or n), 1 / np.log2(at + LD(2)), LD(0))
        self.rank, self.discount = rank, discounts[rank]
        if weight.gain == "exp2":
            self.gain = np.expm1(self.y * LOG2)
        elif weight.gain == "linear":
            self.gain = self.y
        else:
            self.gain = np.asarray(weight.gain, dtype=LD)[self.y.astype(np.int64)]
        best = np.sort(self.gain)[::-1] * discounts
        ideal = best.sum() if weight.normalize else LD(1)
        self.scale = 1 / ideal if ideal > 0 else LD(0)
        #: Of gains of both signs the ideal cancels.
        self.ideal_error = 2 * EPS64 * np.abs(best).sum() * self.scale if weight.normalize else LD(0)

    def rows(self, a: int, b: int, gap: Array) -> tuple[Any, Any]:
        if self.weight is None:
            return LD(1), LD(0)
        if not isinstance(self.weight, rg.NDCGWeight):
            return np.abs(gap), LD(0)
        g, d = self.gain, self.discount
        exp2 = self.weight.gain == "exp2"
        step = (
            np.abs(np.exp2(np.minimum(self.y[a:b, None], self.y)) * np.expm1(np.abs(gap) * LOG2))
            if exp2
            else (np.abs(g[a:b, None] - g))
        )
        fall = np.abs(d[a:b, None] - d)
        loose = EPS64 * (np.abs(g[a:b, None]) + np.abs(g)) * fall * exp2 + EPS64 * step * (
            d[a:b, None] + d
        ) * (fall > 0)
        delta = step * fall * self.scale
        loose = loose * self.scale + delta * self.ideal_error
        if self.weight.truncation is not None:
            seen = np.minimum(self.rank[a:b, None], self.rank) < self.weight.truncation
            delta, loose = delta * seen, loose * seen
        return delta, loose


def kinks(name: str, diff: Array, sure: Array, gap: Array, ulp_s: Array, t: Any) -> Array:
    """1 where a kink is so near that either side is right: within 4 ulp, but not exactly on it."""
    if "hinge" in name:
        at, place = (diff == t) & sure, LD(1)
    elif "quantile" in name:
        whole = np.frexp(t)[0] == 0.5 or (np.abs(gap) < 2048) & (gap == np.rint(gap))
        at, place = (diff == gap * t) & sure & whole, gap
    else:
        return np.zeros_like(diff)
    return ((np.abs(place - diff / t) <= 4 * ulp_s / t) & ~at).astype(LD)


@np.errstate(all="ignore")
def exact(loss: Any, labels: Array, scores: Array, weights: Array, vector: Array) -> dict[str, Sum]:
    """Every output of one list all of whose items are valid; `weights` one per item."""
    name, n, dtype = loss._kernel_name(), len(scores), scores.dtype
    every = name == "mean_squared_error"
    t, tau = LD(1 if every else loss.temperature), LD(getattr(loss, "tau", 0.5))
    s, y, w, v = (x.astype(LD) for x in (scores, labels, weights, vector))
    weight, sums = Weight(loss.lambda_weight, y, scores), {key: Sum.of(n) for key in OUTPUTS}
    tiny, ulp_of = 16 * LD(np.finfo(dtype).tiny), ulp(s, dtype)
    step = max(1, BLOCK // max(n, 1))
    for a in range(0, n, step):
        b = min(n, a + step)
        diff, sure = exact_minus(s[a:b, None], s[None, :])
        gap = y[a:b, None] - y[None, :]
        is_pair = np.arange(a, b)[:, None] != np.arange(n) if every else labels[a:b, None] > labels[None, :]
        near = kinks(name, diff, sure, gap, np.maximum(ulp_of[a:b, None], ulp_of[None, :]), t)
        d = diff / t
        jet = LOSSES[name](d, gap, near, tau)
        delta, loose = weight.rows(a, b, gap)
        f = np.where(is_pair, w[a:b, None] * delta, 0)
        spread = np.where(is_pair, np.abs(w[a:b, None]) * loose, 0)
        add(sums, jet, f, spread, ulp(d, dtype), t, tiny, v, slice(a, b))
    return {"value": sums["values"].reduced(), **sums}


def add(
    sums: dict[str, Sum],
    jet: Pairs,
    f: Array,
    spread: Array,
    u: Array,
    t: Any,
    tiny: Any,
    v: Array,
    rows: slice,
) -> None:
    """Adds a block of pairs; `f` is 0 where there is none, which makes 0 of anything."""
    size = np.abs(f)

    def times(x: Array, y: Any) -> Array:
        return np.where(x == 0, 0, x * y)

    slope_beside = np.maximum(np.abs(jet.slope), np.abs(jet.jump[1]))
    bend = np.maximum(np.abs(jet.curvature), jet.bend_beside)
    parts = {
        "values": (jet.value, slope_beside, jet.jump[0], 0),
        "grad": (jet.slope, bend, jet.jump[1], 1),
        "hess": (jet.curvature, jet.more, jet.jump[2], 2),
        "positive": (jet.positive, jet.more, jet.jump[3], 2),
    }
    for key, (x, change, jump, power) in parts.items():
        total, terms = times(f, x), times(size, np.abs(x))
        drift = times(size, change * u + jump) + times(spread, np.abs(x))
        put(sums[key], key, rows, (total, terms, drift, size * tiny), t**power)
    twist, both = v[rows, None] - v, np.abs(v[rows, None]) + np.abs(v)
    c = jet.curvature
    drift = times(size * np.abs(twist), jet.more * u + jet.jump[2]) + times(spread * np.abs(twist), np.abs(c))
    total, terms = times(f * twist, c), times(size * both, np.abs(c))
    put(sums["hessp"], "hessp", rows, (total, terms, drift, size * tiny * both), t**2)


def put(out: Sum, key: str, rows: slice, parts: tuple[Array, ...], scale: Any) -> None:
    """Sums by rows, and by columns but for values: those of the worse item, with the other sign in odd outputs."""
    sign = -1 if key in ("grad", "hessp") else 1
    for k, (target, x) in enumerate(zip((out.total, out.terms, out.drift, out.lost), parts, strict=True)):
        target[rows] += x.sum(1) / scale
        if key != "values":
            target += (sign if k == 0 else 1) * x.sum(0) / scale
