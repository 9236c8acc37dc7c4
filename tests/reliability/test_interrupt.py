"""Ctrl-C in a long kernel: KeyboardInterrupt soon, the next call works, and asking for signals costs nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from children import fresh

#: The promise, in milliseconds, to programs that have a processor of their own.
SOONEST = 100.0


def crowd() -> float:
    """Programs that want to run for each processor; at least 1. Everything takes so much longer."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def long_kernels() -> dict[str, Callable[[], Any]]:
    """Kernels of several seconds on every path: pair by pair, ranks, many lists, and without labels."""
    import rankgrad as rg

    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 5, 300_000).astype(np.float64), rng.normal(size=300_000)
    direct = rg.PairwiseLogisticLoss(reduction="sum").bind(labels, algorithm="direct")
    smooth = rg.ApproxNDCGLoss().bind(labels[:200_000], algorithm="direct")
    many = rg.PairwiseSoftZeroOneLoss(reduction="sum").bind(labels, groups=[3000] * 100, algorithm="direct")
    return {
        "pairs": lambda: direct.value_and_grad(scores, n_threads=2),
        "ranks": lambda: smooth.value_and_grad(scores[:200_000], n_threads=2),
        "many lists": lambda: [many.grad_and_hess(scores, n_threads=2) for _ in range(100)],
    }


def interrupts(repeats: int, busy: bool) -> list[float]:
    """Milliseconds from the signal to KeyboardInterrupt; the call after it gives the right numbers."""
    import rankgrad as rg

    from every_call import hash_of, loss_results, ragged

    loss, data = rg.PairwiseHingeLoss(reduction="sum"), ragged(np.float64)
    expected = hash_of(loss_results(loss, data))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
    kernels = list(long_kernels().values())
    stop = threading.Event()

    def compute_in_python() -> None:
        while not stop.is_set():
            sum(range(10_000))

    other = threading.Thread(target=compute_in_python)
    if busy:
        other.start()
    sent = [0.0]

    def send(delay: float) -> None:
        time.sleep(delay)
        sent[0] = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    waited = []
    for k in range(repeats):
        sender = threading.Thread(target=send, args=(0.06 + 0.013 * (k % 7),))
        sender.start()
        try:
            kernels[k % len(kernels)]()
        except KeyboardInterrupt:
            waited.append((time.perf_counter() - sent[0]) * 1e3)
        sender.join()
        assert len(waited) == k + 1, "the kernel ended before the signal"
        assert hash_of(loss_results(loss, data)) == expected
    stop.set()
    return waited


def handler_that_computes() -> list[str]:
    """A signal handler that calls the library from inside of a kernel, and lets the kernel go on."""
    import rankgrad as rg

    from every_call import hash_of, loss_results, ragged

    loss, data = rg.PairwiseLogisticLoss(reduction="sum"), ragged(np.float64)
    hashes = [hash_of(loss_results(loss, data, 2))]

    def compute(*_: Any) -> None:
        hashes.append(hash_of(loss_results(loss, data, 2)))
        if len(hashes) < 4:
            signal.setitimer(signal.ITIMER_REAL, 0.02)

    signal.signal(signal.SIGALRM, compute)
    labels, scores = np.arange(60_000.0) % 7, np.sin(np.arange(60_000.0))
    bound = loss.bind(labels, algorithm="direct")
    want = bound.value(scores, n_threads=2)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    assert bound.value(scores, n_threads=2) == want
    signal.setitimer(signal.ITIMER_REAL, 0)
    return hashes


def cost_of_asking() -> dict[str, float]:
    """Seconds of a kernel of about 0.1 s in the main thread, which asks, and in another, which need not."""
    import rankgrad as rg

    labels, scores = np.arange(12_000.0) % 7, np.sin(np.arange(12_000.0))
    bound = rg.PairwiseLogisticLoss(reduction="sum").bind(labels, algorithm="direct")
    times: dict[str, list[float]] = {"main": [], "other": []}

    def measure(where: str) -> None:
        start = time.thread_time()
        bound.value_and_grad(scores, n_threads=1)
        times[where].append(time.thread_time() - start)

    for _ in range(25):
        measure("main")
        thread = threading.Thread(target=measure, args=("other",))
        thread.start()
        thread.join()
    return {where: min(seconds) for where, seconds in times.items()}


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_keyboard_interrupt(busy: bool, long: bool, figure: Callable[[str, str], None]) -> None:
    waited = fresh(interrupts, 50 if long else 6, busy, seconds=300)
    what = "beside a busy Python thread" if busy else "alone"
    figure("ctrl-c", f"{max(waited):.0f} ms at most of {len(waited)} {what} (median {np.median(waited):.0f})")
    assert max(waited) <= SOONEST * crowd()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_signal_handlers_may_call_the_library() -> None:
    hashes = fresh(handler_that_computes)
    assert len(hashes) >= 2
    assert len(set(hashes)) == 1


def test_asking_for_signals_costs_next_to_nothing(figure: Callable[[str, str], None]) -> None:
    """The bound leaves room for the noise of a shared machine; the figure is what was measured."""
    seconds = fresh(cost_of_asking)
    extra = seconds["main"] / seconds["other"] - 1
    figure("ctrl-c", f"asking for signals costs {100 * extra:+.2f} % of a kernel")
    assert extra < 0.1
