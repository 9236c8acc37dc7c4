"""What is special to some fast sums: smooth ranks of far items and of ties, pair weights that need the direct sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from exact_ranks import LOSSES
from families import BOUND, FAMILIES, labels_of, make_case
from reference import Array

pytestmark = pytest.mark.usefixtures("isa")

NAMES = tuple(LOSSES)


@pytest.mark.parametrize("gap", [1.3, 4.0, 20.0, 300.0, 1e5])
@pytest.mark.parametrize("name", NAMES)
def test_items_far_from_all_others_keep_their_digits(name: str, gap: float, rng: np.random.Generator) -> None:
    """Their sums are far smaller than the term that an item would have with itself."""
    s = rng.permutation(
        np.concatenate([gap * np.arange(60), gap * np.arange(60, 70), gap * 70 + np.zeros(3)])
    )
    family = FAMILIES[f"approx {name}"]
    y = labels_of(family.kinds[0], len(s), rng)
    y[0] = 1
    case = make_case(y, s, np.float64, rng)
    family.hold(case, family.exact(case, np.arange(len(s))))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ties_share_the_slope_of_a_rank(dtype: Any) -> None:
    """All ranks are (n + 1) / 2, the derivative of a rank by another score is 1/4; ties share the slope."""
    n, relevant = 1001, 7
    y, s = (np.arange(n) < relevant).astype(float), np.full(n, 7.5, dtype)
    objective = rg.ApproxMRRLoss(1.0, reduction="sum").bind(y, algorithm="fast")
    value, grad = objective.value_and_grad(s)
    rtol = BOUND[s.dtype]
    assert value == pytest.approx(-1 / 501, rel=rtol)
    slope = 1 / 501**2 / relevant
    expected = np.where(y > 0, slope * (relevant - n) / 4, slope * relevant / 4)
    np.testing.assert_allclose(grad, expected, rtol=rtol)
    ndcg = rg.ApproxNDCGLoss(1.0, reduction="sum").bind(y, algorithm="fast").value(s)
    ideal = (1 / np.log2(np.arange(relevant) + 2)).sum()
    assert ndcg == pytest.approx(-relevant / np.log2(502) / ideal, rel=rtol)


@pytest.mark.parametrize("name", NAMES)
def test_finite_differences_of_smooth_ranks(name: str, rng: np.random.Generator) -> None:
    n, step = 300, 1e-3
    y, s, v = labels_of(FAMILIES[f"approx {name}"].kinds[0], n, rng), rng.normal(size=n), rng.normal(size=n)
    y[0] = 2 if name != "mrr" else y[0]
    objective = LOSSES[name](0.6, reduction="sum").bind(y, algorithm="fast")
    grad, hess = objective.grad_and_hess(s)

    def slope(f: Any, direction: Array) -> Any:
        h = step * direction
        return (8 * (f(s + h) - f(s - h)) - (f(s + 2 * h) - f(s - 2 * h))) / (12 * step)

    assert slope(objective.value, v) == pytest.approx(grad @ v, rel=1e-7, abs=1e-9)
    along = slope(lambda x: objective.value_and_grad(x)[1], v)
    np.testing.assert_allclose(objective.hessp(s, v), along, rtol=1e-6, atol=1e-6 * np.abs(along).max())
    for k in (0, 17, int(s.argmax())):
        second = slope(lambda x: objective.value_and_grad(x)[1], np.eye(n)[k])[k]
        assert hess[k] == pytest.approx(second, rel=1e-6, abs=1e-6 * np.abs(hess).max())


@pytest.mark.parametrize("kind", ["normal", "wide", "outlier"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ranks_of_long_lists_by_one_to_eight_threads(dtype: Any, kind: str, rng: np.random.Generator) -> None:
    """Long enough for several parts of items and of bins; with short lists beside."""
    sizes = [5, 100_000, 300, 0, 70_000, *rng.integers(1, 100, 20)]
    n = sum(sizes)
    y, s = rng.integers(0, 3, n), rng.normal(size=n).astype(dtype)
    s[n // 2] += 1e9 * (kind == "outlier")
    t, v = (1e-4 if kind == "wide" else 0.1), rng.normal(size=n).astype(dtype)
    objective = rg.ApproxNDCGLoss(t, reduction="sum").bind(y, groups=sizes)
    one = [*objective.value_and_grad(s, n_threads=1), objective.hessp(s, v, n_threads=1)]
    one += objective.grad_and_hess(s, n_threads=1)
    for n_threads in range(2, 9):
        value, grad = objective.value_and_grad(s, n_threads=n_threads)
        assert value == one[0]
        assert np.array_equal(grad, one[1])
    again = [objective.hessp(s, v, n_threads=3), *objective.grad_and_hess(s, n_threads=3)]
    assert all(np.array_equal(a, b) for a, b in zip(again, one[2:], strict=True))


def test_gains_that_do_not_rise_with_the_labels_are_summed_directly(rng: np.random.Generator) -> None:
    y, s = rng.integers(0, 3, 3000), rng.normal(size=3000)
    loss = rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(gain=[0, 5, 2]))
    fast, direct = (loss.bind(y, algorithm=a).value_and_grad(s)[1] for a in ("fast", "direct"))
    assert np.array_equal(fast, direct)


def test_truncated_sums_are_direct_and_agree_with_all_pairs(rng: np.random.Generator) -> None:
    """Beyond the last item a truncation changes nothing."""
    y, s = rng.integers(0, 5, 2000), rng.normal(size=2000)
    grads = [
        rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(truncation=t)).bind(y).value_and_grad(s)[1]
        for t in (None, 2000, 1999)
    ]
    assert np.array_equal(grads[0], grads[1])
    np.testing.assert_allclose(grads[2], grads[1], rtol=1e-9, atol=1e-12)
