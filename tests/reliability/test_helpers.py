"""Helper threads that cannot run, as on a machine whose cores are all busy: no call waits for them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import rankgrad as rg

from children import fresh
from test_fork import PATIENCE, one_call

TASKS = Path("/proc/self/task")


def threads() -> set[str]:
    return set(os.listdir(TASKS))


def wait_for(found: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < end
        time.sleep(0.001)


def field(thread: str, name: str) -> str:
    lines = (TASKS / thread / "status").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name + ":"))


def handles(thread: str, number: int) -> bool:
    """Whether the thread is in the handler of this signal, which is blocked meanwhile."""
    return bool(int(field(thread, "SigBlk"), 16) >> (number - 1) & 1)


def stopped_helpers() -> list[str]:
    """Hashes of calls on three threads: the helpers are fast asleep, then held in a signal handler, then free."""
    libc, before = ctypes.CDLL(None), threads()
    libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
    libc.signal(signal.SIGUSR1, ctypes.cast(libc.pause, ctypes.c_void_p))  # until another signal comes
    libc.signal(signal.SIGUSR2, ctypes.cast(libc.getpid, ctypes.c_void_p))  # which does nothing

    def tell_helpers(number: int) -> None:
        for helper in helpers:
            libc.tgkill(os.getpid(), int(helper), number)

    found = [one_call(1), one_call(3)]
    helpers = threads() - before
    wait_for(lambda: all(field(helper, "State") == "S" for helper in helpers))
    tell_helpers(signal.SIGUSR1)
    wait_for(lambda: all(handles(helper, signal.SIGUSR1) for helper in helpers))
    found += [one_call(3) for _ in range(5)]
    assert all(handles(helper, signal.SIGUSR1) for helper in helpers)
    tell_helpers(signal.SIGUSR2)
    wait_for(lambda: not any(handles(helper, signal.SIGUSR1) for helper in helpers))
    found += [one_call(3) for _ in range(5)]
    assert len(helpers) == 2
    assert threads() - before == helpers, "each call has the same helpers"
    return found


pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
    pytest.mark.skipif(rg.build_info()["threads"] == "openmp", reason="OpenMP waits for all of its threads"),
]


def test_no_call_waits_for_helpers_that_cannot_run() -> None:
    assert len(set(fresh(stopped_helpers))) == 1
