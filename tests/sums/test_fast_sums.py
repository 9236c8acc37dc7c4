"""The near-linear sums of the logistic family against extended precision, the direct sums and the laws."""

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

pytestmark = pytest.mark.usefixtures("isa")

SMOOTH = ("logistic", "soft_zero_one")

#: Relative to the absolute terms. float64: 16 nodes. float32: 8 nodes in double, and one rounding of the result.
BOUND = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-7}
DIRECT_BOUND = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}


def labels_of(kind: str, n: int, rng: np.random.Generator) -> Array:
    if kind == "two":
        return (rng.random(n) < 0.2).astype(np.float64)
    if kind == "five":
        return rng.choice(5, n, p=[0.515, 0.325, 0.134, 0.018, 0.008]).astype(np.float64)
    if kind == "one positive":
        return (np.arange(n) == n // 3).astype(np.float64)
    if kind == "one negative":
        return (np.arange(n) != n // 3).astype(np.float64)
    if kind == "distinct":
        return rng.permutation(n).astype(np.float64)
    assert kind == "uneven", kind  # runs of small levels between large ones
    return np.where(rng.random(n) < 0.5, rng.integers(0, 4, n) * 50.0, rng.integers(0, 200, n))


def computed(name: str, y: Array, s: Array, w: Array, v: Array, t: float, algorithm: str) -> tuple[Any, ...]:
    """Unreduced values, gradient (twice), Hessians, Hessian times v; `w` may be negative and is given as cotangent."""
    objective = LOSSES[name](t, reduction="none").bind(y, algorithm=algorithm)
    values, grad = objective.value_and_grad(s, cotangent=w)
    same_grad, hess = objective.grad_and_hess(s, cotangent=w)
    positive = objective.grad_and_hess(s, cotangent=w, curvature="positive")[1]
    assert np.array_equal(objective.value(s), values)
    return values * w, grad, same_grad, hess, positive, objective.hessp(s, v, cotangent=w)


def hold(
    actual: tuple[Any, ...], expected: ListSums, items: Array, scores: Array, t: float, rtol: float
) -> None:
    """Each result within rtol of its terms, and what the rounding of score / t to double may do to the margins."""
    margin_error = 2 * np.finfo(np.float64).eps * np.abs(scores).max(initial=0.0) / t
    tiny = np.finfo(scores.dtype).tiny
    values, grad, hess, positive, hessp = expected
    wanted = (values, grad, grad, hess, positive, hessp)
    for what, got, want in zip(
        ("value", "grad", "grad", "hess", "positive", "hessp"), actual, wanted, strict=True
    ):
        wrong = np.abs(got[items] - want.total) > rtol * want.terms + margin_error * want.drift + tiny
        assert not wrong.any(), (
            f"{what} of item {items[wrong][0]}: {got[items][wrong][0]}, not {want.total[wrong][0]}"
        )


@pytest.mark.parametrize("kind", ["two", "five", "one positive", "one negative", "distinct", "uneven"])
@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 1000.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SMOOTH)
def test_error_bounds(name: str, dtype: Any, scale: float, kind: str, rng: np.random.Generator) -> None:
    n, t = 1500, 0.7
    y, s = labels_of(kind, n, rng), (scale * rng.normal(size=n)).astype(dtype)
    w, v = rng.random(n) * 2, rng.normal(1, 1, n).astype(dtype)
    items = np.unique(np.concatenate([rng.integers(0, n, 25), [n // 3, int(s.argmin()), int(s.argmax())]]))
    expected = exact_sums(name, y, s, w, items, temperature=t, vector=v)
    hold(computed(name, y, s, w, v, t, "fast"), expected, items, s, t, BOUND[s.dtype])
    hold(computed(name, y, s, w, v, t, "direct"), expected, items, s, t, DIRECT_BOUND[s.dtype])


@pytest.mark.parametrize("kind", ["two", "one positive", "distinct"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_error_bounds_of_a_long_list(dtype: Any, kind: str, rng: np.random.Generator) -> None:
    n = 10_000 if kind == "one positive" else 60_000
    y, s = labels_of(kind, n, rng), rng.normal(size=n).astype(dtype)
    w, v = rng.random(n), rng.normal(size=n).astype(dtype)
    items = np.unique(np.concatenate([rng.integers(0, n, 10), [n // 3]]))
    expected = exact_sums("logistic", y, s, w, items, vector=v)
    hold(computed("logistic", y, s, w, v, 1.0, "fast"), expected, items, s, 1.0, BOUND[s.dtype])


@given(data=st.data())
def test_around_the_crossover_all_algorithms_agree(data: st.DataObject) -> None:
    """Any mixture of ties in labels and scores, weights of both signs and zero, a far item now and then."""
    name, dtype = (
        data.draw(st.sampled_from(SMOOTH)),
        np.dtype(data.draw(st.sampled_from(["float32", "float64"]))),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    n, levels = data.draw(st.integers(1, 400)), data.draw(st.integers(1, 500))
    spread, grid = data.draw(st.sampled_from([0.0, 0.1, 2.0, 20.0])), data.draw(st.sampled_from([0, 4, 64]))
    far = data.draw(st.sampled_from([0.0, 50.0, 3000.0, 1e7]))
    s = rng.normal(size=n) * spread
    s = np.round(s * grid) / grid if grid else s
    s[rng.integers(n)] += far
    s, y = s.astype(dtype), rng.integers(0, levels, n)
    w, v = rng.choice([-1.0, 0.0, 0.5, 2.0], n), rng.normal(size=n).astype(dtype)
    t, items = data.draw(st.sampled_from([0.5, 1.0])), np.arange(n)
    expected = exact_sums(name, y, s, w, items, temperature=t, vector=v)
    for algorithm in ("auto", "direct", "fast"):
        bound = (DIRECT_BOUND if algorithm != "fast" or far > 3000 else BOUND)[dtype]
        hold(computed(name, y, s, w, v, t, algorithm), expected, items, s, t, bound)


@pytest.mark.parametrize("width", [0.75, 1.25])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scores_on_the_edges_of_bins(dtype: Any, width: float, rng: np.random.Generator) -> None:
    y, s = rng.integers(0, 3, 600), (rng.integers(-20, 20, 600) * width).astype(dtype)
    w, v, items = np.ones(600), rng.normal(size=600).astype(dtype), np.arange(0, 600, 7)
    expected = exact_sums("logistic", y, s, w, items, vector=v)
    hold(computed("logistic", y, s, w, v, 1.0, "fast"), expected, items, s, 1.0, BOUND[s.dtype])


@pytest.mark.parametrize("name", SMOOTH)
def test_equal_scores(name: str, rng: np.random.Generator) -> None:
    """One bin of no width: phi(0), phi'(0) and phi''(0) times numbers of pairs."""
    y = rng.integers(0, 4, 1000)
    lower, upper = (y[:, None] > y).sum(1), (y[:, None] < y).sum(1)
    objective = LOSSES[name](reduction="none").bind(y, algorithm="fast")
    values, grad = objective.value_and_grad(np.full(1000, 7.5))
    value, slope = (np.log(2.0), -0.5) if name == "logistic" else (0.5, -0.25)
    np.testing.assert_allclose(values, value * lower, rtol=1e-14)
    np.testing.assert_allclose(grad, slope * (lower - upper), atol=1e-11)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("kind", ["five", "distinct"])
def test_laws(name: str, kind: str, rng: np.random.Generator) -> None:
    """Shifting all scores changes nothing: gradients add to zero, the Hessian takes a constant vector to zero."""
    n = 4000
    y, s = labels_of(kind, n, rng), rng.normal(size=n)
    objective = LOSSES[name](reduction="sum").bind(y, algorithm="fast")
    value, grad = objective.value_and_grad(s)
    assert abs(grad.sum()) <= 1e-12 * np.abs(grad).sum()
    assert np.abs(objective.hessp(s, np.full(n, 3.0))).max() <= 1e-12 * objective.grad_and_hess(s)[1].max()
    assert objective.value(s + 1000.0) == pytest.approx(value, rel=1e-11)
    u, v = rng.normal(size=(2, n))
    assert u @ objective.hessp(s, v) == pytest.approx(v @ objective.hessp(s, u), rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_same_bits_for_any_number_of_threads(dtype: Any, rng: np.random.Generator) -> None:
    sizes = [3, 5000, 0, 400, 1, 90, 2500, 700]
    n = sum(sizes)
    y, s = rng.integers(0, 40, n), (3 * rng.normal(size=n)).astype(dtype)
    objective = rg.PairwiseLogisticLoss(reduction="sum").bind(y, rng.random(n), groups=sizes)
    value, grad = objective.value_and_grad(s, n_threads=1)
    for n_threads in range(2, 9):
        again, same = objective.value_and_grad(s, n_threads=n_threads)
        assert again == value
        assert np.array_equal(same, grad)


@pytest.mark.parametrize(
    ("loss", "derivative"),
    [
        (rg.PairwiseLogisticLoss(), lambda objective, s: objective.value_and_grad(s)[1]),
        (rg.ApproxNDCGLoss(), lambda objective, s: objective.grad_and_hess(s)[1]),
    ],
    ids=["pairs", "ranks"],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_engine_takes_direct_sums_for_short_lists_and_fast_ones_for_long_lists(
    dtype: Any, loss: Any, derivative: Any, rng: np.random.Generator
) -> None:
    for n, expected in ((20, "direct"), (3000, "fast")):
        y, s = rng.integers(0, 5, n), rng.normal(size=n).astype(dtype)
        by = {a: derivative(loss.bind(y, algorithm=a), s) for a in ("auto", "direct", "fast")}
        assert np.array_equal(by["auto"], by[expected])
    assert not np.array_equal(by["direct"], by["fast"])


@pytest.mark.parametrize("loss", [rg.PairwiseLogisticLoss(), rg.ApproxMRRLoss()], ids=["pairs", "ranks"])
def test_unknown_algorithms_are_refused(loss: Any) -> None:
    with pytest.raises(ValueError, match="algorithm"):
        loss.bind([0, 1], algorithm="quick")
