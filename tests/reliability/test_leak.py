"""A million good calls and a million refused ones leave no memory, no file and no thread behind."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from children import fresh
from every_call import hash_of_everything

#: The promise, in KiB.
MOST_GROWTH = 256
#: Allocators take up to a megabyte at once: most of it in these calls, now and then later. A leak grows in every round.
WARM_UP = 40_000
ROUNDS = 3


def resident_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


class Mallinfo(ctypes.Structure):
    """What mallinfo2() of the GNU C library returns."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names.split())


def bytes_in_use() -> int:
    """What malloc has given and not got back; 0 if this C library does not say."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        return 0
    mallinfo2.restype = Mallinfo
    info = mallinfo2()
    return int(info.hblkhd + info.uordblks)  # in maps of their own, and in heaps


def left_behind(number: int, failing: bool) -> dict[str, int]:
    """Growth over `number` calls in turn of every loss, after a warm-up."""
    import rankgrad as rg

    from every_call import implicit_losses, labelled_losses

    labels, scores, groups = np.array([2.0, 0, 1, 0, 1, 3]), np.linspace(-1, 1, 6), np.array([2, 4])
    bad_scores, bad_groups = np.where(labels == 3, np.nan, scores), np.array([2, 5])
    negative = np.linspace(0, 1, 18).reshape(3, 6)
    calls: list[Callable[[], object]] = []
    for loss in labelled_losses().values():
        bound = loss.bind(labels, groups=groups)
        x = bad_scores if failing else scores
        calls += [
            lambda bound=bound, x=x: bound.value_and_grad(x),
            lambda bound=bound, x=x: bound.grad_and_hess(x),
            lambda loss=loss: loss.value_and_grad(labels, scores, groups=bad_groups if failing else groups),
        ]
    for other in implicit_losses().values():
        x = bad_scores if failing else scores
        calls.append(lambda other=other, x=x: other.value_and_grad(x, negative, num_items=50))
    calls.append(lambda: rg.ndcg(labels, bad_scores if failing else scores, groups=groups))

    def run(times: int) -> int:
        failures = 0
        for call in islice(cycle(calls), times):
            try:
                call()
            except ValueError:
                failures += 1
        return failures

    run(WARM_UP)
    gc.collect()
    held, blocks = bytes_in_use(), sys.getallocatedblocks()
    files = len(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task"))
    growth = []
    while len(growth) < ROUNDS and (not growth or growth[-1] > MOST_GROWTH):
        gc.collect()
        before = resident_kib()
        failures = run(number)
        gc.collect()
        growth.append(resident_kib() - before)
    assert failures == (number if failing else 0), f"{failures} of {number} calls failed"
    return {
        "KiB": growth[-1],
        "bytes in use": bytes_in_use() - held,
        "blocks": sys.getallocatedblocks() - blocks,
        "files": len(os.listdir("/proc/self/fd")) - files,
        "threads": len(os.listdir("/proc/self/task")) - threads,
    }


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("failing", [False, True], ids=["good", "failing"])
def test_nothing_is_left_behind(failing: bool, long: bool, figure: Callable[[str, str], None]) -> None:
    number = 1_000_000 if long else 40_000
    left = fresh(left_behind, number, failing, seconds=1200)
    what = "failing" if failing else "good"
    figure(
        "leak",
        f"{left['KiB']} KiB resident, {left['bytes in use']} bytes of malloc, {left['blocks']} objects, "
        f"{left['files']} files, {left['threads']} threads after {number} {what} calls",
    )
    assert left["KiB"] <= MOST_GROWTH
    assert left["bytes in use"] <= 64 * 1024
    assert left["blocks"] <= 1000
    assert left["files"] == left["threads"] == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_threads_of_threads_end_with_them() -> None:
    assert fresh(threads_after_python_threads) <= 0


def threads_after_python_threads() -> int:
    """Every Python thread that computes has a team of its own, which must go when it goes."""

    def run() -> int:
        thread = threading.Thread(target=hash_of_everything, args=(3,))
        thread.start()
        thread.join()
        time.sleep(0.2)
        return len(os.listdir("/proc/self/task"))

    before = run()
    return max(run() for _ in range(3)) - before
