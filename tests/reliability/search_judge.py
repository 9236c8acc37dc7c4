"""What rankgrad gives for a batch, in every way of computing it, and which of its numbers are beyond the bound."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import rankgrad as rg

from exact_pairs import LD, OUTPUTS, Array, Sum, exact
from search_inputs import Batch

ALGORITHMS = ("auto", "direct", "fast")
TOL = {"float64": LD(1e-12), "float32": LD(1e-6)}
#: Not a failure: right only with what a pair next to the smallest number may lose.
LOST = "lost"


@dataclass(frozen=True)
class Wrong:
    number: int
    item: int
    algorithm: str
    isa: str
    output: str
    what: str
    error: float


def settings(batch: Batch) -> tuple[str, str, str]:
    weight = batch.loss.lambda_weight
    return (
        batch.loss._kernel_name(),
        "none" if weight is None else type(weight).__name__,
        batch.scores.dtype.name,
    )


def run(batch: Batch, isas: tuple[str, ...]) -> tuple[list[tuple[str, str]], dict[str, Array], set[str]]:
    """(algorithm, isa) of every run; of every output one or several rows for each run; what was warned of."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        rows, found = every_way(batch, isas)
    return rows, found, {str(warning.message) for warning in told}


def every_way(batch: Batch, isas: tuple[str, ...]) -> tuple[list[tuple[str, str]], dict[str, Array]]:
    rows: list[tuple[str, str]] = []
    found: dict[str, list[Any]] = {key: [] for key in ("value", *OUTPUTS)}
    unreduced = replace(batch.loss, reduction="none")
    x = batch.scores
    for algorithm in ALGORITHMS:
        options = {"offsets": batch.offsets, "algorithm": algorithm}
        bound = batch.loss.bind(batch.labels, batch.sample_weight, **options)
        rows_of = unreduced.bind(batch.labels, batch.sample_weight, **options)
        for isa in isas:
            rg.select_isa(isa)
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
            rows.append((algorithm, isa))
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


def compare(got: Array, want: Sum, tol: Any, *, lost: bool = False) -> Array:
    """The error in units of the bound; NaN for a NaN, infinity where an infinity is wrong. `got` has a row per run."""
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        bound = (
            tol * want.terms
            + want.drift
            + LD(info.eps) / 2 * np.abs(want.total)
            + 2 * LD(info.smallest_subnormal)  # the sum is rounded there, and its product with a scale
        )
        if lost:
            bound = bound + want.lost
        units = np.abs(got - want.total) / bound
        unbounded = np.isnan(want.total) | ~np.isfinite(bound)
        may_overflow = unbounded | (np.abs(want.total) + bound >= LD(info.max))
        fits = np.isinf(got) & may_overflow & (unbounded | (np.sign(got) == np.sign(want.total)))
        units = np.where(fits | (unbounded & ~np.isnan(got)), 0, units)
        return np.where(np.isnan(got), np.nan, np.where(np.isinf(got) & ~fits, np.inf, units))


def wrongs(batch: Batch, isas: tuple[str, ...], worst: dict[tuple[str, ...], float]) -> Iterator[Wrong]:
    """All that is wrong; `worst` takes the largest error that is right, by settings and algorithm."""
    try:
        rows, got, told = run(batch, isas)
    except ValueError as error:
        yield Wrong(0, 0, "", "", "", "raises " + re.sub(r"[0-9]+", "_", str(error))[:80], 0.0)
        return
    for text in told:
        yield Wrong(0, 0, "", "", "", f"warns {text}", 0.0)
    want = wanted(batch)
    tol = TOL[batch.scores.dtype.name]
    for key, numbers in got.items():
        units = units_of(batch, rows, key, numbers, want, tol)
        if not (units <= 1).all():
            strict, units = units, units_of(batch, rows, key, numbers, want, tol, lost=True)
            if ((strict > 1) & (units <= 1)).any():
                yield Wrong(0, 0, "", "", key, LOST, 0.0)
        of_run = units.reshape(len(rows), -1, units.shape[1])
        for (algorithm, _), mine in zip(rows, of_run, strict=True):
            place = (*settings(batch), algorithm)
            worst[place] = max(worst.get(place, 0.0), float(mine[mine <= 1].max(initial=0.0)))
        if not (units <= 1).all():
            yield from describe(batch, rows, key, of_run, want[key])


def units_of(
    batch: Batch,
    rows: list[tuple[str, str]],
    key: str,
    got: Array,
    want: dict[str, Sum],
    tol: Any,
    lost: bool = False,
) -> Array:
    """Errors in units of the bound; near-linear sums of the soft zero-one loss's curvature are measured by p q."""
    units = compare(got, want[key], tol, lost=lost)
    if not isinstance(batch.loss, rg.PairwiseSoftZeroOneLoss) or key not in ("hess", "hessp"):
        return units
    curvature = want["positive"].terms * (1 if key == "hess" else 2 * np.abs(batch.vector).max(initial=0))
    wide = compare(got, replace(want[key], terms=curvature), tol, lost=lost)
    near_linear = np.repeat([algorithm != "direct" for algorithm, _ in rows], len(got) // len(rows))
    return np.where(near_linear[:, None], wide, units)


def describe(
    batch: Batch, rows: list[tuple[str, str]], key: str, of_run: Array, want: Sum
) -> Iterator[Wrong]:
    """One failure per list, algorithm and isa."""
    lists = (
        np.repeat(np.arange(len(batch.kinds)), np.diff(batch.offsets)) if key != "value" else np.zeros(1, int)
    )
    # Nothing is promised of sums whose terms are beyond double before their weights, or of both signs.
    huge = np.abs(want.terms) > LD(np.finfo(float).max)
    spans = [np.ptp(x.astype(LD)) for x in np.split(batch.scores, batch.offsets[1:-1]) if x.size]
    span = max(spans, default=LD(0)) / LD(batch.loss.temperature)
    beyond = span > LD(2) ** 960
    for (algorithm, isa), units in zip(rows, of_run, strict=True):
        wrong = ~(units <= 1).all(0)
        for number in np.unique(lists[wrong]):
            items = np.flatnonzero(wrong & (lists == number))
            if huge[items].all() or (beyond and key in ("value", "values")):
                continue
            errors, what = units[:, items], "error"
            if not np.isfinite(errors).all():
                what = "NaN" if np.isnan(errors).any() else "infinite"
            error = float(errors[np.isfinite(errors)].max(initial=0.0))
            yield Wrong(int(number), int(items[0]), algorithm, isa, key, what, error)
