"""Two threads over one on a machine that others use too: beside busy processes, as many as said.

Started by experiments.py, or alone as `python -m bench.shared [SECONDS]`, which prints what it found.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import mean
from time import perf_counter
from typing import Any

import numpy as np
import rankgrad as rg

from bench.workloads import Step, Work, rankgrad_step

Record = dict[str, Any]
MOST_BUSY = 3
LONG_CALL = 0.1
#: A process that is busy until its parent is gone.
BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
ROWS, FEATURES, ROUNDS = 200_000, 50, 5


@contextmanager
def neighbours(number: int) -> Iterator[None]:
    """So many processes that compute all the time, not pinned."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(number)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def means(steps: Sequence[Step], seconds: float) -> list[float]:
    """The mean time of each step by the clock on the wall: what the others on the machine cost is in it.

    Ten calls in a row of each by turns, but one of long ones; at least three turns after a first that is not counted.
    """
    times: list[list[float]] = [[] for _ in steps]
    in_a_row, turns, end = 1, 0, perf_counter() + seconds
    while turns < 4 or perf_counter() < end:
        for found, step in zip(times, steps, strict=True):
            start = perf_counter()
            for _ in range(in_a_row):
                step()
            found.append((perf_counter() - start) / in_a_row)
        turns, in_a_row = turns + 1, 10 if max(times[0]) < LONG_CALL else 1
    return [mean(found[1:]) for found in times]


def calls(seconds: float, quick: bool) -> Iterator[Record]:
    """Hinge on many lists and on a long one, one thread against two."""
    for lists, length in ((2000, 100), (1, 30_000 if quick else 1_000_000)):
        work = Work("hinge", lists, length)
        steps = [rankgrad_step(work, 1), rankgrad_step(work, 2)]
        for busy in range(MOST_BUSY + 1):
            with neighbours(busy):
                one, two = means(steps, 6 * seconds)
            yield {"what": str(work), "busy": busy, "one": one, "two": two}


def training(quick: bool) -> Iterator[Record]:
    """LightGBM on two threads, with its own lambdarank ("one") and with rankgrad's delta NDCG ("two")."""
    import lightgbm
    from rankgrad.lightgbm import objective

    rng = np.random.default_rng(0)
    sizes = np.full((ROWS // 10 if quick else ROWS) // 100, 100)
    features = rng.normal(size=(sizes.sum(), FEATURES))
    labels = np.clip(features[:, :5].sum(1) + rng.normal(size=len(features)) + 1, 0, 4).astype(int)
    data = lightgbm.Dataset(features, labels, group=sizes, params={"verbosity": -1}).construct()
    loss = rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight())

    def train(of: Any) -> Step:
        return lambda: lightgbm.train({"verbosity": -1, "num_threads": 2, "objective": of}, data, ROUNDS)

    for busy in range(2):
        with neighbours(busy), rg.threads(2):
            one, two = means([train("lambdarank"), train(objective(loss))], 0)
        yield {"what": "LightGBM training", "busy": busy, "one": one, "two": two}


def shared(seconds: float, quick: bool) -> Iterator[Record]:
    yield from calls(seconds, quick)
    yield from training(quick)


if __name__ == "__main__":
    for record in shared(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0, quick=False):
        times = f"{record['one'] * 1e3:.3g} and {record['two'] * 1e3:.3g} ms"
        print(
            f"{record['what']}, {record['busy']} busy: {times}, {record['two'] / record['one']:.2f}",
            flush=True,
        )
