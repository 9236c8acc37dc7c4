"""The hinge without weights, whose derivatives are numbers of pairs: counted, not summed.

With row weights of 1 they are summed (test_sorted_sums.py holds the sums to the reference): the same numbers, bit
for bit.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import DTypeLike

import strategies
from helpers import assert_equals_sum, labels_of
from reference import Array
from reference_lists import Lists, evaluate

pytestmark = pytest.mark.usefixtures("isa")

#: fractions of the items on each label level; None: all labels distinct
MIXES: dict[str, tuple[float, ...] | None] = {
    "two": (0.8, 0.2),
    "graded": (0.515, 0.325, 0.134, 0.018, 0.008),
    "one of many": (0.997, 0.003),
    "distinct": None,
}


def labels(rng: np.random.Generator, n: int, mix: tuple[float, ...] | None) -> Array:
    return rng.permutation(n) * 0.5 if mix is None else rng.choice(len(mix), n, p=mix).astype(float)


def results(objective: Any, scores: Array, **options: Any) -> tuple[Array, ...]:
    """Gradients, and Hessians of both kinds."""
    exact = objective.grad_and_hess(scores, **options)
    positive = objective.grad_and_hess(scores, curvature="positive", min_hessian=1e-3, **options)
    return objective.value_and_grad(scores, **options)[1], *exact, *positive


def check(y: Array, s: Array, temperature: float = 1.0, rtol: float = 1e-14, **groups: Any) -> None:
    loss = rg.PairwiseHingeLoss(temperature, reduction="sum")
    counted = loss.bind(y, **groups, algorithm="fast")
    summed = loss.bind(y, np.ones(len(y)), **groups, algorithm="fast")
    for got, want in zip(results(counted, s), results(summed, s), strict=True):
        np.testing.assert_array_equal(got, want)
    values = rg.PairwiseHingeLoss(temperature, reduction="none").bind(
        y, np.ones(len(y)), **groups, algorithm="fast"
    )
    want = math.fsum(values.value(s.astype(np.float64)))  # a plain sum of them would round
    np.testing.assert_allclose(counted.value(s.astype(np.float64)), want, rtol=rtol, atol=0)
    np.testing.assert_allclose(counted.value(s), want, rtol=1e-6, atol=0)
    assert counted.value(s) == counted.value_and_grad(s)[0]


@pytest.mark.parametrize("temperature", [1.0, 0.3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mix", MIXES)
def test_counts_are_sums(mix: str, dtype: DTypeLike, temperature: float, rng: np.random.Generator) -> None:
    """Around the size of a leaf of the tree, and at lengths that threads share and that are dealt into buckets."""
    for n, scale in ((3, 1.0), (64, 1.0), (65, 30.0), (128, 1.0), (129, 30.0), (1_000, 0.01), (100_000, 1.0)):
        check(labels(rng, n, MIXES[mix]), rng.normal(0, scale, n).astype(dtype), temperature)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("step", [1, -1, 7])
def test_labels_in_the_order_of_the_scores(step: int, dtype: DTypeLike, rng: np.random.Generator) -> None:
    """Or against it, or by turns: one group of a node may end long before the other."""
    for n in (131, 1_000, 5_003, 17_000):
        s = np.sort(rng.normal(size=n)).astype(dtype)
        y = (np.arange(n) * step % n).astype(float)
        loss = rg.PairwiseHingeLoss(reduction="sum")
        direct = results(loss.bind(y, algorithm="direct"), s.astype(np.float64))
        for got, want in zip(results(loss.bind(y, algorithm="fast"), s), direct, strict=True):
            np.testing.assert_array_equal(got, want.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_and_margins_of_one(dtype: DTypeLike, rng: np.random.Generator) -> None:
    """At the kink the slope is 0, as pair by pair."""
    y, s = rng.integers(0, 4, 3_000).astype(float), rng.integers(-3, 3, 3_000).astype(dtype)
    check(y, s)
    loss = rg.PairwiseHingeLoss(reduction="sum")
    direct = results(loss.bind(y, algorithm="direct"), s)
    for got, want in zip(results(loss.bind(y, algorithm="fast"), s), direct, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [[1e6], [1e30, -1e30], [1e4, 1e8, 1e12, 1e16]])
def test_crowded_scores(far: list[float], dtype: DTypeLike, rng: np.random.Generator) -> None:
    """Nearly all in one cell of the range, and again in one of that cell."""
    for n in (200, 2_000, 10_000, 20_000, 140_000):
        s = rng.normal(0, 0.01, n)
        s[: n // 4] *= 1e-6
        s[n // 2 : n // 2 + len(far)] = far
        check(rng.integers(0, 3, n).astype(float), s.astype(dtype), rtol=1e-12)


@given(
    lists=strategies.ragged(huge=True),
    dtype=st.sampled_from([np.float32, np.float64]),
    temperature=st.sampled_from([1.0, 0.5]),
)
def test_ragged_lists(lists: Lists, dtype: DTypeLike, temperature: float) -> None:
    """Against the formula, whatever the lists."""
    lists = replace(lists, scores=lists.scores.astype(dtype), sample_weight=None)
    loss = rg.PairwiseHingeLoss(temperature, reduction="sum", negative_labels=lists.negative_labels)
    objective = loss.bind(labels_of(lists), offsets=lists.offsets, algorithm="fast")
    want = evaluate("hinge", lists, reduction="sum", temperature=temperature)
    value, grad = objective.value_and_grad(lists.scores)
    positive = objective.grad_and_hess(lists.scores, curvature="positive")[1]
    for actual, expected in ((value, want.value), (grad, want.grad), (positive, want.positive_hess)):
        assert_equals_sum("hinge", actual, expected, lists, temperature)


def test_value_far_from_zero(rng: np.random.Generator) -> None:
    """The terms of the value cancel there; scores are whole numbers of 2^-20, so that integers give it exactly."""
    n, unit = 5_000, 2**20
    y, steps = rng.integers(0, 3, n), rng.integers(-3 * unit, 3 * unit, n)
    margins = (steps[:, None] - steps[None, :])[y[:, None] > y[None, :]]
    exact = int(np.maximum(unit - margins, 0).sum()) / unit
    objective = rg.PairwiseHingeLoss(reduction="sum").bind(y, algorithm="fast")
    for offset in (0, 2**31, -(2**32)):
        assert objective.value((steps + offset * unit) / unit) == exact


@pytest.mark.parametrize("n", [90_000, 300_000])  # one thread alone sorts the shorter one in another way
@pytest.mark.parametrize("mix", MIXES)
def test_same_bits_for_any_threads(mix: str, n: int, rng: np.random.Generator) -> None:
    y, s = labels(rng, n, MIXES[mix]), rng.normal(size=n).astype(np.float32)
    objective = rg.PairwiseHingeLoss(reduction="sum").bind(y)
    alone = objective.value_and_grad(s, n_threads=1)
    for n_threads in (2, 3, 8):
        value, grad = objective.value_and_grad(s, n_threads=n_threads)
        assert value == alone[0]
        np.testing.assert_array_equal(grad, alone[1])


def test_lists_beside_others(rng: np.random.Generator) -> None:
    """Offsets, masks and weights of lists; and a list that is not finite, if nobody looks, is NaN alone."""
    sizes = [700, 0, 1, 900, 400]
    offsets = np.cumsum([0, *sizes])
    y, s = rng.integers(0, 3, offsets[-1]).astype(float), rng.normal(size=offsets[-1])
    y[rng.random(len(y)) < 0.2] = -1
    check(y, s, offsets=offsets)
    loss = rg.PairwiseHingeLoss(reduction="sum", nan="propagate")
    of_lists = np.array([2.0, 1.0, 1.0, 0.5, 3.0])
    weight = np.repeat(of_lists, sizes)
    got = loss.bind(y, weight, offsets=offsets, algorithm="fast").value_and_grad(s)
    parts = [loss.bind(y[a:b], algorithm="fast").value_and_grad(s[a:b]) for a, b in pairwise(offsets)]
    np.testing.assert_allclose(got[0], of_lists @ [float(p[0]) for p in parts], rtol=1e-14)
    np.testing.assert_allclose(got[1], weight * np.concatenate([p[1] for p in parts]), rtol=1e-14)
    bad = s.copy()
    place = offsets[3] + int(np.flatnonzero(y[offsets[3] :] >= 0)[0])
    bad[place] = np.nan
    value, grad = loss.bind(y, offsets=offsets, algorithm="fast").value_and_grad(bad)
    assert np.isnan(value)
    valid = y >= 0
    expected = np.zeros(len(y), bool)
    expected[offsets[3] : offsets[4]] = valid[offsets[3] : offsets[4]]
    np.testing.assert_array_equal(np.isnan(grad), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_windows_of_a_long_list(dtype: DTypeLike, rng: np.random.Generator) -> None:
    """Items go to label order and back window by window: some are masked, levels end anywhere, threads share."""
    n = 300_000
    y, s = rng.choice(3, n, p=[0.9, 0.0999, 0.0001]), rng.normal(size=n).astype(dtype)
    mask = rng.random(n) < 0.7
    mask[:70_000] = False  # windows without items
    y[-40_000:] = 0  # and without items of two levels
    for temperature in (1.0, 1.7):
        loss = rg.PairwiseHingeLoss(temperature, reduction="sum")
        objective, alone = loss.bind(np.where(mask, y, -1)), loss.bind(y[mask]).value_and_grad(s[mask])
        for n_threads in (1, 2, 5):
            value, grad = objective.value_and_grad(s, n_threads=n_threads)
            assert value == alone[0]
            np.testing.assert_array_equal(grad[mask], alone[1])
            assert not np.any(grad[~mask])
