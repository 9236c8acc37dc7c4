"""``python -m rankgrad tune``: what the constants of the choice of algorithm are on this machine.

Each constant is solved for from the shortest times of bound objectives on made-up lists, forced to one algorithm. The
built-in values stand beside them; they stay as they are, since a choice must not depend on the machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rankgrad import _core
from rankgrad._runtime import threads
from rankgrad.listwise import ApproxNDCGLoss
from rankgrad.pairwise import (
    PairwiseExponentialLoss,
    PairwiseHingeLoss,
    PairwiseLogisticLoss,
    PairwiseLoss,
    PairwiseSquaredHingeLoss,
)

#: Width of a bin of the near-linear sums, for float32 and float64.
WIDTH = {"float32": 0.75, "float64": 1.25}
DTYPES = ("float32", "float64")


@dataclass(frozen=True)
class Clock:
    """Times value and gradient of one list on one thread."""

    seconds: float = 0.3
    """to spend on each list"""

    def __call__(
        self,
        loss: type[PairwiseLoss | ApproxNDCGLoss],
        labels: Any,
        scores: Any,
        algorithm: str,
        dtype: str = "float32",
    ) -> float:
        """Nanoseconds of the shortest of several calls; at temperature 1."""
        objective = loss(1.0, reduction="sum").bind(labels, algorithm=algorithm)
        scores = scores.astype(dtype)
        out = np.empty_like(scores)
        objective.value_and_grad(scores, out=out)
        shortest, now = np.inf, time.perf_counter()
        end = now + self.seconds
        while now < end or shortest == np.inf:
            start = time.perf_counter()
            objective.value_and_grad(scores, out=out)
            now = time.perf_counter()
            shortest = min(shortest, now - start)
        return float(shortest) * 1e9


def measurements(clock: Clock) -> Iterator[tuple[str, Callable[[], float]]]:
    """Name of each constant, and what measures it in nanoseconds."""
    rng = np.random.default_rng(0)
    n = 2000
    halves, mixed = np.arange(n) % 2, rng.normal(size=n)
    pairs = (n // 2) ** 2

    def pair(loss: type[PairwiseLoss], dtype: str) -> Callable[[], float]:
        return lambda: clock(loss, halves, mixed, "direct", dtype) / pairs

    def wide_pair() -> float:
        return clock(PairwiseLogisticLoss, halves, 1000 * mixed, "direct") / pairs

    for dtype in DTYPES:
        yield f"factored_pair, {dtype}", pair(PairwiseLogisticLoss, dtype)
        yield f"simple_pair, {dtype}", pair(PairwiseSquaredHingeLoss, dtype)
        yield f"counted_pair, {dtype}", pair(PairwiseHingeLoss, dtype)
    yield "unfactored_pair", wide_pair
    yield from near_linear(clock, rng)
    yield from exact(clock, rng)
    yield from smooth_ranks(clock, rng)


def near_linear(clock: Clock, rng: np.random.Generator) -> Iterator[tuple[str, Callable[[], float]]]:
    """The sums of smooth losses: lists of 2 and 33 levels, and of too many for tables."""
    n = 65_536
    scores = rng.normal(size=n)
    few, more, many = np.arange(n) % 2, np.arange(n) % 33, np.arange(n) % 66

    def table_item(dtype: str) -> float:
        return clock(PairwiseLogisticLoss, few, scores, "fast", dtype) / n

    def potential(dtype: str) -> float:
        bins = np.ptp(scores) / WIDTH[dtype]
        extra = clock(PairwiseLogisticLoss, more, scores, "fast", dtype) - n * table_item(dtype)
        return extra / (31 * bins)

    def block_item(dtype: str) -> float:
        blocks = 65 * potential(dtype) * np.ptp(scores) / WIDTH[dtype]
        return (clock(PairwiseLogisticLoss, many, scores, "fast", dtype) - blocks) / n

    for dtype in DTYPES:
        yield f"table_item, {dtype}", partial(table_item, dtype)
        yield f"potential, {dtype}", partial(potential, dtype)
        yield f"expansion_item, {dtype}", partial(block_item, dtype)


def exact(clock: Clock, rng: np.random.Generator) -> Iterator[tuple[str, Callable[[], float]]]:
    """Sorted sums and counts of 2, 16 and all-distinct levels; moments."""
    n = 32_768
    scores = rng.normal(size=n)

    def item(loss: type[PairwiseLoss], levels: int) -> float:
        return clock(loss, rng.permutation(n) % levels, scores, "fast") / n

    def merge_item(loss: type[PairwiseLoss]) -> float:
        return (item(loss, 16) - item(loss, 2)) / 3

    def sort_item(loss: type[PairwiseLoss]) -> float:
        return item(loss, 2) - merge_item(loss)

    def leaf_item(loss: type[PairwiseLoss], leaf_items: int) -> float:
        merges = np.log2(n / leaf_items) + 1
        return float(item(loss, n) - item(loss, 2) - (merges - 1) * merge_item(loss))

    trees: tuple[tuple[str, type[PairwiseLoss], int], ...] = (
        ("sums", PairwiseSquaredHingeLoss, 64),
        ("counts", PairwiseHingeLoss, 128),
    )
    for name, loss, leaf_items in trees:
        yield f"sort_item, {name}", partial(sort_item, loss)
        yield f"merge_item, {name}", partial(merge_item, loss)
        yield f"leaf_item, {name}", partial(leaf_item, loss, leaf_items)
    yield "moment_item", lambda: clock(PairwiseExponentialLoss, np.arange(n) % 5, scores, "fast") / n


def smooth_ranks(clock: Clock, rng: np.random.Generator) -> Iterator[tuple[str, Callable[[], float]]]:
    """Direct sums over ranks, in factored form and not; near-linear ones, and what more bins of scores add to them."""
    n, spread = 20_000, 100
    scores = rng.normal(size=n)
    labels, few = np.arange(n) % 5, 1000

    def item(dtype: str) -> float:
        return clock(ApproxNDCGLoss, labels, scores, "fast", dtype) / n

    def occupied(dtype: str) -> float:
        return float(np.unique(np.floor(spread * scores / WIDTH[dtype])).size)

    def a_bin(dtype: str) -> float:
        wide = clock(ApproxNDCGLoss, labels, spread * scores, "fast", dtype)
        return (wide - n * item(dtype)) / occupied(dtype)

    def pair(factor: float) -> float:
        return clock(ApproxNDCGLoss, labels[:few], factor * scores[:few], "direct") / few**2

    for dtype in DTYPES:
        yield f"rank_item, {dtype}", partial(item, dtype)
        yield f"rank_bin, {dtype}", partial(a_bin, dtype)
    yield "rank_pair", partial(pair, 1.0)
    yield "unfactored_rank_pair", partial(pair, 1000.0)


def run(seconds: float) -> None:
    """Measure all constants, printing each as it comes beside the built-in value."""
    built_in = _core.cost_constants()
    print(f"nanoseconds on one thread, level {_core.isa_level()}; only ratios matter for the choice")
    print(f"{'constant':<26}{'built in':>10}{'here':>10}{'ratio':>8}")
    with threads(1):
        for name, measure in measurements(Clock(seconds)):
            print(f"{name:<26}{built_in[name]:>10.3g}", end="", flush=True)
            here = measure()
            print(f"{here:>10.3g}{here / built_in[name]:>8.2f}", flush=True)
    print("The built-in values stay: the same data get the same answer on every machine.")
