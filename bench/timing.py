"""Time and memory of calls, on one core."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

from bench.workloads import Step

STATUS, FORGET_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Clock = Callable[[], float]
LONG_CALL = 1e-3

#: Read when a runtime starts: to be set before numpy, torch or jax is imported.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1")
ONE_THREAD |= {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "KERAS_BACKEND": "jax",
    "MALLOC_ARENA_MAX": "1",  # what is free in other arenas could not be given back before memory is measured
}


def pin() -> None:
    """Keep this process to the last of its cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def minima(
    steps: Sequence[Step], seconds: float, clock: Clock = process_time, in_a_row: int = 1
) -> list[float]:
    """The shortest time of each step in seconds, their calls interleaved, so that noise meets all of them.

    At least two calls of each. A round makes `in_a_row` calls of the slowest step and up to ten of each other one.
    """
    best = [timed(step, clock) for step in steps]
    end, first = perf_counter() + seconds, True
    while first or perf_counter() < end:
        first = False
        for i, step in enumerate(steps):
            for _ in range(max(in_a_row, min(10, int(max(best) / best[i])))):
                best[i] = min(best[i], timed(step, clock))
    return best


def timed(step: Step, clock: Clock) -> float:
    """Seconds of a call: of a long one by `clock`.

    That is the time of this process alone, without which a busy machine would lengthen the long calls of a peer and
    spare rankgrad's short ones. Reading it takes a microsecond, too much for short calls.
    """
    own, start = clock(), perf_counter()
    step()
    wall = perf_counter() - start
    return wall if wall < LONG_CALL else clock() - own


def growth(step: Step) -> tuple[Any, int | None, int | None]:
    """The result of a call, by how many bytes memory grew at most while it ran, and by how many it stayed grown.

    None where the system does not tell (other than Linux).
    """
    settle()
    if not FORGET_PEAK.exists():
        return step(), None, None
    FORGET_PEAK.write_text("5")
    before = _status("VmRSS")
    result = step()
    peak = _status("VmHWM") - before
    settle()
    return result, max(0, peak), max(0, _status("VmRSS") - before)


def settle() -> None:
    """Let other threads free what they hold, and give what is free back to the system."""
    gc.collect()
    sleep(0.02)
    with suppress(OSError, AttributeError):  # not with every C library
        ctypes.CDLL(None).malloc_trim(0)


def _status(field: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024
