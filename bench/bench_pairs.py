"""What the pairwise losses cost, on one thread, against NumPy and against LightGBM's own gradient.

    python bench/report.py                                    all of it, as a table and a picture
    python -m pytest -o addopts= bench/bench_pairs.py -k hinge

`extra_info` says what each benchmark computed; report.py makes pairs per second of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from peers import LISTS_OF_GRADES, lambdarank_booster, numpy_value_and_grad, squared_error_booster

LOSSES = {
    "hinge": rg.PairwiseHingeLoss,
    "squared_hinge": rg.PairwiseSquaredHingeLoss,
    "logistic": rg.PairwiseLogisticLoss,
    "soft_zero_one": rg.PairwiseSoftZeroOneLoss,
    "exponential": rg.PairwiseExponentialLoss,
    "quantile": rg.PairwiseQuantileLoss,
}
DTYPES = ("float32", "float64")


def two_levels(length: int, total_pairs: int, dtype: str) -> tuple[Any, Any, Any]:
    """Labels, scores and sizes of equal lists, half of each relevant."""
    n_lists = max(1, total_pairs // (length // 2) ** 2)
    labels = np.tile(np.arange(length) % 2, n_lists)
    scores = np.random.default_rng(0).normal(size=labels.size).astype(dtype)
    return labels, scores, np.full(n_lists, length)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_direct_sum(benchmark: Any, loss: str, dtype: str, isa: str, length: int, total_pairs: int) -> None:
    """Value and gradient of a bound objective, pair by pair."""
    labels, scores, groups = two_levels(length, total_pairs, dtype)
    objective = LOSSES[loss](reduction="sum").bind(labels, groups=groups, algorithm="direct")
    pairs = float(objective.pairs_per_list.sum())
    benchmark.extra_info.update(kind="direct", loss=loss, dtype=dtype, isa=isa, length=length, pairs=pairs)
    out = np.empty_like(scores)
    value, _ = benchmark(lambda: objective.value_and_grad(scores, out=out))
    assert np.isfinite(value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["hinge", "logistic"])
def test_numpy(benchmark: Any, loss: str, dtype: str, length: int, total_pairs: int) -> None:
    """The same in NumPy, n x n per list."""
    labels, scores, groups = two_levels(length, max(total_pairs // 20, length**2), dtype)
    pairs = float(groups.size * (length // 2) * ((length + 1) // 2))
    benchmark.extra_info.update(kind="numpy", loss=loss, dtype=dtype, isa="NumPy", length=length, pairs=pairs)
    value, grad = benchmark(lambda: numpy_value_and_grad(loss, labels, scores, groups))
    want = LOSSES[loss](reduction="sum").value_and_grad(labels, scores, groups=groups)
    np.testing.assert_allclose(value, want[0], rtol=1e-4)
    np.testing.assert_allclose(grad, want[1], rtol=1e-3, atol=1e-3 * length)


@pytest.mark.parametrize("dtype", DTYPES)
def test_grades(benchmark: Any, dtype: str, isa: str) -> None:
    """Gradient and Hessian for boosting, of 2,000 ragged lists of about 100 items with labels 0 to 4."""
    labels, scores, groups = LISTS_OF_GRADES
    objective = rg.PairwiseLogisticLoss(reduction="sum").bind(labels, groups=groups, algorithm="direct")
    pairs = float(objective.pairs_per_list.sum())
    benchmark.extra_info.update(kind="grades", method=f"rankgrad logistic, {dtype}, {isa}", pairs=pairs)
    scores = scores.astype(dtype)
    out = np.empty_like(scores), np.empty_like(scores)
    _, hess = benchmark(lambda: objective.grad_and_hess(scores, out=out, curvature="positive"))
    assert (hess >= 0).all()


@pytest.mark.parametrize("truncation", [30, 1000], ids=["default", "untruncated"])
def test_lightgbm_lambdarank(benchmark: Any, truncation: int) -> None:
    """One boosting round of a stump on one feature; its time less test_lightgbm_squared_error's is the gradient."""
    booster = lambdarank_booster(truncation)
    what = "all pairs" if truncation > LISTS_OF_GRADES[2].max() else "default, truncated at 30"
    benchmark.extra_info.update(kind="round", method=f"LightGBM lambdarank, {what}")
    assert benchmark.pedantic(booster.update, rounds=25, warmup_rounds=2) is False


def test_lightgbm_squared_error(benchmark: Any) -> None:
    """The same round with a gradient that costs next to nothing."""
    booster = squared_error_booster()
    benchmark.extra_info.update(kind="base", method="LightGBM squared error")
    assert benchmark.pedantic(booster.update, rounds=25, warmup_rounds=2) is False


def test_call_of_a_bound_objective(benchmark: Any) -> None:
    """value_and_grad on one list of 8 items: the cost of the call itself."""
    rng = np.random.default_rng(0)
    objective = rg.PairwiseLogisticLoss().bind(rng.integers(0, 3, 8))
    scores = rng.normal(size=8)
    benchmark.extra_info.update(kind="call", method="bound objective, 8 items, value_and_grad")
    value, _ = benchmark(lambda: objective.value_and_grad(scores))
    assert value > 0


def test_one_off_call(benchmark: Any) -> None:
    """loss(y_true, y_pred) on 5 items, labels bound anew."""
    loss = rg.PairwiseHingeLoss()
    labels, scores = np.array([1.0, 0.0, 1.0, 3.0, 2.0]), np.array([1.0, 3.0, 2.0, 4.0, 0.8])
    benchmark.extra_info.update(kind="call", method="one-off loss(y_true, y_pred), 5 items")
    assert benchmark(lambda: loss(labels, scores)) == pytest.approx(2.32)
