"""Ctrl-C in `bind`: KeyboardInterrupt soon, and labels that another thread writes to meanwhile end nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from children import fresh
from test_interrupt import SOONEST, crowd


def binds(n: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Binds of one list of n items that take long, by their labels and by what the loss makes of them."""
    import rankgrad as rg

    rng = np.random.default_rng(0)
    few, distinct = rng.integers(0, 5, n), rng.random(n)
    wide = rng.integers(-(2**62), 2**62, n)
    ndcg = rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight())
    yield "counted", lambda: rg.PairwiseLogisticLoss().bind(few)
    yield "sorted", lambda: rg.PairwiseHingeLoss().bind(distinct)
    yield "64 bits", lambda: rg.ListMLELoss(negative_labels="use").bind(wide)
    yield "lambda weights", lambda: ndcg.bind(distinct)
    yield "smooth ranks", lambda: rg.ApproxNDCGLoss().bind(distinct)
    yield "targets", lambda: rg.SoftmaxLoss().bind(distinct)


def interrupted_binds(n: int) -> dict[str, float]:
    """The longest time in milliseconds from a signal to KeyboardInterrupt, with one thread, at places all over."""
    import rankgrad as rg

    rg.threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sent = [0.0]

    def send(delay: float) -> None:
        time.sleep(delay)
        sent[0] = time.perf_counter()
        os.kill(os.getpid(), signal.SIGINT)

    waited: dict[str, float] = {}
    for name, bind in binds(n):
        start = time.perf_counter()
        bind()
        seconds = time.perf_counter() - start
        for share in (0.1, 0.35, 0.6):
            sender = threading.Thread(target=send, args=(share * seconds,))
            sender.start()
            try:
                bind()
                sender.join()
            except KeyboardInterrupt:
                waited[name] = max(waited.get(name, 0.0), (time.perf_counter() - sent[0]) * 1e3)
            sender.join()
    return waited


def labels_that_change() -> int:
    """Binds while another thread writes any bits to the labels and the mask; the results mean nothing."""
    import rankgrad as rg

    stop, n = threading.Event(), 150_000
    bits = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, 4 * n)
    arrays = [np.zeros(n, dtype) for dtype in (np.float64, np.float32, np.int64, np.int8)]
    mask = np.ones(n, np.bool_)

    def write() -> None:
        while not stop.is_set():
            for k in range(8):
                for array in arrays:
                    array[:] = bits[k * 1000 :][:n].view(array.dtype)[:n] if k % 2 else k
                mask[:] = bits[k:][:n] > 0 if k % 2 else True

    writer = threading.Thread(target=write)
    writer.start()
    losses = (
        rg.PairwiseLogisticLoss(nan="propagate", negative_labels="use", lambda_weight=rg.NDCGWeight()),
        rg.ListMLELoss(nan="propagate", negative_labels="use"),
        rg.SoftmaxLoss(nan="propagate"),
    )
    done = 0
    for _ in range(6):
        for loss in losses:
            for labels in arrays:
                for options in ({}, {"groups": np.full(n // 50, 50)}):
                    with suppress(ValueError):  # gains of huge labels
                        loss.bind({"labels": labels, "mask": mask}, **options)
                    done += 1
    stop.set()
    writer.join()
    return done


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_keyboard_interrupt_in_bind(long: bool, figure: Callable[[str, str], None]) -> None:
    waited = fresh(interrupted_binds, 10_000_000 if long else 3_000_000, seconds=600)
    figure("ctrl-c", f"{max(waited.values()):.0f} ms at most in bind, of {sorted(waited)}")
    assert len(waited) >= 5, waited
    assert max(waited.values()) <= SOONEST * crowd(), waited


def test_labels_that_change_while_they_are_read() -> None:
    assert fresh(labels_that_change, seconds=300) == 144
