"""What is special to the sums by sorting (hinges) and by moments (exponential): exact kinks, ties, orders, ranges.

Their bounds, relative to the sum of the absolute terms, are those of the contract and README.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st

import strategies
from families import KINDS, SORTED, labels_of
from helpers import LOSSES, bind, check
from reference import Array
from reference_lists import Answer, Lists, evaluate

pytestmark = pytest.mark.usefixtures("isa")

HINGES = SORTED[:2]


def make_list(rng: np.random.Generator, n: int, kind: str = "five", scale: float = 1.0) -> Lists:
    """One list with normal scores and a row weight for each item."""
    weights, scores = rng.uniform(0.1, 3.0, n), rng.normal(0, scale, n)
    return Lists(labels_of(kind, n, rng), scores, np.array([0, n]), sample_weight=weights)


def answers(name: str, lists: Lists, vector: Array) -> Answer:
    """Everything that the objective computes, row values as value."""
    objective, s = bind(name, lists, reduction="none", algorithm="fast"), lists.scores
    values, grad = objective.value_and_grad(s)
    again, hess = objective.grad_and_hess(s)
    positive = objective.grad_and_hess(s, curvature="positive")[1]
    assert np.array_equal(values, objective.value(s))
    assert np.array_equal(grad, again)
    return Answer(values, grad, hess, positive, objective.hessp(s, vector))


def check_all(name: str, lists: Lists, algorithm: str = "fast") -> None:
    vector = np.cos(np.arange(len(lists.scores)))
    check(name, lists, reduction="none", vector=vector, algorithm=algorithm)


# --- against the reference ----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 60.0])
def test_exponential_scales(scale: float, rng: np.random.Generator) -> None:
    """Up to a range of 360: the factored form no longer fits double."""
    check_all("exponential", make_list(rng, 400, scale=scale))


@pytest.mark.parametrize("order", ["sorted", "reversed", "all equal", "few", "outlier", "tiny", "zeros"])
@pytest.mark.parametrize("kind", ["five", "distinct"])
@pytest.mark.parametrize("name", HINGES)
def test_orders_and_ties(name: str, kind: str, order: str, rng: np.random.Generator) -> None:
    """Orders that would make a careless sort or tree quadratic, and scores that equal cells do not spread."""
    lists = make_list(rng, 500, kind)
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
    check_all(name, replace(lists, scores=scores, labels=labels))


@given(data=st.data(), name=st.sampled_from(SORTED), algorithm=st.sampled_from(["auto", "fast", "direct"]))
def test_small_lists(data: st.DataObject, name: str, algorithm: str) -> None:
    lists = data.draw(strategies.ragged())
    if lists.sample_weight is not None and np.ndim(lists.sample_weight) == 0:
        lists = replace(lists, sample_weight=np.full(len(lists.scores), lists.sample_weight))
    check_all(name, lists, algorithm)


# --- exact answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", HINGES)
def test_exact_where_numbers_are(name: str, kind: str, rng: np.random.Generator) -> None:
    """Dyadic scores and weights: every sum is a double, so every bit is right, kinks and cancellation included."""
    n = 600
    lists = make_list(rng, n, kind)
    lists = replace(lists, scores=rng.integers(-20, 21, n) / 8, sample_weight=rng.integers(0, 9, n) / 4)
    vector = 2.0**20 + rng.integers(-8, 9, n) / 8
    want = evaluate(name, lists, reduction="none", vector=vector)
    for actual, expected in zip(answers(name, lists, vector), want, strict=True):
        assert np.array_equal(actual, expected.total)


@pytest.mark.parametrize("offset", [1e4, -(2.0**20)])
@pytest.mark.parametrize("name", HINGES)
def test_an_offset_changes_no_bit(name: str, offset: float, rng: np.random.Generator) -> None:
    lists = make_list(rng, 1000)
    lists = replace(lists, scores=np.round(lists.scores * 2**20) / 2**20)
    vector = rng.normal(size=1000)
    moved = replace(lists, scores=lists.scores + offset)
    for here, there in zip(answers(name, lists, vector), answers(name, moved, vector), strict=True):
        assert np.array_equal(here, there)


@pytest.mark.parametrize("name", HINGES)
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


@pytest.mark.parametrize("name", SORTED)
def test_rounding_does_not_add_up(name: str) -> None:
    """200,000 equal terms: plain running sums are off by 1e-12 and more."""
    n = 200_000
    labels = np.r_[np.zeros(n), 1.0]
    scores = np.r_[np.full(n, 0.1), 0.0]
    objective = LOSSES[name](reduction="sum").bind(labels, algorithm="fast")
    term = {"hinge": 1.1, "squared_hinge": 1.1**2, "exponential": np.exp(0.1)}[name]
    assert objective.value(scores) == pytest.approx(n * term, rel=1e-15)


# --- long lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SORTED)
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
