"""A random search for wrong numbers in the pairwise losses, against long doubles pair by pair.

`python tests/reliability/search.py --lists 20000 --seed 0 [--only hinge] [--dtype float32] [--levels baseline,v3]` shows
what failed by kind, the worst error in units of the bound and, of each kind, the first input, made as small as it goes.

The bound of an output: 1e-12 (float64) or 1e-6 (float32) of the sum of its absolute terms, and what one unit in the last
place of each margin (s_i - s_j) / T changes, and the rounding to the type of the output. Within 4 ulp of a kink, but not
on it, either side is right. A result is infinite only where the exact one is beyond the type; it is never NaN.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import rankgrad as rg

sys.path.insert(0, str(Path(__file__).parent))

from exact_pairs import LD, OUTPUTS, Array, Sum, exact
from search_inputs import Batch, LOSSES, make_batch, smaller

ALGORITHMS = ("auto", "direct", "fast")
TOL = {"float64": LD(1e-12), "float32": LD(1e-6)}
#: Of the fast sums of float32, which are done in double.
GOAL = LD(1e-7)


@dataclass(frozen=True)
class Wrong:
    number: int
    item: int
    algorithm: str
    level: str
    output: str
    what: str
    error: float


@dataclass
class Failure:
    """One kind of failure: how often, at which inputs, how bad, and the first of them."""

    count: int = 0
    worst: float = 0.0
    inputs: set[str] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    first: tuple[Batch, Wrong] | None = None

    def add(self, batch: Batch, wrong: Wrong) -> None:
        self.count += 1
        self.worst = max(self.worst, wrong.error)
        t = batch.loss.temperature
        self.inputs.add(f"{batch.kinds[wrong.number]}{f' (T={t:g})' if not 1e-9 < t < 1e9 else ''}")
        self.runs.add(f"{wrong.algorithm} {wrong.level}")
        self.outputs.add(wrong.output)
        if self.first is None or rank_of(batch, wrong) < rank_of(*self.first):
            self.first = batch, wrong


def rank_of(batch: Batch, wrong: Wrong) -> tuple[bool, int]:
    """Of two examples the one that says more: one list, and short."""
    sizes = np.diff(batch.offsets)
    return len(sizes) > 1 and wrong.output == "value", int(sizes[wrong.number])


@dataclass
class Search:
    """What was found so far."""

    levels: tuple[str, ...]
    lists: int = 0
    failed_lists: int = 0
    failures: dict[tuple[str, ...], Failure] = field(default_factory=dict)
    worst: dict[tuple[str, ...], float] = field(default_factory=dict)
    lost: int = 0

    def judge(self, batch: Batch) -> None:
        self.lists += len(batch.kinds)
        try:
            found = list(wrongs(batch, self.levels, self.worst))
        except ValueError as error:
            if len(batch.kinds) > 1:  # the others of the batch may be wrong too
                self.lists -= len(batch.kinds)
                for number in range(len(batch.kinds)):
                    self.judge(batch.only(np.arange(*batch.offsets[number : number + 2]), number))
                return
            found = [Wrong(0, 0, "", "", "", "raises " + re.sub(r"[0-9]+", "_", str(error))[:80], 0.0)]
        self.lost += sum(wrong.what == "lost" for wrong in found)
        found = [wrong for wrong in found if wrong.what != "lost"]
        for wrong in found:
            self.failures.setdefault((*settings(batch), wrong.what), Failure()).add(batch, wrong)
        self.failed_lists += len({wrong.number for wrong in found})


def settings(batch: Batch) -> tuple[str, str, str]:
    weight = batch.loss.lambda_weight
    return (
        batch.loss._kernel_name(),
        "none" if weight is None else type(weight).__name__,
        batch.scores.dtype.name,
    )


def run(batch: Batch, levels: tuple[str, ...]) -> tuple[list[tuple[str, str]], dict[str, Array]]:
    """Every output by every algorithm at every level, one row each; a row's (algorithm, level)."""
    rows: list[tuple[str, str]] = []
    found: dict[str, list[Any]] = {key: [] for key in ("value", *OUTPUTS)}
    unreduced = replace(batch.loss, reduction="none")
    x = batch.scores
    for algorithm in ALGORITHMS:
        options = {"offsets": batch.offsets, "algorithm": algorithm}
        bound = batch.loss.bind(batch.labels, batch.sample_weight, **options)
        rows_of = unreduced.bind(batch.labels, batch.sample_weight, **options)
        for level in levels:
            rg.select_isa(level)
            value, grad = bound.value_and_grad(x, n_threads=1)
            again, hess = bound.grad_and_hess(x, n_threads=1)
            third, positive = bound.grad_and_hess(x, n_threads=1, curvature="positive")
            values = rows_of.value(x, n_threads=1)
            product = bound.hessp(x, batch.vector, n_threads=1)
            for key, got in zip(
                ("value", "value", "grad", "grad", "grad", "values", "hess", "positive", "hessp"),
                ([value], [bound.value(x, n_threads=1)], grad, again, third, values, hess, positive, product),
                strict=True,
            ):
                found[key].append(got)
            rows.append((algorithm, level))
    return rows, {key: np.array(got) for key, got in found.items()}


def wanted(batch: Batch) -> dict[str, Sum]:
    """The exact outputs of the whole batch."""
    parts = []
    for a, b in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        x = (batch.labels, batch.scores, batch.item_weights, batch.vector)
        parts.append(exact(batch.loss, *(array[a:b] for array in x)))
    fields = ("total", "terms", "drift", "lost")
    out = {
        key: Sum(*(np.concatenate([getattr(p[key], f) for p in parts]) for f in fields)) for key in parts[0]
    }
    with np.errstate(all="ignore"):
        return {**out, "value": out["value"].reduced()}


def compare(got: Array, want: Sum, tol: Any, lost: bool) -> Array:
    """The error in units of the bound; NaN for a NaN, infinity where an infinity is wrong. `got` has a row per run."""
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        bound = (
            tol * want.terms
            + want.drift
            + LD(info.eps) / 2 * np.abs(want.total)
            + LD(info.smallest_subnormal)
        )
        if lost:
            bound = bound + want.lost
        units = np.abs(got - want.total) / bound
        unbounded = np.isnan(want.total) | ~np.isfinite(bound)
        may_overflow = unbounded | (np.abs(want.total) + bound >= LD(info.max))
        fits = np.isinf(got) & may_overflow & (unbounded | (np.sign(got) == np.sign(want.total)))
        units = np.where(fits | (unbounded & ~np.isnan(got)), 0, units)
        return np.where(np.isnan(got), np.nan, np.where(np.isinf(got) & ~fits, np.inf, units))


def wrongs(batch: Batch, levels: tuple[str, ...], worst: dict[tuple[str, ...], float]) -> Iterator[Wrong]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        rows, got = run(batch, levels)
    for text in {str(warning.message) for warning in told}:
        yield Wrong(0, 0, "", "", "", f"warns {text}", 0.0)
    want = wanted(batch)
    dtype = batch.scores.dtype.name
    for key, numbers in got.items():
        times = len(numbers) // len(rows)
        units = compare(numbers, want[key], TOL[dtype], lost=False)
        if not (units <= 1).all():
            strict, units = units, compare(numbers, want[key], TOL[dtype], lost=True)
            if ((strict > 1) & (units <= 1)).any():
                yield Wrong(0, 0, "", "", key, "lost", 0.0)
        for a, algorithm in enumerate(ALGORITHMS):
            mine = units[a * len(levels) * times : (a + 1) * len(levels) * times]
            finite = mine[mine <= 1]
            place = (*settings(batch), algorithm)
            worst[place] = max(worst.get(place, 0.0), float(finite.max(initial=0.0)))
        bad = ~(units <= 1)
        if bad.any():
            yield from describe(batch, rows, key, units, want[key], bad, times)


def describe(
    batch: Batch, rows: list[tuple[str, str]], key: str, units: Array, want: Sum, bad: Array, times: int
) -> Iterator[Wrong]:
    """One failure per list, algorithm and level."""
    for r, (algorithm, level) in enumerate(rows):
        mine = units[r * times : (r + 1) * times]
        wrong = bad[r * times : (r + 1) * times].any(0)
        numbers = (
            np.zeros(1, int)
            if key == "value"
            else np.searchsorted(batch.offsets, np.arange(len(wrong)), "right") - 1
        )
        for number in np.unique(numbers[wrong]):
            items = np.flatnonzero(wrong & (numbers == number))
            errors = mine[:, items]
            what = "error"
            if not np.isfinite(errors).all():
                far = np.abs(want.terms[items]) > LD(np.finfo(batch.scores.dtype).max)
                what = "NaN" if np.isnan(errors).any() else "infinite"
                what += " of infinite terms" if far.all() else ""
            finite = errors[np.isfinite(errors) & (errors > 1)]
            yield Wrong(
                int(number), int(items[0]), algorithm, level, key, what, float(finite.max(initial=0.0))
            )


def reproducer(batch: Batch, wrong: Wrong, levels: tuple[str, ...]) -> str:
    """A program that shows the failure, of as few items as it takes."""

    def fails(part: Batch) -> bool:
        try:
            found = list(wrongs(part, levels, {}))
        except ValueError as error:
            found = (
                [wrong] if wrong.what[:40] == ("raises " + re.sub(r"[0-9]+", "_", str(error)))[:40] else []
            )
        return any(
            (w.output, w.algorithm, w.what) == (wrong.output, wrong.algorithm, wrong.what) for w in found
        )

    small = smaller(batch, fails)
    title = f"make_batch{batch.case}, output {wrong.output}"
    if len(small.scores) > 40:
        return f"{title}, {len(batch.scores)} items: {batch.loss}"
    labels, scores = f"{small.labels.tolist()}, np.{small.labels.dtype}", [float(x) for x in small.scores]
    lines = [
        f"{title}, {', '.join(small.kinds)}",
        f"loss = rg.{batch.loss!r}",
        f"y = np.array({labels}); w = {None if small.sample_weight is None else small.sample_weight.tolist()}",
        f"s = np.array({scores}, np.{small.scores.dtype})"
        + (f"; v = {small.vector.tolist()}" if wrong.output == "hessp" else ""),
    ]
    if wrong.output:
        rows, got = run(small, levels)
        want = wanted(small)[wrong.output]
        runs = len(got[wrong.output]) // len(rows)
        for r, row in enumerate(rows):
            if row[0] == wrong.algorithm:
                lines += [
                    f"got  {x.tolist()} {' '.join(row)}" for x in got[wrong.output][r * runs : r * runs + 1]
                ]
        lines += [f"want {[float(x) for x in want.total]}, terms {[float(x) for x in want.terms]}"]
    return "\n    ".join(lines)


def search(
    lists: int,
    seed: int,
    levels: tuple[str, ...],
    make: dict[str, Any],
    tell: Callable[[Search], None] | None = None,
) -> Search:
    found, number, active = Search(levels), 0, rg.select_isa(levels[0])
    while found.lists < lists:
        batch = make_batch(seed, number, **make)
        found.judge(batch)
        number += 1
        if tell is not None:
            tell(found)
    rg.select_isa(active)
    return found


def report(found: Search, programs: bool = True) -> str:
    lines = [f"{found.lists} lists, {found.failed_lists} failed, {len(found.failures)} kinds"]
    for key, failure in sorted(found.failures.items()):
        lines.append(
            f"{' '.join(key)}: {failure.count} x, worst {failure.worst:.3g}; {runs_of(failure.runs, found.levels)}; "
            f"{','.join(sorted(failure.outputs))}; {', '.join(sorted(failure.inputs))}"
        )
        if programs and failure.first is not None:
            lines.append("    " + reproducer(*failure.first, found.levels))
    return "\n".join(lines)


def runs_of(runs: set[str], levels: tuple[str, ...]) -> str:
    every = len(runs) == len(ALGORITHMS) * len(levels)
    return "every algorithm and level" if every else ", ".join(sorted(runs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lists", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=["", *LOSSES])
    parser.add_argument("--dtype", default="", choices=["", "float32", "float64"])
    parser.add_argument("--levels", default=",".join(rg.isa_levels()))
    parser.add_argument("--long", type=float, default=0.01, help="share of batches of one long list")
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
    found = search(args.lists, args.seed, tuple(args.levels.split(",")), make, tell)
    print(report(found, not args.brief))
    for key, error in sorted(found.worst.items()):
        print("worst that passed:", *key, f"{error:.2g}")
    print(f"{found.lost} outputs were right only with what pairs next to the smallest number lose")
    sys.exit(bool(found.failures))


if __name__ == "__main__":
    main()
