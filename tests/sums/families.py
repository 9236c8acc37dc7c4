"""The losses with a fast algorithm, and what their results are held to: test_sum_laws.py is about all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import rankgrad as rg
from numpy.typing import DTypeLike
from rankgrad.datasets import LABEL_SHARES

import exact_ranks
from exact import exact_sums
from helpers import LOSSES
from reference import Array, ListSums, Sum

#: Relative to the absolute terms. float64: 16 nodes of an expansion. float32: 8 nodes in double, and one rounding.
BOUND = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-7}
#: Pair by pair, in the type of the scores.
DIRECT_BOUND = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}
#: Numbers below this may be lost.
LEAST = 1e-280

KINDS = ("two", "five", "one positive", "one negative", "distinct", "uneven", "middle")


def labels_of(kind: str, n: int, rng: np.random.Generator) -> Array:
    if kind == "two":
        return (rng.random(n) < 0.2).astype(np.float64)
    if kind == "five":
        return rng.choice(5, n, p=LABEL_SHARES).astype(np.float64)
    if kind == "one positive":
        return (np.arange(n) == n // 3).astype(np.float64)
    if kind == "one negative":
        return (np.arange(n) != n // 3).astype(np.float64)
    if kind == "distinct":
        return rng.permutation(n).astype(np.float64)
    if kind == "middle":  # nearly all on one level, with others below and above
        return rng.choice(6, n, p=[0.01, 0.01, 0.95, 0.01, 0.01, 0.01]).astype(np.float64)
    assert kind == "uneven", kind  # runs of small levels between large ones
    return np.where(rng.random(n) < 0.5, rng.integers(0, 4, n) * 50.0, rng.integers(0, 200, n))


@dataclass(frozen=True)
class Case:
    """One list: labels, scores, weights (the cotangent, which may be negative), a vector, and the temperature."""

    y: Array
    s: Array
    w: Array
    v: Array
    t: float = 1.0


def make_case(y: Array, s: Array, dtype: DTypeLike, rng: np.random.Generator, t: float = 1.0) -> Case:
    n = len(y)
    return Case(y, s.astype(dtype), 2 * rng.random(n), rng.normal(1, 1, n).astype(dtype), t)


class Expected(NamedTuple):
    """The sums of some items of a list in extended precision."""

    items: Array
    sums: ListSums


@dataclass(frozen=True)
class Family:
    """A loss, alone or with a pair weight, that near-linear algorithms sum."""

    name: str
    loss: Callable[..., Any]  #: of a temperature and a reduction
    exact: Callable[[Case, Array], Expected]  #: of some items, or of all of the list
    kinds: tuple[str, ...] = KINDS
    direct_bound: dict[Any, float] | None = None
    reduction: str = "none"
    length: int = 1500  #: of lists whose sums are held to exact ones
    reach: float = np.inf  #: of score / temperature, where the results may not fit float32
    kinked: bool = False  #: a margin that is rounded may lie beyond a kink
    same_values: bool = True  #: the value alone has the bits of the value beside the gradient

    def case(
        self, kind: str, scale: float, offset: float, dtype: DTypeLike, t: float, rng: np.random.Generator
    ) -> Case:
        s = np.clip(scale * rng.normal(size=self.length), -self.reach * t, self.reach * t)
        return make_case(labels_of(kind, self.length, rng), s + offset, dtype, rng, t)

    def bind(self, case: Case, algorithm: str, **options: Any) -> rg.Objective:
        objective: rg.Objective = self.loss(case.t, reduction=self.reduction).bind(
            case.y, algorithm=algorithm, **options
        )
        return objective

    def computed(self, case: Case, algorithm: str, **options: Any) -> dict[str, Array]:
        """Values, gradients of three calls, both Hessians and Hessian times vector."""
        objective = self.bind(case, algorithm)
        pull = case.w if self.reduction == "none" else None
        options["cotangent"] = pull
        values, grad = objective.value_and_grad(case.s, **options)
        again, hess = objective.grad_and_hess(case.s, **options)
        third, positive = objective.grad_and_hess(case.s, curvature="positive", **options)
        alone = objective.value(case.s)
        if self.same_values:
            assert np.array_equal(alone, values)
        else:
            np.testing.assert_allclose(alone, values, rtol=1e-12 if case.s.dtype == np.float64 else 1e-6)
        return {
            "value": np.asarray(values if pull is None else values * pull),
            "grad": grad,
            "grad beside hess": again,
            "grad beside positive": third,
            "hess": hess,
            "positive": positive,
            "hessp": objective.hessp(case.s, case.v, **options),
        }

    def hold(self, case: Case, expected: Expected, algorithm: str = "fast", bound: Any = None) -> None:
        """Each result within its bound of the terms, and of what rounding score / t to double does to a margin."""
        bounds = bound or (BOUND if algorithm == "fast" else self.direct_bound or BOUND)
        rtol, items = bounds[case.s.dtype], expected.items
        margin_error = 2 * np.finfo(np.float64).eps * np.abs(case.s).max(initial=0.0) / case.t
        tiny = max(float(np.finfo(case.s.dtype).tiny), LEAST)
        wanted = dict(zip(("value", "grad", "hess", "positive", "hessp"), expected.sums, strict=True))
        for what, got in self.computed(case, algorithm).items():
            want = wanted[what.partition(" ")[0]]
            got = got[items] if got.ndim else got
            wrong = ~(np.abs(got - want.total) <= rtol * want.terms + margin_error * want.drift + tiny)
            assert not wrong.any(), (
                f"{self.name}, {algorithm}, {what}: at {np.argwhere(wrong)[:3].tolist()} "
                f"{got[wrong][:3]}, not {want.total[wrong][:3]}"
            )


def exact_pairs(name: str, weight: Any, case: Case, items: Array) -> Expected:
    rows = None if weight is None else rows_of_weights(weight, case, items)
    sums = exact_sums(
        name, case.y, case.s, case.w, items, temperature=case.t, vector=case.v, pair_weights=rows
    )
    return Expected(items, sums)


def rows_of_weights(weight: Any, case: Case, items: Array) -> Array:
    """The rows of `items` of the matrix that reference.py has."""
    y, s, n = case.y.astype(np.float64), case.s.astype(np.float64), len(case.y)
    gaps = np.abs(y[items, None] - y[None, :])
    if isinstance(weight, rg.LabelDifferenceWeight):
        return np.asarray(gaps)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(-s, kind="stable")] = np.arange(n)
    discounts = np.where(np.arange(n) < (weight.k or n), 1 / np.log2(np.arange(n) + 2.0), 0.0)
    d = discounts[rank].astype(np.longdouble)
    rows = gaps * np.abs(d[items, None] - d[None, :])
    ideal = np.sort(y)[::-1] @ discounts
    return np.asarray(rows if not weight.normalize else rows / ideal if ideal > 0 else 0 * rows)


def exact_of_ranks(name: str, case: Case, items: Array) -> Expected:
    """Of all items. A margin carries twice the rounding there: 4 of 2 eps of the largest score."""
    found = exact_ranks.exact(name, case.y, case.s, case.v, case.t)
    sums = ListSums(*(Sum(found.results[k], found.terms[k], 4 * found.terms[k]) for k in found.results))
    return Expected(np.arange(len(case.y)), sums)


WEIGHTS: dict[str, Any] = {
    "ndcg": rg.NDCGWeight(gain="linear"),
    "ndcg at 50": rg.NDCGWeight(k=50, gain="linear", normalize=False),
    "label difference": rg.LabelDifferenceWeight(),
}
SMOOTH = ("logistic", "soft_zero_one")
HINGES = ("hinge", "squared_hinge")
SORTED = (*HINGES, "exponential")


def pair_family(name: str, weight: str | None = None) -> Family:
    given = None if weight is None else WEIGHTS[weight]
    return Family(
        name if weight is None else f"{weight} x {name}",
        LOSSES[name] if weight is None else partial(LOSSES[name], lambda_weight=given),
        partial(exact_pairs, name, given),
        direct_bound=DIRECT_BOUND,
        reach=20.0 if name == "exponential" else np.inf,
        kinked=name in HINGES,
        same_values=weight is None,
    )


def rank_family(name: str) -> Family:
    """Of graded lists, or of one relevant item: which of several has the least rank may hang on the last bit."""
    return Family(
        f"approx {name}",
        exact_ranks.LOSSES[name],
        partial(exact_of_ranks, name),
        kinds=("one positive",) if name == "mrr" else ("five",),
        reduction="sum",
        length=700,
    )


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        *(pair_family(name) for name in (*SMOOTH, *SORTED)),
        *(pair_family(name, weight) for weight in WEIGHTS for name in (*SMOOTH, *HINGES)),
        *(rank_family(name) for name in exact_ranks.LOSSES),
    )
}
