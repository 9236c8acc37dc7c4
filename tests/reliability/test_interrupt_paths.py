"""Ctrl-C on every path of a long list: the call ends early or gives all the bits, and the next one is right."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import pytest

from children import fresh
from every_call import hash_of

#: Seconds from the start of a call to the signal. The library looks for signals every 30 ms.
DELAYS = (0.001, 0.04, 0.07)


def calls_over_labels(n_threads: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Value and gradient of one list: every algorithm, with and without weights of pairs."""
    import rankgrad as rg

    n = 1_500_000
    rng = np.random.default_rng(0)
    few, distinct, scores = rng.integers(0, 5, n), rng.random(n), rng.normal(size=n)
    ndcg, truncated = rg.NDCGWeight(gain="linear"), rg.NDCGWeight(truncation=1500)

    def call(
        name: str, labels: Any, n: int, algorithm: str, spread: float = 1.0, **options: Any
    ) -> Callable[[], Any]:
        objective = getattr(rg, name)(reduction="sum", **options).bind(labels[:n], algorithm=algorithm)
        return lambda: objective.value_and_grad(spread * scores[:n], n_threads=n_threads)

    yield "direct", call("PairwiseLogisticLoss", distinct, 15_000, "direct")
    yield "level tables", call("PairwiseLogisticLoss", few, n, "fast")
    yield "expansion", call("PairwiseLogisticLoss", distinct, 200_000, "fast")
    yield "sorted", call("PairwiseSquaredHingeLoss", distinct, 200_000, "fast")
    yield "counted", call("PairwiseHingeLoss", distinct, 400_000, "fast")
    yield "weighted, direct", call("PairwiseLogisticLoss", few, 8_000, "direct", lambda_weight=ndcg)
    yield "weighted, truncated", call("PairwiseHingeLoss", few, 30_000, "direct", lambda_weight=truncated)
    yield "weighted, by ranks", call("PairwiseLogisticLoss", distinct, 40_000, "fast", lambda_weight=ndcg)
    yield "overflowing", call("PairwiseExponentialLoss", few, 400_000, "fast", spread=3000.0)
    yield (
        "overflowing, weighted",
        call("PairwiseExponentialLoss", few, 10_000, "direct", spread=3000.0, lambda_weight=ndcg),
    )
    yield "smooth ranks, direct", call("ApproxNDCGLoss", few, 8_000, "direct")
    yield "smooth ranks", call("ApproxNDCGLoss", few, 400_000, "fast")


def calls_of_implicit_losses(n_threads: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """A block of positives with many negatives, each with a credit of its own; none of them is a violation."""
    import rankgrad as rg

    shape = (10_000, 512)
    positive, negative = np.full(512, 9.0, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    items = {
        "num_items": 10_000,
        "positive_items": np.arange(512),
        "negative_items": np.arange(512 * 10_000).reshape(shape) % 9_999,
        "metadata": {"genre": np.arange(10_000) % 7},
        "metadata_weights": {"genre": 0.25},
    }
    of_one = {**items, "positive_items": [0], "negative_items": items["negative_items"].ravel()}
    for loss in (rg.bpr_loss, rg.warp_loss):
        yield (
            type(loss).__name__,
            partial(loss.value_and_grad, positive, negative, **items, n_threads=n_threads),
        )
    ragged = partial(
        rg.bpr_loss.value_and_grad, positive[:1], negative.ravel(), groups=[negative.size], **of_one
    )
    yield "ragged", partial(ragged, n_threads=n_threads)


def interrupts(n_threads: int) -> dict[str, tuple[float, int]]:
    """Seconds of a call of each path, and how many ended with KeyboardInterrupt; all others and the next are right."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    found = {}
    for name, call in chain(calls_over_labels(n_threads), calls_of_implicit_losses(n_threads)):
        start = time.perf_counter()
        expected, interrupted = hash_of(call()), 0
        seconds = time.perf_counter() - start
        for delay in DELAYS:
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                result = call()
                signal.setitimer(signal.ITIMER_REAL, 0)
                assert hash_of(result) == expected, f"{name}: wrong in a call that nobody interrupted"
            except KeyboardInterrupt:
                interrupted += 1
        assert hash_of(call()) == expected, f"{name}: wrong in the call after an interrupted one"
        found[name] = (seconds, interrupted)
    return found


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_every_path_ends_early(n_threads: int) -> None:
    found = fresh(interrupts, n_threads)
    lasting = {name: interrupted for name, (seconds, interrupted) in found.items() if seconds > 0.2}
    assert all(lasting.values()), lasting
