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

#: The promise, in KiB; what malloc has given is known to the byte.
MOST_GROWTH, MOST_IN_USE = 256, 64
WARM_UP = 40_000
#: Allocators take up to a megabyte at once, and so does CPython's table of interned names when it doubles, after some
#: 100,000 calls. A leak grows in every round.
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


def held() -> tuple[int, int, int]:
    """Resident KiB, KiB of malloc in use, blocks of Python's objects."""
    gc.collect()
    return resident_kib(), bytes_in_use() // 1024, sys.getallocatedblocks()


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
    files = len(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task"))
    growth = [MOST_GROWTH + 1, MOST_IN_USE + 1, 0]
    for _ in range(ROUNDS):
        if growth[0] > MOST_GROWTH or growth[1] > MOST_IN_USE:
            before = held()
            failures = run(number)
            growth = [now - then for now, then in zip(held(), before, strict=True)]
    assert failures == (number if failing else 0), f"{failures} of {number} calls failed"
    return {
        "KiB": growth[0],
        "KiB in use": growth[1],
        "objects": growth[2],
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
        f"{left['KiB']} KiB resident, {left['KiB in use']} KiB of malloc, {left['objects']} objects, "
        f"{left['files']} files, {left['threads']} threads after {number} {what} calls",
    )
    assert left["KiB"] <= MOST_GROWTH
    assert left["KiB in use"] <= MOST_IN_USE
    assert left["objects"] <= 1000
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
