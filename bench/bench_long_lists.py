"""Long lists: nanoseconds per item of value and gradient by length, label levels, type and threads; memory per item.

    python -m pytest -o addopts= bench/bench_long_lists.py --benchmark-columns=min
    python -m pytest -o addopts= bench/bench_long_lists.py -k "logistic and float32 and 1000000"
    python -m pytest -o addopts= bench/bench_long_lists.py -k memory -s

`extra_info` says what each benchmark computed; `ns_per_item` is that of its shortest round.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad.datasets import LABEL_SHARES

LOSSES = {
    "hinge": rg.PairwiseHingeLoss,
    "logistic": rg.PairwiseLogisticLoss,
    "approx_ndcg": rg.ApproxNDCGLoss,
}
LENGTHS = (10_000, 20_000, 100_000, 200_000, 500_000, 1_000_000)
LEVELS = ("2", "5", "distinct")
THREADS = [1] + [2] * ((os.cpu_count() or 1) > 1)


def labels_of(levels: str, n: int, rng: np.random.Generator) -> Any:
    """A fifth relevant, or the shares of the grades of MSLR-WEB30K, or no two alike."""
    if levels == "2":
        return (rng.random(n) < 0.2).astype(np.int64)
    if levels == "5":
        return rng.choice(5, n, p=LABEL_SHARES)
    return rng.permutation(n)


def skip_without_gains(loss: str, levels: str) -> None:
    if loss == "approx_ndcg" and levels == "distinct":
        pytest.skip("the gain 2^label - 1 of a label above 1,000 is no float64")


@pytest.mark.parametrize("n_items", LENGTHS)
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_long_list(benchmark: Any, loss: str, dtype: str, threads: int, levels: str, n_items: int) -> None:
    """Value and gradient of a bound objective on one list."""
    skip_without_gains(loss, levels)
    rng = np.random.default_rng(0)
    labels = labels_of(levels, n_items, rng)
    scores = (rng.normal(size=n_items) + 0.3 * labels / labels.max()).astype(dtype)
    objective = LOSSES[loss](reduction="sum").bind(labels)
    out = np.empty_like(scores)
    value, _ = benchmark(lambda: objective.value_and_grad(scores, out=out, n_threads=threads))
    benchmark.extra_info.update(
        kind="long", loss=loss, dtype=dtype, levels=levels, length=n_items, threads=threads
    )
    if benchmark.stats:
        benchmark.extra_info["ns_per_item"] = benchmark.stats["min"] / n_items * 1e9
    assert value != 0


MEMORY = """
import resource, sys, numpy as np, rankgrad as rg
from bench_long_lists import LOSSES, labels_of
loss, dtype, levels, n = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
rng = np.random.default_rng(0)
scores, labels = rng.normal(size=n).astype(dtype), labels_of(levels, n, rng)
objective = LOSSES[loss](reduction="sum").bind(labels)
out = np.zeros_like(scores)
LOSSES[loss]().bind([0, 1]).value_and_grad([0.0, 1.0])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
objective.value_and_grad(scores, out=out)
print((peak() - before) / n)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no resource.getrusage")
@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_memory(benchmark: Any, loss: str, dtype: str, levels: str) -> None:
    """Bytes per item that the first call takes beyond inputs, results and what bind keeps."""
    skip_without_gains(loss, levels)
    command = [sys.executable, "-c", MEMORY, loss, dtype, levels, str(LENGTHS[-1])]
    done = benchmark.pedantic(
        lambda: subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=os.path.dirname(__file__)
        ),
        rounds=1,
    )
    per_item = float(done.stdout)
    print(f"{loss}, {dtype}, {levels} levels: {per_item:.0f} bytes per item")
    benchmark.extra_info.update(kind="long memory", loss=loss, dtype=dtype, levels=levels)
    benchmark.extra_info.update(length=LENGTHS[-1], bytes_per_item=per_item)
    assert per_item < 100
