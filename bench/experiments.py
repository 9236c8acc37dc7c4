"""rankgrad measured alone: growth with the list length, threads, instruction sets and calls, accuracy.

Started by report/collect.py as `python -m bench.experiments EXPERIMENT SECONDS [--quick]`, answers as JSON lines.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import rankgrad as rg

from bench.timing import minima, pin
from bench.workloads import PAIRWISE, Work, data, rankgrad_step

LABELS = ("two", "five", "distinct")
Record = dict[str, Any]


def growth(seconds: float, quick: bool) -> Iterator[Record]:
    """Time against list length, doubling from below 10,000 to 1,000,000.

    Each length is called five times in a row at least: all find the caches as calls of their own left them, which
    after calls of a longer list takes two or three.
    """
    lengths = [1_000_000 // 2**k for k in reversed(range(5, 8) if quick else range(8))]
    pin()
    for loss in PAIRWISE:
        for labels in LABELS:
            steps = [rankgrad_step(Work(loss, 1, n, labels)) for n in lengths]
            yield {
                "loss": loss,
                "labels": labels,
                "lengths": lengths,
                "seconds": minima(steps, 10 * seconds, in_a_row=5),
            }


def threads(seconds: float, quick: bool) -> Iterator[Record]:
    """One thread against two by the clock on the wall, not pinned."""
    if (os.cpu_count() or 1) < 2:
        yield {"failed": "this machine has one core"}
        return
    for lists, length in ((2560, 128), (1, 30_000 if quick else 1_000_000)):
        for loss in PAIRWISE:
            for dtype in ("float32", "float64"):
                work = Work(loss, lists, length, dtype=dtype)
                steps = [rankgrad_step(work, 1), rankgrad_step(work, 2)]
                one, two = minima(steps, 6 * seconds, perf_counter)
                yield {"loss": loss, "lists": lists, "length": length, "dtype": dtype, "one": one, "two": two}


def binds(seconds: float, quick: bool) -> Iterator[Record]:
    """A bind per item, and a call with new labels against a bound one, for float32 labels."""
    pin()
    rng = np.random.default_rng(0)
    losses = {"hinge": rg.PairwiseHingeLoss(), "logistic": rg.PairwiseLogisticLoss()}
    losses |= {"softmax": rg.SoftmaxLoss(), "ListMLE": rg.ListMLELoss()}
    for shape in ((256, 128), (1024, 32), (32, 1000), *(() if quick else ((1, 1_000_000),))):
        scores, n = rng.normal(size=shape).astype(np.float32), shape[0] * shape[1]
        for labels in ("few", "distinct"):
            y = (rng.integers(0, 5, shape) if labels == "few" else rng.random(shape)).astype(np.float32)
            for name, loss in losses.items():
                objective = loss.bind(y)
                steps = [
                    partial(loss.bind, y),
                    partial(objective.value_and_grad, scores, n_threads=1),
                    partial(loss.value_and_grad, y, scores, n_threads=1),
                ]
                with rg.threads(1):
                    bind, bound, one_off = minima(steps, seconds)
                yield {
                    "loss": name,
                    "lists": shape[0],
                    "length": shape[1],
                    "labels": labels,
                    "bind": bind / n,
                    "bound": bound,
                    "one_off": one_off,
                }


def calls(seconds: float, quick: bool) -> Iterator[Record]:
    """The cost of a call itself, and the direct sum over pairs at each instruction set."""
    pin()
    rng = np.random.default_rng(0)
    objective = rg.PairwiseLogisticLoss().bind(rng.integers(0, 3, 8))
    scores, loss = rng.normal(size=8), rg.PairwiseHingeLoss()
    labels, few = np.array([1.0, 0.0, 1.0, 3.0, 2.0]), scores[:5].copy()
    bound, one_off = minima([lambda: objective.value_and_grad(scores), lambda: loss(labels, few)], seconds)
    yield {"what": "bound objective, one list of 8 items, value and gradient", "seconds": bound}
    yield {"what": "one-off `loss(y_true, y_pred)`, 5 items", "seconds": one_off}
    for name in PAIRWISE:
        for isa in rg.isa_levels():
            active = rg.select_isa(isa)
            work = Work(name, 100, 1000, "two")
            (best,) = minima([rankgrad_step(work, algorithm="direct")], seconds)
            rg.select_isa(active)
            what = f"{name}, pair by pair, isa {isa}, 100 x 1,000, float32"
            yield {"what": what, "pairs": pairs(work), "seconds": best}


def pairs(work: Work) -> float:
    """Pairs with y_i > y_j in all lists."""
    return float(rg.PairwiseHingeLoss().bind(data(work).labels).pairs_per_list.sum())


def accuracies(seconds: float, quick: bool) -> Iterator[Record]:
    """The error of the fast sums, against the sums that the tests have."""
    from bench import accuracy

    return accuracy.worst_errors(quick)


#: Experiments that give times, which more rounds can shorten.
TIMED = ("growth", "threads", "binds", "calls")
EXPERIMENTS = {"growth": growth, "threads": threads, "binds": binds, "calls": calls, "accuracy": accuracies}

if __name__ == "__main__":
    for record in EXPERIMENTS[sys.argv[1]](float(sys.argv[2]), "--quick" in sys.argv):
        print(json.dumps(record), flush=True)
