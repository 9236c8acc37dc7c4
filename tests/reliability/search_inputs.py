"""Random batches of lists for the pairwise losses: scores, labels and weights of every kind that may go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import rankgrad as rg
from numpy.typing import NDArray

Array = NDArray[Any]
Rng = np.random.Generator

LOSSES: dict[str, Callable[..., Any]] = {
    "hinge": rg.PairwiseHingeLoss,
    "squared_hinge": rg.PairwiseSquaredHingeLoss,
    "logistic": rg.PairwiseLogisticLoss,
    "soft_zero_one": rg.PairwiseSoftZeroOneLoss,
    "exponential": rg.PairwiseExponentialLoss,
    "mean_squared_error": rg.PairwiseMeanSquaredError,
    "quantile": rg.PairwiseQuantileLoss,
    "squared_quantile": lambda *args, **options: rg.PairwiseQuantileLoss(*args, squared=True, **options),
}
WEIGHTS = ("none", "ndcg", "label_difference")
TEMPERATURES = (1.0, 1.0, 0.5, 2.0, 2.0**-10, 2.0**20, 0.3, 0.3, 7.0, 1e-3, 1e3, 1e-8, 1e8)
EXTREME_TEMPERATURES = (1e-30, 1e30, 1e-160, 1e160, 1e-300, 1e300)


@dataclass(frozen=True)
class Batch:
    """Lists end to end, for one loss (reduction "sum"); `kinds` says how scores and labels of each were made."""

    case: tuple[int, int]
    loss: Any
    labels: Array
    scores: Array
    offsets: Array
    sample_weight: Array | None
    vector: Array
    kinds: tuple[tuple[str, str], ...]

    @property
    def item_weights(self) -> Array:
        w = self.sample_weight
        if w is None:
            return np.ones(len(self.scores))
        return w if w.ndim == 1 else np.repeat(w[:, 0], np.diff(self.offsets))

    def only(self, items: Array, number: int) -> Batch:
        """These items, all of list `number`, as a batch of one list."""
        w = self.item_weights[items] if self.sample_weight is not None else None
        x = (self.labels[items], self.scores[items], np.array([0, len(items)]), w, self.vector[items])
        return Batch(self.case, self.loss, *x, (self.kinds[number],))


def exponents(rng: Rng, low: float, high: float, n: int | None = None) -> Any:
    return 10.0 ** rng.uniform(low, high, n)


def signs(rng: Rng, n: int) -> Array:
    return rng.choice([-1.0, 1.0], n)


def some(rng: Rng, n: int) -> Array:
    """A few places, at least one."""
    chosen = rng.random(n) < rng.choice([0.02, 0.1, 0.5])
    chosen[rng.integers(n)] = True
    return chosen


#: What makes n scores; `unit` is the distance of a margin of about 1, `top` the largest number.
SCORES: dict[str, Callable[[Rng, int, float, float], Array]] = {
    "normal": lambda r, n, unit, top: r.normal(size=n) * unit,
    "narrow": lambda r, n, unit, top: r.normal(size=n) * unit * exponents(r, -9, -1),
    "wide": lambda r, n, unit, top: r.normal(size=n) * unit * exponents(r, 0, 5),
    "ties": lambda r, n, unit, top: np.rint(r.normal(size=n) * 4) / 4 * unit,
    "steps": lambda r, n, unit, top: r.integers(-3, 4, n) * unit + r.choice([0.0, 1e3, 2.0**20]) * unit,
    "near kink": lambda r, n, unit, top: (
        r.integers(-2, 3, n) * unit * (1 + signs(r, n) * exponents(r, -17, -5, n))
    ),
    "equal": lambda r, n, unit, top: np.full(n, r.normal() * exponents(r, -3, 12)),
    "offset": lambda r, n, unit, top: (r.normal(size=n) + signs(r, 1) * exponents(r, 3, 10)) * unit,
    "plain offset": lambda r, n, unit, top: r.normal(size=n) * unit + signs(r, 1) * exponents(r, 3, 10),
    "outliers": lambda r, n, unit, top: np.where(
        some(r, n), signs(r, n) * exponents(r, 4, r.choice([5, 10, 30]), n), r.normal(size=n) * unit
    ),
    "clusters": lambda r, n, unit, top: (
        (r.choice(signs(r, 4) * exponents(r, 1, r.choice([4, 12]), 4), n) + r.normal(size=n)) * unit
    ),
    "filler": lambda r, n, unit, top: np.where(some(r, n), -1e9, r.normal(size=n) * unit),
    "huge": lambda r, n, unit, top: np.where(some(r, n), top * r.uniform(-1, 1, n), r.normal(size=n) * unit),
    "all huge": lambda r, n, unit, top: top * r.uniform(-1, 1, n) * exponents(r, -8, 0),
    "largest": lambda r, n, unit, top: top * r.choice([-1.0, 1.0, 0.5, 0.0], n),
    "denormal": lambda r, n, unit, top: r.integers(-999, 999, n) * (5e-324 if top > 1e300 else 1e-45),
    "any size": lambda r, n, unit, top: signs(r, n) * exponents(r, -30, 30, n),
}
SCORE_ODDS = np.array([3.0 if kind == "normal" else 1.0 for kind in SCORES])

LABELS: dict[str, Callable[[Rng, int], Array]] = {
    "two": lambda r, n: (r.random(n) < r.choice([0.1, 0.5])).astype(float),
    "five": lambda r, n: r.integers(0, 5, n).astype(float),
    "distinct": lambda r, n: r.permutation(n).astype(float),
    "one": lambda r, n: (np.arange(n) == r.integers(n)).astype(float),
    "equal": lambda r, n: np.full(n, float(r.integers(3))),
    "floats": lambda r, n: r.uniform(0, 5, n),
    "tiny": lambda r, n: r.random(n) * exponents(r, -300, -8),
    "close": lambda r, n: 3 + r.integers(0, 9, n) * 2.0**-51,
    "negative": lambda r, n: r.integers(-3, 4, n).astype(float),
    "negative floats": lambda r, n: r.normal(size=n),
    "large": lambda r, n: r.choice([0.0, 1.0, 2.0, 1e6, 1e15], n),
    "top grades": lambda r, n: r.choice([0.0, 1.0, 1000.0, 1023.0], n),
    "any size": lambda r, n: exponents(r, -30, 30, n),
}
WHOLE_LABELS: dict[str, Callable[[Rng, int], Array]] = {
    "stamps": lambda r, n: 1_760_000_000_000_000_000 + r.integers(0, r.choice([9, 10**6, 10**15]), n),
    "far": lambda r, n: 2**62 + r.choice([0, 1, 2, 2**40, 2**52], n),
    "five": lambda r, n: r.integers(0, 5, n),
}
#: What the tables of gains below know.
GRADES = {kind: LABELS[kind] for kind in ("two", "five", "one", "equal")}

ITEM_WEIGHTS: dict[str, Callable[[Rng, int], Array | None]] = {
    "none": lambda r, n: None,
    "random": lambda r, n: r.random(n),
    "zeros": lambda r, n: r.random(n) * (r.random(n) < 0.6),
    "huge": lambda r, n: r.random(n) * exponents(r, 5, r.choice([30, 300])),
    "any size": lambda r, n: exponents(r, -20, 20, n),
    "signed": lambda r, n: r.normal(size=n),
}


def pick(rng: Rng, names: Any, odds: Any = None) -> Any:
    names = list(names)
    return names[rng.choice(len(names), p=None if odds is None else np.asarray(odds) / np.sum(odds))]


def sizes_of(rng: Rng, long: float) -> list[int]:
    """Sizes of the lists of a batch: one to eight short ones, or one that takes the ways of long lists."""
    if rng.random() < long:
        return [int(exponents(rng, 2.5, 3.5))]
    longest = pick(rng, [3, 9, 40, 150, 300], [1, 3, 4, 1.5, 0.5])
    return rng.integers(2, longest + 1, rng.integers(1, 9)).tolist()


def ndcg_weight(rng: Rng) -> tuple[Any, str]:
    """A weight and its gain: exp2, linear or table."""
    gain = pick(rng, ["exp2", "linear", "table"], [3, 2, 1])
    table = pick(rng, [(0.0, 1.0, 3.0, 7.0, 15.0), (0.0, -1.0, 5.0, 0.5, 1e9), (1.0, 1.0, 2.0, 2.0, 1e-9)])
    cut = [None, None, 1, 3, 10, 100]
    k, truncation = pick(rng, cut), pick(rng, cut)
    weight = rg.NDCGWeight(
        k=k,
        gain=table if gain == "table" else gain,
        normalize=bool(rng.random() < 0.7),
        truncation=truncation,
    )
    return weight, gain


def labels_of(rng: Rng, n: int, whole: bool, gain: str) -> tuple[Array, str]:
    made: dict[str, Callable[[Rng, int], Array]] = WHOLE_LABELS if whole else LABELS
    if gain == "table":
        made = GRADES
    kind = pick(rng, made)
    labels = made[kind](rng, n)
    return labels % 31 if gain == "exp2" and labels.max() > 1023 else labels, kind


def make_batch(seed: int, number: int, only: str = "", dtype: str = "", long: float = 0.02) -> Batch:
    """Batch `number` of a search; the same for the same arguments."""
    rng = np.random.default_rng([seed, number])
    name, kind = pick(rng, LOSSES), pick(rng, ["float32", "float64"])
    name, kind = only or name, dtype or kind
    weight_name, gain = pick(rng, WEIGHTS), ""
    weight = rg.LabelDifferenceWeight() if weight_name == "label_difference" else None
    if weight_name == "ndcg":
        weight, gain = ndcg_weight(rng)
    t = pick(rng, EXTREME_TEMPERATURES if rng.random() < 0.04 else TEMPERATURES)
    whole = rng.random() < 0.15 and gain != "exp2"
    sizes = sizes_of(rng, long)
    labels, label_kinds = zip(*(labels_of(rng, n, whole, gain) for n in sizes), strict=True)
    kinds = tuple(pick(rng, SCORES, SCORE_ODDS) for _ in sizes)
    options = {"tau": float(rng.choice([0.5, 0.3, 0.95, 1.0]))} if "quantile" in name else {}
    loss = LOSSES[name](t, reduction="sum", negative_labels="use", lambda_weight=weight, **options)
    scores = [
        scores_of(rng, k, n, t if rng.random() < 0.8 else 1.0, kind)
        for k, n in zip(kinds, sizes, strict=True)
    ]
    n = sum(sizes)
    sample_weight = ITEM_WEIGHTS[pick(rng, ITEM_WEIGHTS, [3, 1, 1, 0.5, 0.5, 0.5])](rng, n)
    if sample_weight is not None and rng.random() < 0.25:
        sample_weight = sample_weight[: len(sizes), None]
    vector = (rng.normal(size=n) * (exponents(rng, -9, 9) if rng.random() < 0.2 else 1)).astype(kind)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    both = tuple(zip(kinds, label_kinds, strict=True))
    arrays = (np.concatenate(labels), np.concatenate(scores), offsets, sample_weight, vector)
    return Batch((seed, number), loss, *arrays, both)


def scores_of(rng: Rng, kind: str, n: int, unit: float, dtype: str) -> Array:
    top = float(np.finfo(dtype).max)
    with np.errstate(over="ignore", under="ignore"):
        return np.clip(SCORES[kind](rng, n, unit, top), -top, top).astype(dtype)


def smaller(batch: Batch, fails: Callable[[Batch], bool]) -> Batch:
    """A batch of few items that fails too: one list, and then half by half."""
    for number in range(len(batch.kinds)):
        items = np.arange(*batch.offsets[number : number + 2])
        if fails(batch.only(items, number)):
            break
    else:
        return batch
    part = len(items) // 2
    while part >= 1 and len(items) > 2:
        for a in range(0, len(items), part):
            rest = np.delete(items, slice(a, a + part))
            if len(rest) >= 2 and fails(batch.only(rest, number)):
                items = rest
                break
        else:
            part //= 2
    return batch.only(items, number)
