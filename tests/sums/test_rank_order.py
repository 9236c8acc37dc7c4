"""Ranks of lists that are sorted, whatever the scores: even, crowded, with outliers, and as close as denormals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from reference import Array

#: Sorted by keys, of 16 and of 18 bits of a cell; by two passes, longer ones by one thread only; dealt into buckets.
SIZES = (2_000, 10_000, 20_000, 50_000, 140_000)
BEST = 3  # pairs with one of the best only


def values_by_numpy(y: Array, s: Array) -> Array:
    """Hinge of each row, times |y_i - y_j| |D_i - D_j|, over the pairs that have one of the best items."""
    order = np.argsort(-s, kind="stable")
    discount = np.empty(len(s))
    discount[order] = 1 / np.log2(np.arange(len(s)) + 2)
    values, others = np.zeros(len(s)), np.ones(len(s), dtype=bool)
    others[order[:BEST]] = False
    for b in order[:BEST]:
        weight = np.abs(y - y[b]) * np.abs(discount - discount[b])
        as_row, as_column = np.maximum(0, 1 - (s[b] - s)), np.maximum(0, 1 - (s - s[b]))
        values[b] = (weight * as_row)[y < y[b]].sum()
        values += np.where(others & (y > y[b]), weight * as_column, 0)
    return values


def check_ranks(s: Array, unit: float, rng: np.random.Generator) -> None:
    y = rng.integers(0, 3, len(s)).astype(float)
    weight = rg.NDCGWeight(gain="linear", normalize=False, truncation=BEST)
    loss = rg.PairwiseHingeLoss(unit, reduction="none", lambda_weight=weight)
    np.testing.assert_allclose(loss(y, s * unit), values_by_numpy(y, s), rtol=1e-12, atol=0)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(
    ("outliers", "unit"),
    [
        ([], 1.0),
        ([], 2.0**-1004),  # a bucket is too narrow to be divided
        ([], 2.0**-1040),  # all are denormal
        ([2.0**100], 2.0**-1040),  # and those where nearly all items are
        ([2.0**50, 2.0**40, 2.0**30], 1.0),  # nearly all in one bucket, again and again
    ],
    ids=["even", "close", "denormal", "outlier", "outliers"],
)
def test_ranks(n: int, outliers: list[float], unit: float, rng: np.random.Generator) -> None:
    """Scores are whole numbers of units of the temperature, so that nothing is rounded."""
    s = (rng.integers(0, 50, n) * 2**14 + rng.integers(0, 2**12, n) * (rng.random(n) < 0.5)).astype(float)
    s[1000 : 1000 + len(outliers)] = outliers
    check_ranks(s, unit, rng)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("outliers", [[], [-(2.0**50)]])
def test_ranks_of_ties(n: int, outliers: list[float], rng: np.random.Generator) -> None:
    """By position: all items, or all in one bucket."""
    s = np.zeros(n)
    s[1000 : 1000 + len(outliers)] = outliers
    check_ranks(s, 1.0, rng)


def test_scores_at_both_ends_of_float64(rng: np.random.Generator) -> None:
    """More bins than there are whole numbers: the near-linear sums stand back."""
    y, s = rng.integers(0, 5, 400), rng.normal(size=400)
    s[:2] = 8e307, -8e307

    def results(loss: Any, algorithm: str) -> Any:
        objective = loss.bind(y, algorithm=algorithm)
        return objective.value_and_grad(s)[1], *objective.grad_and_hess(s)

    for loss in (
        rg.PairwiseLogisticLoss(reduction="sum"),
        rg.ApproxNDCGLoss(temperature=1.0, reduction="sum"),
    ):
        for fast, direct in zip(results(loss, "fast"), results(loss, "direct"), strict=True):
            assert np.isfinite(direct).all()
            assert np.array_equal(fast, direct)
