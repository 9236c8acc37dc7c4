"""Value and gradient by rankgrad and by every peer, on one thread, under pytest-benchmark.

    python -m pytest -o addopts= bench/bench_peers.py -k "logistic and (Rax or rankgrad)"

report/ measures the same works with each peer in a process of its own, and memory too; here they share one.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from bench.timing import ONE_THREAD

os.environ.update(ONE_THREAD)  # before torch and jax start

from bench.peers import PEERS
from bench.report.plan import works
from bench.workloads import Work, rankgrad_step

pytestmark = pytest.mark.filterwarnings("ignore")  # the peers' own


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every work with rankgrad and with each peer that has its loss; lists that no peer can take are left out."""
    asked = [work for work in works(metafunc.config.getoption("quick")) if work.length <= 1000]
    cases = [
        pytest.param(name, work, id=f"{name}: {work}")
        for work in asked
        for name, peer in PEERS.items()
        if name == "rankgrad" or work.loss in peer.losses
    ]
    metafunc.parametrize(("name", "work"), cases)


def test_value_and_grad(benchmark: Any, name: str, work: Work) -> None:
    benchmark.group = str(work)
    if name == "rankgrad":
        benchmark(rankgrad_step(work))
        return
    peer = PEERS[name]()
    try:
        peer.start()
    except ImportError as error:
        pytest.skip(f"{error}: pip install {peer.packages}")
    step = peer.prepare(work)
    peer.check(work, step())
    benchmark(step)
