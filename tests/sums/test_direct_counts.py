"""The hinge without weights pair by pair: partners are counted by comparing scores with bounds (count_tiles.hpp)."""

from __future__ import annotations

import numpy as np
import pytest
import rankgrad as rg
from numpy.typing import DTypeLike

from reference import Array

pytestmark = pytest.mark.usefixtures("isa")


def partners(y: Array, s: Array) -> Array:
    """[i, j]: i has the higher label, and the margin, rounded to the type of the scores, is below 1."""
    return (y[:, None] > y) & (s[:, None] - s < 1)


def check(y: Array, s: Array) -> None:
    """Derivatives to the bit, the value to rounding: it is a sum over the exact margins of the pairs that count."""
    pairs = partners(y, s)
    above, below = pairs.sum(axis=0), pairs.sum(axis=1)
    objective = rg.PairwiseHingeLoss(reduction="sum").bind(y, algorithm="direct")
    value, grad = objective.value_and_grad(s)
    np.testing.assert_array_equal(grad, above - below)
    np.testing.assert_array_equal(objective.grad_and_hess(s, curvature="positive")[1], above + below)
    np.testing.assert_array_equal(objective.grad_and_hess(s)[1], 0)
    x = s.astype(np.longdouble)
    slack = (1 - (x[:, None] - x))[pairs]
    size = float(np.abs(slack).sum() + (1 + np.ptp(x)) * np.finfo(s.dtype).eps)
    assert value == pytest.approx(float(slack.sum()), rel=0, abs=1e-13 * size)
    assert objective.value(s) == value


@pytest.mark.parametrize("algorithm", ["direct", "fast"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sign", [1, -1])
def test_margins_around_one_at_every_size_of_the_scores(
    sign: int, dtype: DTypeLike, algorithm: str, rng: np.random.Generator
) -> None:
    """Scores against those a few steps beside them less 1, where rounding decides: to double in the label tree."""
    digits = np.finfo(dtype).nmant
    margins = np.float64 if algorithm == "fast" else dtype
    steps = np.arange(-5, 6).astype(dtype)
    for exponent in range(-digits - 4, digits + 5):
        mantissa = np.concatenate(
            [[1.0, 1 + 2.0**-digits, 1.5, 2 - 2.0**-digits, 2 - 2.0 ** (1 - digits)], rng.uniform(1, 2, 3)]
        )
        upper = (sign * mantissa * 2.0**exponent).astype(dtype)
        less_one = upper[:, None] - np.ones(1, dtype)
        beside = less_one + steps * np.spacing(less_one)
        near_one = upper[:, None] - (1 + steps * np.finfo(dtype).eps / 4).astype(dtype)
        lower = np.concatenate([beside, near_one], axis=1).astype(dtype)
        # each alone, in a leaf of the label tree, and all of them, in a merge
        for i in (*([k] for k in range(upper.size)), range(upper.size)):
            s = np.concatenate([lower[i].ravel(), upper[i]])
            y = np.repeat([0, 1], [lower[i].size, len(i)])
            pairs = partners(y, s.astype(margins))
            grad = rg.PairwiseHingeLoss(reduction="sum").bind(y, algorithm=algorithm).value_and_grad(s)[1]
            np.testing.assert_array_equal(grad, pairs.sum(axis=0) - pairs.sum(axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [2, 5, 40, 1_000_000])
@pytest.mark.parametrize("n", [2, 3, 7, 8, 9, 31, 64, 66, 67, 100, 128, 515, 1_300])
def test_all_lengths(n: int, levels: int, dtype: DTypeLike, rng: np.random.Generator) -> None:
    """Rests of rows and columns, blocks of columns, panels of rows, strips that small levels share; ties of scores."""
    y = rng.integers(0, levels, n).astype(float)
    for s in (rng.normal(size=n), rng.integers(-3, 4, n) / 2, rng.normal(size=n) * 100 + 1e4):
        check(y, s.astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_at_the_ends_of_the_type(dtype: DTypeLike) -> None:
    """Bounds beyond the type, and margins that are infinite: such ranges are summed, not counted."""
    big, tiny = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    y = np.array([0, 1, 0, 1, 2, 0, 1, 2, 0.0])
    for s in ([big] * 9, [-big] * 9, [tiny, -tiny, 0] * 3, [big / 4, -big / 4, 0] * 3, [1e7, -1e7, 0] * 3):
        scores = np.array(s, dtype)
        pairs = partners(y, scores)
        grad = rg.PairwiseHingeLoss(reduction="sum").bind(y, algorithm="direct").value_and_grad(scores)[1]
        np.testing.assert_array_equal(grad, pairs.sum(axis=0) - pairs.sum(axis=1))


@pytest.mark.parametrize("algorithm", ["direct", "fast"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("outlier", [1e5, -1e5, 1e20, -1e20, 1e38, -1e38])
def test_an_outlier_takes_no_digits(
    outlier: float, dtype: DTypeLike, algorithm: str, rng: np.random.Generator
) -> None:
    """The value of the others, where the outlier is nobody's partner: in one leaf, and in merges."""
    for n in (20, 90, 700):
        y, s = rng.integers(1, 6, n), rng.normal(size=n).astype(dtype)
        loss = rg.PairwiseHingeLoss(reduction="sum")
        alone = loss.bind(y, algorithm=algorithm).value_and_grad(s)
        first = loss.bind(np.append(0 if outlier < 0 else 9, y), algorithm=algorithm)
        value, grad = first.value_and_grad(np.append(dtype(outlier), s).astype(dtype))
        assert value == pytest.approx(alone[0], rel=1e-13)
        np.testing.assert_array_equal(grad, np.append(0, alone[1]))


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("levels", [2, 5, 1_000_000])
def test_tiles_of_a_long_list(levels: int, temperature: float, rng: np.random.Generator) -> None:
    """The same bits by any number of threads, and the counts of the label tree."""
    n = 5_000
    y, s = rng.integers(0, levels, n), rng.normal(size=n)
    loss = rg.PairwiseHingeLoss(temperature, reduction="sum")
    direct, fast = (loss.bind(y, algorithm=name) for name in ("direct", "fast"))
    want, alone = fast.value_and_grad(s), direct.value_and_grad(s, n_threads=1)
    for n_threads in (1, 2, 3, 8):
        value, grad = direct.value_and_grad(s, n_threads=n_threads)
        np.testing.assert_array_equal(grad, want[1])
        assert value == alone[0]
        assert value == pytest.approx(want[0], rel=1e-13)
