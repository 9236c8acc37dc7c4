"""No memory: MemoryError, nothing lost, and the next call is right. No threads: the same result with fewer."""

from __future__ import annotations

import ctypes
import itertools
import os
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from children import fresh, run_child

SOURCE = Path(__file__).with_name("failing_new.cpp")


def allocations_failed(library: str, every: int) -> dict[str, int]:
    """Fails each allocation of the core in turn (every `every`-th of long calls), for every call of the package."""
    from every_call import every_call, hash_of

    control = ctypes.CDLL(library)
    counts = {"failed": 0, "MemoryError": 0, "right": 0, "lost": 0}
    for name, call in every_call(2):
        expected = hash_of(call())
        hash_of(call())
        k = 1
        while True:
            before, failures = control.blocks_alive(), control.failures_so_far()
            control.fail_at(k)
            try:
                right = hash_of(call()) == expected
                counts["right"] += right
                assert right, f"{name}: wrong results after allocation {k} failed"
            except MemoryError:
                counts["MemoryError"] += 1
            finally:
                control.fail_at(0)
            if control.failures_so_far() == failures:
                counts["right"] -= 1  # nothing failed: the call has fewer allocations
                break
            counts["failed"] += 1
            assert hash_of(call()) == expected, (
                f"{name}: wrong results in the call after allocation {k} failed"
            )
            counts["lost"] += max(0, control.blocks_alive() - before)
            k += every
    return counts


def first_calls_failed(library: str) -> dict[str, int]:
    """Fails each allocation of the first call of a bound objective, whose memory the next call then has again."""
    from every_call import ragged

    control, data = ctypes.CDLL(library), ragged(np.float64)
    counts = {"failed": 0, "MemoryError": 0}
    for loss in (rg.PairwiseLogisticLoss(reduction="sum"), rg.ListMLELoss(reduction="sum")):
        expected = loss(data["labels"], data["scores"], groups=data["groups"])
        for k in itertools.count(1):
            bound = loss.bind(data["labels"], groups=data["groups"])
            before = control.failures_so_far()
            control.fail_at(k)
            try:
                assert bound.value(data["scores"]) == expected
            except MemoryError:
                counts["MemoryError"] += 1
            finally:
                control.fail_at(0)
            if control.failures_so_far() == before:
                break
            counts["failed"] += 1
            assert bound.value(data["scores"]) == expected
    return counts


def results_of_many_lists(n_threads: int) -> str:
    """Hash of what has more tasks than threads, so that every one of the threads is wanted."""
    from every_call import hash_of, loss_results, ragged

    data = ragged(np.float32, lengths=(60,) * 3000)
    return hash_of(
        [
            loss_results(loss(reduction="sum"), data, n_threads)
            for loss in (rg.PairwiseLogisticLoss, rg.SoftmaxLoss)
        ]
    )


def threads_started(n_threads: int) -> int:
    results_of_many_lists(n_threads)
    return len(os.listdir("/proc/self/task"))


def threads_refused(n_threads: int) -> list[str]:
    """The results with threads, and with an address space in which no more than a few can be started."""
    import resource

    expected = results_of_many_lists(1)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGESIZE") + 200 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return [expected, results_of_many_lists(n_threads), results_of_many_lists(2)]


def too_large() -> list[str]:
    """Arrays for which there is no memory."""
    import resource

    labels, scores = np.zeros(10_000_000), np.zeros(10_000_000)
    limit = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE") + 40 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    said = []
    for loss in (rg.PairwiseLogisticLoss(), rg.SoftmaxLoss(), rg.ListMLELoss()):
        try:
            loss.value_and_grad(labels, scores)
        except MemoryError:
            said.append("MemoryError")
    said.append(str(rg.PairwiseHingeLoss(reduction="sum")([1, 0, 2], [0.5, 1.0, 2.0])))
    return said


def kept_by_binding(n: int, labels: str, weighted: bool) -> list[float]:
    """Bytes per item of Python's arrays that stay when bound, and that a one-off call leaves."""
    rng = np.random.default_rng(0)
    kinds = {
        "levels": rng.integers(0, 5, n),
        "float levels": rng.integers(0, 5, n) / 1.0,
        "time stamps": rng.integers(0, 2**60, n),
        "float64": rng.random(n),
    }
    y, w, x = kinds[labels], rng.random(n) if weighted else None, rng.random(n)
    loss = rg.PairwiseHingeLoss(reduction="sum")
    loss(y, x, w)
    tracemalloc.start()
    bound = loss.bind(y, w)
    kept = tracemalloc.get_traced_memory()[0] / n
    assert bound.value(x) == loss(y, x, w)
    return [kept, tracemalloc.get_traced_memory()[0] / n]


@pytest.fixture(scope="module")
def failing_new(tmp_path_factory: pytest.TempPathFactory) -> str:
    compiler = shutil.which("g++")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs g++ and the Linux loader")
    library = tmp_path_factory.mktemp("new") / "failing_new.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return str(library)


def test_every_allocation_may_fail(failing_new: str, long: bool, figure: Callable[[str, str], None]) -> None:
    counts: dict[str, Any] = fresh(
        allocations_failed, failing_new, 1 if long else 23, env={"LD_PRELOAD": failing_new}, seconds=3000
    )
    figure(
        "memory",
        f"{counts['failed']} failed allocations: {counts['MemoryError']} MemoryError, {counts['right']}"
        f" right all the same, {counts['lost']} blocks lost",
    )
    assert counts["failed"] >= 50
    assert counts["failed"] == counts["MemoryError"] + counts["right"]
    assert counts["lost"] == 0


def test_every_allocation_of_a_first_call_may_fail(failing_new: str) -> None:
    counts = fresh(first_calls_failed, failing_new, env={"LD_PRELOAD": failing_new})
    assert counts["failed"] >= 10
    assert counts["MemoryError"] == counts["failed"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space")
@pytest.mark.parametrize("n_threads", [64, 1000])
def test_refused_threads(n_threads: int, figure: Callable[[str, str], None]) -> None:
    assert fresh(threads_started, 64) >= 60, "the test does not ask for threads"
    ended = run_child(threads_refused, n_threads)
    figure("memory", f"{n_threads} threads refused: {ended.how}")
    assert ended.how == "ok", ended.output[-2000:]
    assert len(set(ended.answer)) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the address space")
def test_too_large_for_the_memory() -> None:
    assert fresh(too_large) == ["MemoryError"] * 3 + ["1.5"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("labels", "size"), [("levels", 1), ("float levels", 1), ("time stamps", 8), ("float64", 8)]
)
def test_what_binding_keeps(
    labels: str, size: int, weighted: bool, figure: Callable[[str, str], None]
) -> None:
    """Beside the core, which has the weights: labels for pickles, in the smallest type that holds them."""
    kept, after_call = fresh(kept_by_binding, 100_000, labels, weighted)
    figure(
        "memory", f"{labels}{', weights' * weighted}: bind keeps {kept:.1f} bytes per item beside the core"
    )
    assert kept == pytest.approx(size, abs=0.2)
    assert after_call == pytest.approx(kept, abs=0.2)
