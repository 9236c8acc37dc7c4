"""The exact sums that are faster than pair by pair: hinge and squared hinge by sorting, exponential by moments.

Their bounds, relative to the sum of the absolute terms, are those of contract and README: 1e-12 for float64, 1e-7 for
float32 (computed in double, rounded once). Margins are known to some units in the last place of the scores, in double.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import DTypeLike

import strategies
from helpers import LOSSES, labels_of
from reference import PAIR_LOSSES, Array, Sum
from reference_lists import Lists, evaluate

pytestmark = pytest.mark.usefixtures("isa")

SORTED = ("hinge", "squared_hinge")
NAMES = (*SORTED, "exponential")
RTOL = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-7}
DIRECT_RTOL = 1e-6  # of float32 pair by pair

#: fractions of the items on each label level; None: all labels distinct
LABEL_MIXES: dict[str, tuple[float, ...] | None] = {
    "two levels": (0.8, 0.2),
    "graded": (0.515, 0.325, 0.134, 0.018, 0.008),
    "one of many": (0.997, 0.003),
    "all but one": (0.003, 0.997),
    "huge in the middle": (0.01, 0.01, 0.95, 0.01, 0.01, 0.01),
    "real": None,
}


class Computed(NamedTuple):
    """What a bound objective computes, an array like the scores each; the fields of reference_lists.Answer."""

    value: Array
    grad: Array
    hess: Array
    positive_hess: Array
    hessp: Array


def make_list(
    rng: np.random.Generator, n: int, mix: tuple[float, ...] | None = (0.8, 0.2), scale: float = 1.0
) -> Lists:
    """One shuffled list with normal scores and a row weight for each item."""
    labels = (
        np.arange(n) * 0.01 if mix is None else np.searchsorted(np.cumsum(mix) * n, np.arange(n), "right")
    )
    weights = rng.uniform(0.1, 3.0, n)
    scores = rng.normal(0, scale, n)
    return Lists(rng.permutation(labels).astype(np.float64), scores, np.array([0, n]), sample_weight=weights)


def answers(
    name: str,
    lists: Lists,
    vector: Array,
    *,
    temperature: float = 1.0,
    algorithm: str = "fast",
    **options: Any,
) -> Computed:
    """Everything that the objective computes, row values as value."""
    loss = LOSSES[name](temperature, reduction="none", negative_labels=lists.negative_labels)
    objective = loss.bind(labels_of(lists), lists.sample_weight, offsets=lists.offsets, algorithm=algorithm)
    values = objective.value(lists.scores, **options)
    also_values, grad = objective.value_and_grad(lists.scores, **options)
    also_grad, hess = objective.grad_and_hess(lists.scores, **options)
    positive = objective.grad_and_hess(lists.scores, curvature="positive", **options)[1]
    assert np.array_equal(values, also_values)
    assert np.array_equal(grad, also_grad)
    hessp = objective.hessp(lists.scores, vector.astype(lists.scores.dtype), **options)
    return Computed(values, grad, hess, positive, hessp)


def assert_near(
    actual: Array, expected: Sum, lists: Lists, temperature: float = 1.0, rtol: float | None = None
) -> None:
    """Within the bound of the dtype; a margin carries a few roundings of the scores in double."""
    dtype = lists.scores.dtype
    rtol = RTOL[dtype] if rtol is None else rtol
    largest = np.abs(lists.scores.astype(np.float64)).max(initial=1.0)
    bound = rtol * expected.terms + np.finfo(dtype).tiny
    bound += 4 * np.finfo(np.float64).eps * largest / temperature * expected.drift
    wrong = ~(np.abs(actual - expected.total) <= bound)
    worst = np.argwhere(wrong)[:3].ravel()
    assert not wrong.any(), f"at {worst}: {actual[worst]}, not {expected.total[worst]} (+-{bound[worst]})"


def check(
    name: str,
    lists: Lists,
    *,
    dtype: DTypeLike = np.float64,
    temperature: float = 1.0,
    algorithm: str = "fast",
) -> None:
    lists = replace(lists, scores=lists.scores.astype(dtype))
    vector = np.cos(np.arange(len(lists.scores))).astype(dtype).astype(np.float64)
    got = answers(name, lists, vector, temperature=temperature, algorithm=algorithm)
    want = evaluate(name, lists, reduction="none", temperature=temperature, vector=vector)
    is_float32 = np.dtype(dtype) == np.float32
    rtol = DIRECT_RTOL if is_float32 and algorithm != "fast" else RTOL[np.dtype(dtype)]
    for actual, expected in zip(got, want, strict=True):
        assert actual.dtype == dtype
        # Row values are multiplied by the weights in the type of the scores: two roundings more.
        weighting = np.finfo(dtype).eps if actual is got.value else 0.0
        assert_near(actual, expected, lists, temperature, rtol + weighting)


# --- against the reference ----------------------------------------------------------------------------


@pytest.mark.parametrize("mix", LABEL_MIXES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_label_mixes(name: str, dtype: DTypeLike, mix: str, rng: np.random.Generator) -> None:
    check(name, make_list(rng, 700, LABEL_MIXES[mix]), dtype=dtype)


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e4])
@pytest.mark.parametrize("scale", [0.01, 0.1, 1.0, 10.0, 1000.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SORTED)
def test_scales_and_offsets(
    name: str, dtype: DTypeLike, scale: float, offset: float, rng: np.random.Generator
) -> None:
    lists = make_list(rng, 400, LABEL_MIXES["graded"], scale)
    check(name, replace(lists, scores=lists.scores + offset), dtype=dtype)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 60.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exponential_scales(dtype: DTypeLike, scale: float, rng: np.random.Generator) -> None:
    """Up to a range of 360: e^(range/2) no longer fits float32, the factored form no longer double."""
    if dtype == np.float32 and scale > 10:
        scale = 10.0
    check("exponential", make_list(rng, 400, LABEL_MIXES["graded"], scale), dtype=dtype)


@pytest.mark.parametrize("temperature", [0.25, 0.7, 3.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_temperature(name: str, dtype: DTypeLike, temperature: float, rng: np.random.Generator) -> None:
    check(name, make_list(rng, 300, LABEL_MIXES["graded"]), dtype=dtype, temperature=temperature)


@pytest.mark.parametrize("order", ["sorted", "reversed", "all equal", "few", "outlier", "tiny", "zeros"])
@pytest.mark.parametrize("mix", ["graded", "real"])
@pytest.mark.parametrize("name", SORTED)
def test_orders_and_ties(name: str, mix: str, order: str, rng: np.random.Generator) -> None:
    """Orders that would make a careless sort or tree quadratic, and scores that equal cells do not spread."""
    lists = make_list(rng, 500, LABEL_MIXES[mix])
    s = lists.scores
    scores = {
        "sorted": np.sort(s),
        "reversed": -np.sort(-s),
        "all equal": np.full_like(s, 0.3),
        "few": np.round(2 * s) / 2,
        "outlier": np.where(np.arange(len(s)) == 17, 1e9, s),
        "tiny": s * 1e-310,
        "zeros": np.where(s > 0, 0.0, -0.0),
    }[order]
    labels = np.sort(lists.labels) if order in ("sorted", "reversed") else lists.labels
    check(name, replace(lists, scores=scores, labels=labels))


@given(data=st.data(), name=st.sampled_from(NAMES), algorithm=st.sampled_from(["auto", "fast", "direct"]))
def test_small_lists(data: st.DataObject, name: str, algorithm: str) -> None:
    lists = data.draw(strategies.ragged())
    if lists.sample_weight is not None and np.ndim(lists.sample_weight) == 0:
        lists = replace(lists, sample_weight=np.full(len(lists.scores), lists.sample_weight))
    check(name, lists, algorithm=algorithm)


@given(
    data=st.data(),
    name=st.sampled_from(NAMES),
    algorithm=st.sampled_from(["auto", "fast"]),
    n=st.integers(50, 600),
    levels=st.integers(2, 700),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_around_the_crossover(
    data: st.DataObject, name: str, algorithm: str, n: int, levels: int, dtype: DTypeLike
) -> None:
    """Scores are multiples of 1/8: many kinks and ties, all exact."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    lists = Lists(
        rng.integers(0, levels, n).astype(np.float64),
        rng.integers(-24, 25, n) / strategies.GRID,
        np.array([0, n]),
        sample_weight=rng.integers(0, 9, n) / 4 if data.draw(st.booleans()) else None,
    )
    check(name, lists, dtype=dtype, algorithm=algorithm)


# --- exact answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mix", LABEL_MIXES)
@pytest.mark.parametrize("name", SORTED)
def test_exact_where_numbers_are(name: str, mix: str, rng: np.random.Generator) -> None:
    """Dyadic scores and weights: every sum is a double, so every bit is right, kinks and cancellation included."""
    n = 600
    lists = make_list(rng, n, LABEL_MIXES[mix])
    lists = replace(lists, scores=rng.integers(-20, 21, n) / 8, sample_weight=rng.integers(0, 9, n) / 4)
    vector = 2.0**20 + rng.integers(-8, 9, n) / 8
    want = evaluate(name, lists, reduction="none", vector=vector)
    for actual, expected in zip(answers(name, lists, vector), want, strict=True):
        assert np.array_equal(actual, expected.total)


@pytest.mark.parametrize("offset", [1e4, -(2.0**20)])
@pytest.mark.parametrize("name", SORTED)
def test_an_offset_changes_no_bit(name: str, offset: float, rng: np.random.Generator) -> None:
    lists = make_list(rng, 1000, LABEL_MIXES["graded"])
    lists = replace(lists, scores=np.round(lists.scores * 2**20) / 2**20)
    vector = rng.normal(size=1000)
    moved = replace(lists, scores=lists.scores + offset)
    for here, there in zip(answers(name, lists, vector), answers(name, moved, vector), strict=True):
        assert np.array_equal(here, there)


@pytest.mark.parametrize("name", SORTED)
def test_the_kink_has_no_slope(name: str) -> None:
    """d = 1 exactly for 100 x 100 pairs; one step of the last place lower, all of them are active."""
    labels = np.repeat([0.0, 1.0], 100)
    objective = LOSSES[name](reduction="sum").bind(labels, algorithm="fast")
    value, grad = objective.value_and_grad(labels + 0.5)
    assert value == 0
    assert not grad.any()
    assert not objective.grad_and_hess(labels + 0.5, curvature="positive")[1].any()
    below = np.where(labels > 0, np.nextafter(1.5, 0), 0.5)
    assert (objective.grad_and_hess(below, curvature="positive")[1] > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_rounding_does_not_add_up(name: str) -> None:
    """200,000 equal terms: plain running sums are off by 1e-12 and more."""
    n = 200_000
    labels = np.r_[np.zeros(n), 1.0]
    scores = np.r_[np.full(n, 0.1), 0.0]
    objective = LOSSES[name](reduction="sum").bind(labels, algorithm="fast")
    term = {"hinge": 1.1, "squared_hinge": 1.1**2, "exponential": np.exp(0.1)}[name]
    assert objective.value(scores) == pytest.approx(n * term, rel=1e-15)


# --- long lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mix", LABEL_MIXES)
@pytest.mark.parametrize("name", NAMES)
def test_long_lists_row_by_row(name: str, mix: str, rng: np.random.Generator) -> None:
    """Some rows of a list of 30,000, each against its pairs."""
    n = 30_000
    lists = make_list(rng, n, LABEL_MIXES[mix], scale=3.0)
    loss = LOSSES[name](reduction="none")
    objective = loss.bind(lists.labels, lists.sample_weight, algorithm="fast")
    values, grad = objective.value_and_grad(lists.scores)
    s, y, w = lists.scores, lists.labels, lists.weights
    for i in rng.integers(0, n, 20):
        lower, higher = y < y[i], y > y[i]
        down = PAIR_LOSSES[name](s[i] - s[lower], y[i] - y[lower])
        up = PAIR_LOSSES[name](s[higher] - s[i], y[higher] - y[i])
        value, below, above = down.value.sum(), w[i] * down.slope.sum(), (w[higher] * up.slope).sum()
        assert abs(values[i] - w[i] * value) <= 1e-12 * w[i] * value
        assert abs(grad[i] - (below - above)) <= 1e-12 * (abs(below) + abs(above))


@pytest.mark.parametrize("name", NAMES)
def test_fast_equals_direct(name: str, rng: np.random.Generator) -> None:
    """Several lists of some thousands of items, so scratch memory is used again."""
    sizes = [3000, 5, 1200, 0, 4000]
    lists = strategies.random_lists(rng, sizes, levels=5)
    vector = rng.normal(size=sum(sizes))
    fast = answers(name, lists, vector)
    direct = answers(name, lists, vector, algorithm="direct")
    magnitude = answers(name, lists, np.ones(sum(sizes)), algorithm="direct")
    for a, b, scale in zip(fast, direct, (*magnitude[:4], magnitude.positive_hess), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(scale).max())


@pytest.mark.parametrize("name", NAMES)
def test_threads_change_no_bit(name: str, rng: np.random.Generator) -> None:
    lists = strategies.random_lists(rng, rng.integers(0, 3000, 40), levels=5)
    vector = rng.normal(size=len(lists.scores))
    one = answers(name, lists, vector, n_threads=1)
    for threads in (2, 3, 8):
        for a, b in zip(one, answers(name, lists, vector, n_threads=threads), strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("name", NAMES)
def test_exponential_ranges(name: str) -> None:
    """Scores from -500 to 500, most pairs in order: terms that fit are right, those that do not are infinite."""
    labels = np.arange(2000.0)
    objective = LOSSES[name](reduction="none").bind(labels, algorithm="fast")
    scores = np.linspace(-500, 500, 2000)
    values, grad = objective.value_and_grad(scores)
    margins = scores[1] - scores[0]
    terms = np.arange(1, 2000) * margins
    phi = {"hinge": np.maximum(1 - terms, 0), "squared_hinge": np.maximum(1 - terms, 0) ** 2}
    want = np.r_[0, np.cumsum(phi.get(name, np.exp(-terms)))]
    np.testing.assert_allclose(values, want, rtol=1e-12)
    assert np.isfinite(grad).all()
    if name == "exponential":
        assert np.isinf(objective.value(-scores)).any()


MEMORY = """
import resource, sys, numpy as np, rankgrad as rg
n = 1_000_000
rng = np.random.default_rng(0)
scores, labels = rng.normal(size=n).astype(np.float32), rng.integers(0, 5, n)
objective = getattr(rg, sys.argv[1])(reduction="sum").bind(labels)
out = np.zeros(n, np.float32)
rg.PairwiseHingeLoss().bind([0, 1]).value_and_grad([0.0, 1.0])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
objective.value_and_grad(scores, out=out, n_threads=1)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / n)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in other units elsewhere")
@pytest.mark.parametrize("name", ["PairwiseHingeLoss", "PairwiseSquaredHingeLoss", "PairwiseExponentialLoss"])
def test_memory_per_item(name: str) -> None:
    """A call takes at most 64 bytes per item beyond inputs, results and what bind keeps."""
    done = subprocess.run([sys.executable, "-c", MEMORY, name], check=True, capture_output=True, text=True)
    assert float(done.stdout) <= 64


def test_the_engine_takes_the_fast_sums_by_itself(rng: np.random.Generator) -> None:
    """A list that would take minutes pair by pair."""
    n = 400_000
    objective = rg.PairwiseHingeLoss(reduction="mean_over_pairs").bind(rng.integers(0, 2, n))
    assert 1.0 < objective.value(rng.normal(size=n)) < 1.5
