"""The near-linear sums over smooth ranks against extended precision, the direct sums and the laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given, settings
from hypothesis import strategies as st

from exact_ranks import LOSSES, Exact, exact, worst_errors
from reference_listwise import Array
from test_fast_sums import BOUND

pytestmark = pytest.mark.usefixtures("isa")

NAMES = tuple(LOSSES)


def computed(
    name: str, y: Any, s: Array, v: Array, t: float, algorithm: str, **options: Any
) -> dict[str, Array]:
    objective = LOSSES[name](t, reduction="sum").bind(y, algorithm=algorithm)
    value, grad = objective.value_and_grad(s, **options)
    also_grad, hess = objective.grad_and_hess(s, **options)
    positive = objective.grad_and_hess(s, curvature="positive", **options)
    assert objective.value(s, **options) == value
    for same in (also_grad, positive[0]):
        np.testing.assert_allclose(same, grad, rtol=0, atol=1e-6 * np.abs(grad).max(initial=0))
    hessp = objective.hessp(s, v, **options)
    return {"value": np.asarray(value), "grad": grad, "hess": hess, "positive": positive[1], "hessp": hessp}


def hold(got: dict[str, Array], want: Exact, s: Array, t: float) -> None:
    errors = worst_errors(got, want, s, t)
    assert max(errors.values()) <= BOUND[s.dtype], errors


def labels_for(name: str, n: int, rng: np.random.Generator) -> Array:
    """Graded, or one relevant item: which of several has the least rank may hang on the last bit."""
    if name == "mrr":
        return (np.arange(n) == rng.integers(n)).astype(np.float64)
    return rng.choice(5, n, p=[0.515, 0.325, 0.134, 0.018, 0.008]).astype(np.float64)


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 1000.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", NAMES)
def test_error_bounds(name: str, dtype: Any, scale: float, rng: np.random.Generator) -> None:
    n, t = 700, 0.7
    y, s = labels_for(name, n, rng), (scale * rng.normal(size=n)).astype(dtype)
    v = rng.normal(1, 1, n).astype(dtype)
    want = exact(name, y, s, v, t)
    for algorithm in ("fast", "direct"):
        hold(computed(name, y, s, v, t, algorithm), want, s, t)


@settings(max_examples=40)
@given(data=st.data())
def test_around_the_crossover_all_algorithms_agree(data: st.DataObject) -> None:
    """Ties, no spread at all, a far item now and then, any temperature."""
    name, dtype = data.draw(st.sampled_from(NAMES)), data.draw(st.sampled_from([np.float32, np.float64]))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    n = data.draw(st.one_of(st.integers(1, 40), st.integers(1, 300)))
    spread, grid = data.draw(st.sampled_from([0.0, 0.1, 2.0, 20.0])), data.draw(st.sampled_from([0, 4, 64]))
    s = rng.normal(size=n) * spread
    s = np.round(s * grid) / grid if grid else s
    s[rng.integers(n)] += data.draw(st.sampled_from([0.0, 50.0, 3000.0, 1e7]))
    s, v = s.astype(dtype), rng.normal(size=n).astype(dtype)
    y, t = labels_for(name, n, rng), data.draw(st.sampled_from([0.1, 1.0, 3.0]))
    if not (2**y - 1).any():
        y[0] = 1
    want = exact(name, y, s, v, t)
    for algorithm in ("auto", "direct", "fast"):
        hold(computed(name, y, s, v, t, algorithm), want, s, t)


@pytest.mark.parametrize("gap", [1.3, 4.0, 20.0, 300.0, 1e5])
@pytest.mark.parametrize("name", NAMES)
def test_items_far_from_all_others_keep_their_digits(name: str, gap: float, rng: np.random.Generator) -> None:
    """Their sums are far smaller than the term that an item would have with itself."""
    s = rng.permutation(
        np.concatenate([gap * np.arange(60), gap * np.arange(60, 70), gap * 70 + np.zeros(3)])
    )
    y, v = labels_for(name, len(s), rng), rng.normal(size=len(s))
    y[0] = 1
    hold(computed(name, y, s, v, 1.0, "fast"), exact(name, y, s, v, 1.0), s, 1.0)


@pytest.mark.parametrize("width", [0.75, 1.25])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scores_on_the_edges_of_bins(dtype: Any, width: float, rng: np.random.Generator) -> None:
    n = 400
    y, s = labels_for("ndcg", n, rng), (rng.integers(-20, 20, n) * width).astype(dtype)
    v = rng.normal(size=n).astype(dtype)
    hold(computed("ndcg", y, s, v, 1.0, "fast"), exact("ndcg", y, s, v, 1.0), s, 1.0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_equal_scores(dtype: Any) -> None:
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
def test_finite_differences(name: str, rng: np.random.Generator) -> None:
    n, step = 300, 1e-3
    y, s, v = labels_for(name, n, rng), rng.normal(size=n), rng.normal(size=n)
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


@pytest.mark.parametrize("name", NAMES)
def test_laws(name: str, rng: np.random.Generator) -> None:
    """Shifting all scores changes nothing; the Hessian is symmetric; masks and order do not matter."""
    n, t = 5000, 0.5
    y, s = labels_for(name, n, rng), rng.normal(size=n)
    objective = LOSSES[name](t, reduction="sum").bind(y, algorithm="fast")
    value, grad = objective.value_and_grad(s)
    assert abs(grad.sum()) <= 1e-12 * np.abs(grad).sum()
    assert objective.value(s + 1000.0) == pytest.approx(value, rel=1e-9)
    u, v = rng.normal(size=(2, n))
    assert u @ objective.hessp(s, v) == pytest.approx(v @ objective.hessp(s, u), rel=1e-7)
    order = rng.permutation(n)
    shuffled = LOSSES[name](t, reduction="sum").bind(y[order], algorithm="fast").value_and_grad(s[order])
    assert shuffled[0] == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(shuffled[1], grad[order], rtol=0, atol=1e-12 * np.abs(grad).max())
    wide, mask = np.full(2 * n, np.nan), np.zeros(2 * n, bool)
    wide[::2], mask[::2] = s, True
    masked = LOSSES[name](t, reduction="sum").bind(
        {"labels": np.repeat(y, 2), "mask": mask}, algorithm="fast"
    )
    assert masked.value_and_grad(wide)[0] == value
    assert np.array_equal(masked.value_and_grad(wide)[1][::2], grad)


@pytest.mark.parametrize("kind", ["normal", "wide", "outlier"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_one_to_eight_threads_give_the_same_bits(dtype: Any, kind: str, rng: np.random.Generator) -> None:
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
