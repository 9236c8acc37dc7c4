"""Scores spread wide against the temperature: outliers, clusters far apart, gaps of every size; never pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from families import FAMILIES, Case, labels_of, make_case
from reference import Array

pytestmark = pytest.mark.usefixtures("isa")

NAMES = ("logistic", "soft_zero_one", "ndcg x logistic", "label difference x soft_zero_one")
SPREADS = ("normal * 1e3", "normal * 1e7", "even", "clusters", "powers", "outliers", "offset", "one far")


def wide_scores(spread: str, n: int, rng: np.random.Generator) -> Array:
    if spread.startswith("normal"):
        return rng.normal(size=n) * float(spread.split()[-1])
    if spread == "even":  # from neighbours that share a bin to those that are far from each other
        return rng.permutation(n) * rng.choice([0.6, 1.0, 7.0, 30.0])
    if spread == "clusters":
        return rng.normal(size=n) + 50.0 * rng.integers(0, 9, n) + 1e6 * rng.integers(0, 9, n)
    if spread == "powers":
        return rng.choice([-1.0, 1.0], n) * np.exp(rng.uniform(-20, 25, n))
    if spread == "offset":
        return rng.permutation(n) + 1e12
    s = rng.normal(size=n)
    s[: 1 if spread == "one far" else 4] = [-1e30] if spread == "one far" else [-1e9, 1e9, 1e30, -1e30]
    return s


def wide_case(spread: str, kind: str, n: int, dtype: Any, t: float, rng: np.random.Generator) -> Case:
    return make_case(labels_of(kind, n, rng), wide_scores(spread, n, rng) * t, dtype, rng, t)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_error_bounds(name: str, spread: str, dtype: Any, rng: np.random.Generator) -> None:
    """Few levels and many, a list for the sums in blocks and one for those over a tree with several batches."""
    family = FAMILIES[name]
    for kind, n, t in (("five", 1500, 1.0), ("distinct", 4000, 0.3), ("two", 2500, 1e-6)):
        case = wide_case(spread, kind, n, dtype, t, rng)
        ends = [int(case.s.argmin()), int(case.s.argmax())]
        items = np.unique(np.concatenate([rng.integers(0, n, 4), ends]))
        if case.s.dtype == np.float32:  # values of the outliers are too large for it
            items = items[np.abs(case.s[items]) / t < 1e34]
        family.hold(case, family.exact(case, items), "fast")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["five", "distinct"])
@pytest.mark.parametrize("spread", SPREADS)
def test_no_spread_is_summed_pair_by_pair(
    name: str, kind: str, spread: str, rng: np.random.Generator
) -> None:
    """The engine's own choice has the bits of the near-linear sums."""
    case = wide_case(spread, kind, 3000, np.float64, 1.0, rng)
    auto, fast, direct = (
        FAMILIES[name].bind(case, algorithm).value_and_grad(case.s)[1]
        for algorithm in ("auto", "fast", "direct")
    )
    assert np.array_equal(auto, fast)
    assert not np.array_equal(auto, direct)


@pytest.mark.parametrize("name", ["logistic", "ndcg x logistic"])
@pytest.mark.parametrize("spread", ["normal * 1e7", "even", "clusters"])
def test_threads_change_no_bit(name: str, spread: str, rng: np.random.Generator) -> None:
    case = wide_case(spread, "distinct", 40_000, np.float32, 1.0, rng)
    objective = FAMILIES[name].bind(case, "auto")
    one, two = (objective.grad_and_hess(case.s, n_threads=k) for k in (1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    products = [objective.hessp(case.s, case.v, n_threads=k) for k in (1, 2)]
    assert np.array_equal(*products)


@pytest.mark.parametrize("name", ["approx ndcg", "approx mrr"])
@pytest.mark.parametrize("spread", ["normal * 1e3", "even", "clusters", "outliers"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_smooth_ranks_in_segments(name: str, spread: str, dtype: Any, rng: np.random.Generator) -> None:
    """More bins than there is memory for: they come in segments, and threads change no bit."""
    family, n = FAMILIES[name], 2200
    case = wide_case(spread, family.kinds[0], n, dtype, 0.1, rng)
    family.hold(case, family.exact(case, np.arange(n)), "fast")
    objective = family.bind(case, "auto")
    one, two = (objective.grad_and_hess(case.s, n_threads=k) for k in (1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
