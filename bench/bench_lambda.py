"""What the delta-NDCG weights cost, on one thread, against LightGBM's lambdarank and XGBoost's rank:ndcg.

    python bench/bench_lambda.py          a table: milliseconds of gradient and Hessian, and times faster
    python -m pytest -o addopts= bench/bench_lambda.py

The two libraries' gradient is the time of a boosting round with a stump on one feature, less that of the same
round with squared error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from peers import (
    LISTS_OF_GRADES,
    Data,
    lambdarank_booster,
    long_list_of_grades,
    squared_error_booster,
    xgboost_round,
)

DATA = {"2,000 lists of about 100": LISTS_OF_GRADES, "1 list of 10,000": long_list_of_grades()}
WEIGHTS = {
    "no weight": None,
    "label difference": rg.LabelDifferenceWeight(),
    "delta NDCG": rg.NDCGWeight(),
    "delta NDCG, truncated at 30": rg.NDCGWeight(truncation=30),
}
LOSSES = {"logistic": rg.PairwiseLogisticLoss, "hinge": rg.PairwiseHingeLoss}
ALL_PAIRS = 10_000


def gradient_of(loss: Any, data: Data, dtype: str) -> Callable[[], Any]:
    """A call of the bound objective that writes into buffers."""
    labels, scores, groups = data
    x = scores.astype(dtype)
    objective = loss.bind(labels, groups=groups)
    out = np.empty_like(x), np.empty_like(x)
    return lambda: objective.grad_and_hess(x, out=out, curvature="positive", n_threads=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("data", DATA)
def test_rankgrad(benchmark: Any, data: str, loss: str, weight: str, dtype: str) -> None:
    benchmark.extra_info.update(kind="lambda", data=data, method=f"{loss}, {weight}, {dtype}")
    call = gradient_of(LOSSES[loss](reduction="sum", lambda_weight=WEIGHTS[weight]), DATA[data], dtype)
    assert (benchmark(call)[1] >= 0).all()


@pytest.mark.parametrize("truncation", [30, ALL_PAIRS])
@pytest.mark.parametrize("data", DATA)
def test_lightgbm(benchmark: Any, data: str, truncation: int) -> None:
    booster = lambdarank_booster(truncation, DATA[data])
    benchmark.extra_info.update(kind="lambda round", data=data, method=f"LightGBM, truncated at {truncation}")
    assert benchmark.pedantic(booster.update, rounds=10, warmup_rounds=2) is False


def least_seconds(call: Callable[[], Any], at_most: float = 4.0) -> float:
    """The shortest of the runs that fit in some seconds, at least five."""
    times: list[float] = []
    end = time.perf_counter() + at_most
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 300):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def peers(data: Data) -> dict[str, float]:
    """Seconds of the other libraries' gradients."""
    base = least_seconds(squared_error_booster(data).update)
    found = {
        f"LightGBM lambdarank, {name}": least_seconds(lambdarank_booster(truncation, data).update) - base
        for name, truncation in (("all pairs", ALL_PAIRS), ("truncated at 30", 30))
    }
    try:
        base = least_seconds(xgboost_round("reg:squarederror", data))
        found["XGBoost rank:ndcg, all pairs"] = least_seconds(xgboost_round("rank:ndcg", data)) - base
    except ImportError:
        print("xgboost is not installed")
    return found


def main() -> None:
    for name, data in DATA.items():
        print(f"\n{name}, gradient and Hessian, one thread, milliseconds")
        others = peers(data)
        for peer, seconds in others.items():
            print(f"  {peer:50s} {seconds * 1e3:9.2f}")
        for loss, make in LOSSES.items():
            for weight, record in WEIGHTS.items():
                for dtype in ("float32", "float64"):
                    call = gradient_of(make(reduction="sum", lambda_weight=record), data, dtype)
                    seconds = least_seconds(call)
                    times = ", ".join(f"{other / seconds:.1f}x" for other in others.values())
                    print(f"  {loss}, {weight + ', ' + dtype:40s} {seconds * 1e3:9.3f}   {times}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
