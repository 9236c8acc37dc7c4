"""What the direct sums over pairs cost at every instruction set, and a call itself, on one thread.

    python -m pytest -o addopts= bench/bench_pairs.py -k hinge

bench_peers.py has the comparison with other libraries, report/ the whole report.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from bench.workloads import Work, data

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
    benchmark.extra_info["pairs"] = float(objective.pairs_per_list.sum())
    out = np.empty_like(scores)
    value, _ = benchmark(lambda: objective.value_and_grad(scores, out=out))
    assert np.isfinite(value)


@pytest.mark.parametrize("dtype", DTYPES)
def test_ragged_lists(benchmark: Any, dtype: str, isa: str) -> None:
    """Gradient and Hessian for boosting, of 2,000 ragged lists of about 100 items with labels 0 to 4."""
    given = data(Work("logistic", 2000, 100, "ragged", dtype))
    loss, scores = rg.PairwiseLogisticLoss(reduction="sum"), given.scores[0]
    objective = loss.bind(given.labels, groups=given.groups, algorithm="direct")
    out = np.empty_like(scores), np.empty_like(scores)
    _, hess = benchmark(lambda: objective.grad_and_hess(scores, out=out, curvature="positive"))
    assert (hess >= 0).all()


def test_call_of_a_bound_objective(benchmark: Any) -> None:
    """value_and_grad on one list of 8 items: the cost of the call itself."""
    rng = np.random.default_rng(0)
    objective = rg.PairwiseLogisticLoss().bind(rng.integers(0, 3, 8))
    scores = rng.normal(size=8)
    value, _ = benchmark(lambda: objective.value_and_grad(scores))
    assert value > 0


def test_one_off_call(benchmark: Any) -> None:
    """loss(y_true, y_pred) on 5 items, labels bound anew."""
    loss = rg.PairwiseHingeLoss()
    labels, scores = np.array([1.0, 0.0, 1.0, 3.0, 2.0]), np.array([1.0, 3.0, 2.0, 4.0, 0.8])
    assert benchmark(lambda: loss(labels, scores)) == pytest.approx(2.32)
