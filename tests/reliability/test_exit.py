"""The interpreter ends while daemon threads are inside kernels: with code 0, and without waiting for them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import numpy as np

from children import run_child


def end_while_computing(wait: float, n_threads: int) -> str:
    """Short kernels, whose threads are just then asking for the GIL, and one long kernel."""
    import rankgrad as rg

    from every_call import ragged

    data = ragged(np.float64)
    short = rg.PairwiseHingeLoss(reduction="sum").bind(data["labels"], groups=data["groups"])
    long_labels = np.arange(100_000.0) % 7
    long = rg.PairwiseLogisticLoss(reduction="sum").bind(long_labels, algorithm="direct")

    def compute_for_ever() -> None:
        while True:
            short.value_and_grad(data["scores"], n_threads=n_threads)

    for _ in range(3):
        threading.Thread(target=compute_for_ever, daemon=True).start()
    threading.Thread(target=lambda: long.value_and_grad(long_labels), daemon=True).start()
    time.sleep(wait)
    return "leaving"


def test_exits_with_daemon_threads_in_kernels(long: bool, figure: Callable[[str, str], None]) -> None:
    number = 200 if long else 8
    ends = [
        run_child(end_while_computing, 0.02 + 0.0013 * (k % 23), 1 + k % 2, seconds=30).how
        for k in range(number)
    ]
    bad = [end for end in ends if end != "ok"]
    version = ".".join(map(str, sys.version_info[:2]))
    figure("exit", f"{len(bad)} of {number} bad on Python {version}")
    assert not bad, bad[:5]
