"""A random search for wrong numbers in the pairwise losses, against long doubles pair by pair.

`python tests/reliability/search.py --lists 20000 --seed 0 [--only hinge] [--dtype float32] [--isas baseline,v3]`
shows what failed by kind, the worst error in units of the bound and, of each kind, an input made as small as it goes.

The bound of an output: 1e-12 (float64) or 1e-6 (float32) of the sum of its absolute terms, and what one unit in the
last place of each margin (s_i - s_j) / T changes, and the rounding to the type of the output. Within 4 ulp of a kink,
but not on it, either side is right. A result is infinite only where the exact one is beyond the type; it is never NaN.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rankgrad as rg

from search_inputs import LOSSES, Batch, make_batch, smaller
from search_judge import ALGORITHMS, LOST, Wrong, run, settings, wanted, wrongs


@dataclass
class Failure:
    """One kind of failure: how often, at which inputs, how bad, and the first of them."""

    count: int = 0
    worst: float = 0.0
    scores: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    temperatures: set[float] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    first: tuple[Batch, Wrong] | None = None

    def add(self, batch: Batch, wrong: Wrong) -> None:
        self.count += 1
        self.worst = max(self.worst, wrong.error)
        self.temperatures.add(batch.loss.temperature)
        if tells(batch, wrong):
            scores, labels = batch.kinds[wrong.number]
            self.scores.add(scores)
            self.labels.add(labels)
        self.runs.add(f"{wrong.algorithm} {wrong.isa}")
        self.outputs.add(wrong.output)
        if self.first is None or rank_of(batch, wrong) < rank_of(*self.first):
            self.first = batch, wrong

    def text(self, isas: tuple[str, ...]) -> str:
        every = len(self.runs) == len(ALGORITHMS) * len(isas)
        runs = "every algorithm and isa" if every else ", ".join(sorted(self.runs))
        parts = (
            f"{self.count} x, worst {self.worst:.3g}",
            runs,
            ", ".join(sorted(self.outputs)),
            "scores " + ", ".join(sorted(self.scores)),
            "labels " + ", ".join(sorted(self.labels)),
            "T " + ", ".join(f"{t:g}" for t in sorted(self.temperatures)),
        )
        return "; ".join(parts)


def tells(batch: Batch, wrong: Wrong) -> bool:
    """Whether it is known which list is wrong."""
    return len(batch.kinds) == 1 or wrong.output not in ("value", "")


def rank_of(batch: Batch, wrong: Wrong) -> tuple[bool, int]:
    """Of two examples the one that says more: one list, and short."""
    return not tells(batch, wrong), int(np.diff(batch.offsets)[wrong.number])


@dataclass
class Search:
    """What was found so far."""

    isas: tuple[str, ...]
    split: bool = False
    lists: int = 0
    failed_lists: int = 0
    failures: dict[tuple[str, ...], Failure] = field(default_factory=dict)
    worst: dict[tuple[str, ...], float] = field(default_factory=dict)
    lost: int = 0

    def judge(self, batch: Batch) -> None:
        found = list(wrongs(batch, self.isas, self.worst))
        if len(batch.kinds) > 1 and any(wrong.what.startswith("raises") for wrong in found):
            for number in range(len(batch.kinds)):  # the other lists of the batch may be wrong too
                self.judge(batch.only(np.arange(*batch.offsets[number : number + 2]), number))
            return
        self.lists += len(batch.kinds)
        self.lost += sum(wrong.what == LOST for wrong in found)
        found = [wrong for wrong in found if wrong.what != LOST]
        for wrong in found:
            kinds = batch.kinds[wrong.number] if self.split and tells(batch, wrong) else ()
            self.failures.setdefault((*settings(batch), wrong.what, *kinds), Failure()).add(batch, wrong)
        self.failed_lists += len({wrong.number for wrong in found})


def reproducer(batch: Batch, wrong: Wrong, isas: tuple[str, ...]) -> str:
    """A program that shows the failure, of as few items as it takes."""

    def fails(part: Batch) -> bool:
        same = (wrong.output, wrong.algorithm, wrong.what)
        return any((w.output, w.algorithm, w.what) == same for w in wrongs(part, isas, {}))

    small = smaller(batch, fails)
    title = f"make_batch{batch.case}, output {wrong.output}"
    if len(small.scores) > 40:
        return f"{title}, {len(batch.scores)} items: {batch.loss}"
    labels, scores = f"{small.labels.tolist()}, np.{small.labels.dtype}", [float(x) for x in small.scores]
    lines = [
        f"{title}, {'; '.join(map(', '.join, small.kinds))}",
        f"loss = rg.{batch.loss!r}",
        f"y = np.array({labels}); w = {None if small.sample_weight is None else small.sample_weight.tolist()}",
        f"s = np.array({scores}, np.{small.scores.dtype})"
        + (f"; v = {small.vector.tolist()}" if wrong.output == "hessp" else ""),
    ]
    if wrong.output:
        rows, found, _ = run(small, isas)
        want, got = wanted(small)[wrong.output], found[wrong.output]
        got = got.reshape(len(rows), -1, got.shape[1])[:, 0]
        lines += [
            f"got  {x.tolist()} {' '.join(row)}"
            for row, x in zip(rows, got, strict=True)
            if row[0] == wrong.algorithm
        ]
        lines += [f"want {[float(x) for x in want.total]}, terms {[float(x) for x in want.terms]}"]
    return "\n    ".join(lines)


def search(
    lists: int,
    seed: int,
    isas: tuple[str, ...],
    make: dict[str, Any] | None = None,
    tell: Callable[[Search], None] | None = None,
    split: bool = False,
) -> Search:
    """Judges batches until there were so many lists; `make` has further arguments of make_batch."""
    found, number, active = Search(isas, split), 0, rg.select_isa(isas[0])
    while found.lists < lists:
        batch = make_batch(seed, number, **(make or {}))
        found.judge(batch)
        number += 1
        if tell is not None:
            tell(found)
    rg.select_isa(active)
    return found


def report(found: Search, programs: bool = True) -> str:
    lines = [f"{found.lists} lists, {found.failed_lists} failed, {len(found.failures)} kinds"]
    for key, failure in sorted(found.failures.items()):
        lines.append(f"{' '.join(key)}: {failure.text(found.isas)}")
        if programs and failure.first is not None:
            lines.append("    " + reproducer(*failure.first, found.isas))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lists", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=["", *LOSSES])
    parser.add_argument("--dtype", default="", choices=["", "float32", "float64"])
    parser.add_argument("--isas", default=",".join(rg.isa_levels()))
    parser.add_argument("--long", type=float, default=0.02, help="share of batches of one long list")
    parser.add_argument("--split", action="store_true", help="by kinds of scores and labels, too")
    parser.add_argument("--brief", action="store_true", help="no programs")
    args = parser.parse_args()
    start = last = time.monotonic()

    def tell(found: Search) -> None:
        nonlocal last
        if time.monotonic() - last > 10:
            last = time.monotonic()
            rate = found.lists / (last - start)
            print(
                f"{found.lists} lists, {found.failed_lists} failed, {rate:.0f}/s", file=sys.stderr, flush=True
            )

    make = {"only": args.only, "dtype": args.dtype, "long": args.long}
    found = search(args.lists, args.seed, tuple(args.isas.split(",")), make, tell, args.split)
    print(report(found, not args.brief))
    for place in sorted({key[:-1] for key in found.worst}):
        errors = ", ".join(f"{a} {found.worst.get((*place, a), 0):.2g}" for a in ALGORITHMS)
        print("worst that passed:", *place, errors)
    print(f"{found.lost} outputs were right only with what pairs next to the smallest number lose")
    sys.exit(bool(found.failures))


if __name__ == "__main__":
    main()
