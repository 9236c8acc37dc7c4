"""Ctrl-C on every path of a long list: the call ends early or gives all the bits, and the next one is right."""

from __future__ import annotations

import signal
import time
from typing import Any

import numpy as np
import pytest

from children import fresh

#: Seconds from the start of a call to the signal. The library looks for signals every 30 ms.
DELAYS = (0.001, 0.04, 0.07)


def long_lists() -> dict[str, tuple[Any, Any]]:
    """Objectives of one list each and its scores: every algorithm, with and without weights of pairs."""
    import rankgrad as rg

    n = 1_500_000
    rng = np.random.default_rng(0)
    few, distinct, scores = rng.integers(0, 5, n), rng.random(n), rng.normal(size=n)
    ndcg, truncated = rg.NDCGWeight(gain="linear"), rg.NDCGWeight(truncation=1500)

    def bound(name: str, labels: Any, n: int, algorithm: str, **options: Any) -> tuple[Any, Any]:
        loss = getattr(rg, name)(reduction="sum", **options)
        return loss.bind(labels[:n], algorithm=algorithm), scores[:n]

    return {
        "direct": bound("PairwiseLogisticLoss", distinct, 15_000, "direct"),
        "level tables": bound("PairwiseLogisticLoss", few, n, "fast"),
        "expansion": bound("PairwiseLogisticLoss", distinct, 200_000, "fast"),
        "sorted": bound("PairwiseHingeLoss", distinct, 200_000, "fast"),
        "weighted, direct": bound("PairwiseLogisticLoss", few, 8_000, "direct", lambda_weight=ndcg),
        "weighted, truncated": bound("PairwiseHingeLoss", few, 30_000, "direct", lambda_weight=truncated),
        "weighted, by ranks": bound("PairwiseLogisticLoss", distinct, 40_000, "fast", lambda_weight=ndcg),
        "smooth ranks, direct": bound("ApproxNDCGLoss", few, 8_000, "direct"),
        "smooth ranks": bound("ApproxNDCGLoss", few, 400_000, "fast"),
    }


def interrupts(n_threads: int) -> dict[str, tuple[float, int]]:
    """Seconds of a call of each path, and how many ended with KeyboardInterrupt; all others and the next are right."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    found = {}
    for name, (objective, scores) in long_lists().items():
        out = np.empty_like(scores)

        def call(objective: Any = objective, scores: Any = scores, out: Any = out) -> Any:
            value, grad = objective.value_and_grad(scores, out=out, n_threads=n_threads)
            return value, grad.tobytes()

        start = time.perf_counter()
        expected = call()
        seconds, interrupted = time.perf_counter() - start, 0
        for delay in DELAYS:
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                assert call() == expected, f"{name}: wrong in a call that nobody interrupted"
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupted += 1
        assert call() == expected, f"{name}: wrong in the call after an interrupted one"
        found[name] = (seconds, interrupted)
    return found


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_every_path_ends_early(n_threads: int) -> None:
    found = fresh(interrupts, n_threads)
    lasting = {name: interrupted for name, (seconds, interrupted) in found.items() if seconds > 0.2}
    assert all(lasting.values()), lasting
