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


SQUARES = ("squared_hinge", "mean_squared_error", "squared_quantile")
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

    def of(self, i: Array, j: Array, gap: Array) -> tuple[Array, Array]:
        if self.weight is None:
            return np.ones_like(gap), np.zeros_like(gap)
        if not isinstance(self.weight, rg.NDCGWeight):
            return np.abs(gap), np.zeros_like(gap)
        g, d, loose_gain = self.gain, self.discount, np.zeros_like(gap)
        fall = np.abs(d[i] - d[j])
        if self.weight.gain == "exp2":
            step = np.exp2(np.minimum(self.y[i], self.y[j])) * np.expm1(np.abs(gap) * LOG2)
            loose_gain = EPS64 * (np.abs(g[i]) + np.abs(g[j]))
        else:
            step = np.abs(g[i] - g[j])
        delta = step * fall * self.scale
        loose = (loose_gain * fall + EPS64 * step * (d[i] + d[j])) * self.scale + delta * self.ideal_error
        if self.weight.truncation is not None:
            delta = np.where(np.minimum(self.rank[i], self.rank[j]) < self.weight.truncation, delta, 0)
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
    # Where squares overflow, a list is summed in a unit in which small ones may be nothing.
    if name in SQUARES:
        tiny = tiny * max(LD(1), (s.max(initial=0) - s.min(initial=0)) / t * LD(2.0) ** -480) ** 2
    step = max(1, BLOCK // max(n, 1))
    for a in range(0, n, step):
        b = min(n, a + step)
        is_pair = np.arange(a, b)[:, None] != np.arange(n) if every else labels[a:b, None] > labels
        i, j = np.nonzero(is_pair & (w[a:b, None] != 0))
        delta, loose = weight.of(i + a, j, y[i + a] - y[j])
        i, j, delta, loose = (x[delta != 0] for x in (i + a, j, delta, loose))  # 0 makes 0 of anything
        diff, sure = exact_minus(s[i], s[j])
        gap, d = y[i] - y[j], diff / t
        near = kinks(name, diff, sure, gap, np.maximum(ulp_of[i], ulp_of[j]), t)
        jet = LOSSES[name](d, gap, near, tau)
        block = Block(i, j, slice(a, b), n)
        add(sums, jet, block, w[i] * delta, np.abs(w[i]) * loose, ulp(d, dtype), t, tiny, v)
    return {"value": sums["values"].reduced(), **sums}


class Block:
    """Pairs of the items of `rows` with any: sums over them by either item."""

    def __init__(self, i: Array, j: Array, rows: slice, n: int) -> None:
        self.i, self.j, self.rows = i, j, rows
        self._all = np.zeros((rows.stop - rows.start, n), dtype=LD)
        self._at = (i - rows.start) * n + j

    def sums(self, x: Array) -> tuple[Array, Array]:
        self._all.reshape(-1)[self._at] = x
        return self._all.sum(1), self._all.sum(0)


def add(
    sums: dict[str, Sum],
    jet: Pairs,
    block: Block,
    f: Array,
    spread: Array,
    u: Array,
    t: Any,
    tiny: Any,
    v: Array,
) -> None:
    """Adds a block of pairs of weight `f`, which is known to `spread`; `u` is the last place of their margins."""
    size, c = np.abs(f), jet.curvature
    slope_beside = np.maximum(np.abs(jet.slope), np.abs(jet.jump[1]))
    bend = np.maximum(np.abs(c), jet.bend_beside)
    parts = {
        "values": (jet.value, slope_beside + bend * u / 2, jet.jump[0], 0),
        "grad": (jet.slope, bend + jet.more * u / 2, jet.jump[1], 1),
        "hess": (c, jet.more, jet.jump[2], 2),
        "positive": (jet.positive, jet.more, jet.jump[3], 2),
    }
    for key, (x, change, jump, power) in parts.items():
        if key == "positive" and x is c:
            sums[key] = sums["hess"]
            continue
        drift = size * (change * u + jump) + spread * np.abs(x)
        put(sums[key], key, block, (f * x, size * np.abs(x), drift, size * tiny), t**power)
    twist, both = v[block.i] - v[block.j], np.abs(v[block.i]) + np.abs(v[block.j])
    drift = (size * (jet.more * u + jet.jump[2]) + spread * np.abs(c)) * np.abs(twist)
    total = np.where(twist == 0, 0, f * twist * c)
    put(sums["hessp"], "hessp", block, (total, size * both * np.abs(c), drift, size * tiny * both), t**2)


def put(out: Sum, key: str, block: Block, parts: tuple[Array, ...], scale: Any) -> None:
    """Sums by rows, and by columns but for values: those of the worse item, with the other sign in odd outputs."""
    sign = -1 if key in ("grad", "hessp") else 1
    for k, (target, x) in enumerate(zip((out.total, out.terms, out.drift, out.lost), parts, strict=True)):
        by_row, by_column = block.sums(x)
        target[block.rows] += by_row / scale
        if key != "values":
            target += (sign if k == 0 else 1) * by_column / scale
