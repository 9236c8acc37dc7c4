"""The near-linear sums with pair weights against extended precision, the direct sums and the laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st

from exact import exact_sums
from helpers import LOSSES
from reference import Array, ListSums
from test_fast_sums import hold, labels_of

pytestmark = pytest.mark.usefixtures("isa")

FAST = ("logistic", "soft_zero_one", "hinge", "squared_hinge")

#: Relative to the absolute terms, as without pair weights.
BOUND = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-7}
DIRECT_BOUND = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}

WEIGHTS = {
    "ndcg": rg.NDCGWeight(gain="linear"),
    "ndcg at 50": rg.NDCGWeight(k=50, gain="linear", normalize=False),
    "label difference": rg.LabelDifferenceWeight(),
}


def rows_of_weights(weight: Any, y: Array, s: Array, items: Array) -> Array:
    """The rows of `items` of the matrix that reference.py has."""
    gaps = np.abs(y[items, None] - y[None, :])
    if isinstance(weight, rg.LabelDifferenceWeight):
        return np.asarray(gaps)
    n = len(y)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(-s, kind="stable")] = np.arange(n)
    discounts = np.where(np.arange(n) < (weight.k or n), 1 / np.log2(np.arange(n) + 2.0), 0.0)
    d = discounts[rank].astype(np.longdouble)
    rows = gaps * np.abs(d[items, None] - d[None, :])
    ideal = np.sort(y)[::-1] @ discounts
    return np.asarray(rows if not weight.normalize else rows / ideal if ideal > 0 else 0 * rows)


def rounds_margins(name: str, s: Array) -> bool:
    """Direct sums in float32 round the margins, which hinges feel: test_lambda_weights.py holds them to their bound."""
    return s.dtype == np.float32 and "hinge" in name


def computed(
    name: str, weight: Any, y: Array, s: Array, w: Array, v: Array, t: float, algorithm: str
) -> tuple[Any, ...]:
    """Unreduced values, gradient (twice), Hessians, Hessian times v; `w` may be negative and is given as cotangent."""
    loss = LOSSES[name](t, reduction="none", lambda_weight=weight)
    objective = loss.bind(y, algorithm=algorithm)
    values, grad = objective.value_and_grad(s, cotangent=w)
    same_grad, hess = objective.grad_and_hess(s, cotangent=w)
    positive = objective.grad_and_hess(s, cotangent=w, curvature="positive")[1]
    np.testing.assert_allclose(objective.value(s), values, rtol=1e-12 if s.dtype == np.float64 else 1e-6)
    return values * w, grad, same_grad, hess, positive, objective.hessp(s, v, cotangent=w)


def exact(name: str, weight: Any, y: Array, s: Array, w: Array, v: Array, t: float, items: Array) -> ListSums:
    rows = rows_of_weights(weight, y.astype(np.float64), s.astype(np.float64), items)
    return exact_sums(name, y, s, w, items, temperature=t, vector=v, pair_weights=rows)


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("kind", ["two", "five", "one positive", "one negative", "distinct", "uneven"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FAST)
def test_error_bounds(name: str, dtype: Any, kind: str, weight: Any, rng: np.random.Generator) -> None:
    n, t = 1500, 0.7
    for scale in (0.01, 1.0, 30.0, 1000.0):
        y, s = labels_of(kind, n, rng), (scale * rng.normal(size=n)).astype(dtype)
        w, v = rng.random(n) * 2, rng.normal(1, 1, n).astype(dtype)
        items = np.unique(np.concatenate([rng.integers(0, n, 8), [n // 3, int(s.argmin()), int(s.argmax())]]))
        expected = exact(name, weight, y, s, w, v, t, items)
        for algorithm, bound in (("fast", BOUND), ("direct", DIRECT_BOUND)):
            if algorithm == "direct" and rounds_margins(name, s):
                continue
            actual = computed(name, weight, y, s, w, v, t, algorithm)
            hold(actual, expected, items, s, t, bound[s.dtype])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["logistic", "hinge"])
def test_error_bounds_of_a_long_list(name: str, dtype: Any, rng: np.random.Generator) -> None:
    n = 60_000
    weight = rg.NDCGWeight(gain="linear")
    y, s = labels_of("five", n, rng), rng.normal(size=n).astype(dtype)
    w, v = rng.random(n), rng.normal(size=n).astype(dtype)
    items = np.unique(np.concatenate([rng.integers(0, n, 10), [n // 3]]))
    expected = exact(name, weight, y, s, w, v, 1.0, items)
    hold(computed(name, weight, y, s, w, v, 1.0, "fast"), expected, items, s, 1.0, BOUND[s.dtype])


@given(data=st.data())
def test_around_the_crossover_all_algorithms_agree(data: st.DataObject) -> None:
    """Any mixture of ties in labels and scores, weights of both signs and zero, a far item now and then."""
    name, dtype = (
        data.draw(st.sampled_from(FAST)),
        np.dtype(data.draw(st.sampled_from(["float32", "float64"]))),
    )
    weight = WEIGHTS[data.draw(st.sampled_from(list(WEIGHTS)))]
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    n, levels = data.draw(st.integers(1, 900)), data.draw(st.integers(1, 500))
    spread, grid = data.draw(st.sampled_from([0.0, 0.1, 2.0, 20.0])), data.draw(st.sampled_from([0, 4, 64]))
    far = data.draw(st.sampled_from([0.0, 50.0, 3000.0, 1e7]))
    s = rng.normal(size=n) * spread
    s = np.round(s * 64 * grid) / (64 * grid) if grid else s
    s[rng.integers(n)] += far
    s, y = s.astype(dtype), rng.integers(0, levels, n)
    w, v = rng.choice([-1.0, 0.0, 0.5, 2.0], n), rng.normal(size=n).astype(dtype)
    t, items = data.draw(st.sampled_from([0.5, 1.0])), np.arange(n)
    expected = exact(name, weight, y, s, w, v, t, items)
    for algorithm in ("auto", "direct", "fast"):
        if algorithm != "fast" and rounds_margins(name, s):
            continue
        bound = (DIRECT_BOUND if algorithm != "fast" or far > 3000 else BOUND)[dtype]
        hold(computed(name, weight, y, s, w, v, t, algorithm), expected, items, s, t, bound)


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_laws(name: str, weight: Any, rng: np.random.Generator) -> None:
    """Gradients add to zero, the Hessian takes a constant vector to zero and is symmetric."""
    n = 4000
    y, s = labels_of("five", n, rng), rng.normal(size=n)
    objective = LOSSES[name](reduction="sum", lambda_weight=weight).bind(y, algorithm="fast")
    grad, hess = objective.grad_and_hess(s, curvature="positive")
    assert abs(grad.sum()) <= 1e-12 * np.abs(grad).sum()
    assert np.abs(objective.hessp(s, np.full(n, 3.0))).max() <= 1e-12 * hess.max()
    u, v = rng.normal(size=(2, n))
    assert u @ objective.hessp(s, v) == pytest.approx(v @ objective.hessp(s, u), rel=1e-9)


def test_equal_scores(rng: np.random.Generator) -> None:
    """Ranks are positions; every margin is 0."""
    n = 700
    y = rng.integers(0, 4, n)
    weight = rg.NDCGWeight(gain="linear", normalize=False)
    rows = rows_of_weights(weight, y.astype(np.float64), np.zeros(n), np.arange(n))
    rows = np.where(y[:, None] > y, rows, 0).astype(np.float64)
    for name, value, slope in (
        ("logistic", np.log(2.0), -0.5),
        ("hinge", 1.0, -1.0),
        ("squared_hinge", 1.0, -2.0),
    ):
        objective = LOSSES[name](reduction="none", lambda_weight=weight).bind(y, algorithm="fast")
        values, grad = objective.value_and_grad(np.full(n, 7.5))
        np.testing.assert_allclose(values, value * rows.sum(1), rtol=1e-13)
        np.testing.assert_allclose(grad, slope * (rows.sum(1) - rows.sum(0)), atol=1e-12 * rows.sum())


def test_gains_that_do_not_rise_with_the_labels_are_summed_directly(rng: np.random.Generator) -> None:
    y, s = rng.integers(0, 3, 3000), rng.normal(size=3000)
    loss = rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(gain=[0, 5, 2]))
    fast, direct = (loss.bind(y, algorithm=a).value_and_grad(s)[1] for a in ("fast", "direct"))
    assert np.array_equal(fast, direct)


@pytest.mark.parametrize("name", ["logistic", "hinge"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_engine_takes_direct_sums_for_short_lists_and_fast_ones_for_long_lists(
    name: str, dtype: Any, rng: np.random.Generator
) -> None:
    for n, expected in ((60, "direct"), (5000, "fast")):
        y, s = rng.integers(0, 5, n), rng.normal(size=n).astype(dtype)
        loss = LOSSES[name](lambda_weight=rg.NDCGWeight())
        grads = {a: loss.bind(y, algorithm=a).value_and_grad(s)[1] for a in ("auto", "direct", "fast")}
        assert np.array_equal(grads["auto"], grads[expected])
    assert not np.array_equal(grads["direct"], grads["fast"])


def test_truncated_sums_are_direct_and_agree_with_all_pairs(rng: np.random.Generator) -> None:
    """Beyond the last item a truncation changes nothing."""
    y, s = rng.integers(0, 5, 2000), rng.normal(size=2000)
    grads = [
        rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(truncation=t)).bind(y).value_and_grad(s)[1]
        for t in (None, 2000, 1999)
    ]
    assert np.array_equal(grads[0], grads[1])
    np.testing.assert_allclose(grads[2], grads[1], rtol=1e-9, atol=1e-12)
