"""What was to be reached, row by row, and whether it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from bench.workloads import Work

Record = dict[str, Any]
Results = dict[str, list[Record]]
DTYPES = ("float32", "float64")

BATCH, LONG = (256, 128), (1, 10_000)
ALL_PAIRS = "LightGBM lambdarank, all pairs"
XGBOOST = "XGBoost rank:ndcg, all pairs"

#: loss, (lists, length), labels, peer or None for the fastest, times rankgrad's time at least.
RATIOS: tuple[tuple[str, tuple[int, int], str, str | None, float], ...] = (
    ("hinge", BATCH, "five", "torch.compile", 12),
    ("logistic", BATCH, "five", "torch.compile", 12),
    ("hinge", BATCH, "five", "Rax, jax.jit", 70),
    ("logistic", BATCH, "five", "Rax, jax.jit", 100),
    ("hinge", LONG, "five", None, 1500),
    ("logistic", LONG, "five", None, 10_000),
    ("delta_ndcg", (2000, 100), "ragged", ALL_PAIRS, 10),
    ("delta_ndcg", (2000, 100), "ragged", "LightGBM lambdarank, default", 5),
    ("delta_ndcg", LONG, "five", ALL_PAIRS, 200),
    ("delta_ndcg", LONG, "five", XGBOOST, 200),
    ("implicit_bpr", (4096, 64), "five", "torch eager", 8),
    ("implicit_hinge", (4096, 64), "five", "torch eager", 8),
    ("adaptive_bpr", (4096, 64), "five", "torch eager", 8),
    ("adaptive_hinge", (4096, 64), "five", "torch eager", 8),
    ("warp", (4096, 64), "five", "torch eager", 8),
    ("softmax", BATCH, "five", "Rax, jax.jit", 1.5),
    ("list_mle", BATCH, "five", "keras-rs, jax.jit", 10),
)

#: Of one list of 1,000,000: loss, labels, nanoseconds per item at most.
NANOSECONDS = (
    ("hinge", "two", 60),
    ("hinge", "five", 60),
    ("logistic", "two", 10),
    ("logistic", "five", 10),
    ("hinge", "distinct", 400),
    ("logistic", "distinct", 150),
)
MILLION = 1_000_000
BYTES_PER_ITEM = 64
GROWTH, GROWTH_FROM = 2.3, 10_000
TWO_CORES = 1.8
#: Nanoseconds per item of a bind: few whole labels, distinct ones, those of one list of 1,000,000.
BIND = {"few": 6, "distinct": 15, "long": 25}
ACCURACY = {"float32": 1e-7, "float64": 1e-12}
LABELS = {"two": "2 levels", "five": "5 levels", "distinct": "all labels distinct"}


class Row(NamedTuple):
    """A line of the table; `cells` are texts of float32 and float64, `met` is None where nothing was measured."""

    work: str
    against: str
    wanted: str
    cells: tuple[str, str]
    met: bool | None


def rows(results: Results) -> list[Row]:
    return [
        *(ratio_row(results, *target) for target in RATIOS),
        *(nanoseconds_row(results, *target) for target in NANOSECONDS),
        *memory_rows(results),
        *growth_rows(results),
        *bind_rows(results),
        *thread_rows(results),
        *accuracy_rows(results),
    ]


def has_target(peer: str, work: Work) -> bool:
    """Whether a row of the table is made of what this peer is asked for."""
    same = (work.loss, (work.lists, work.length), work.labels)
    if any(same == target[:3] and target[3] in (None, peer) for target in RATIOS):
        return True
    return peer == "rankgrad" and work.length == MILLION


def measured(results: Results, **wanted: Any) -> list[Record]:
    """The measurements of peers that came to an end and have these fields."""
    return [
        r
        for r in results["peers"]
        if "seconds" in r and all(r[field] == value for field, value in wanted.items())
    ]


def by_dtype(find: Callable[[str], tuple[str, float] | None], meets: Callable[[float], bool]) -> Any:
    """The cells of a row and whether its target is met, by the text and number that `find` gives for a type."""
    found = [find(dtype) for dtype in DTYPES]
    met = meets(found[0][1]) if found[0] else None
    return tuple(pair[0] if pair else "" for pair in found), met


def times(ratio: float) -> str:
    return f"{ratio:,.0f} x" if ratio >= 100 else f"{ratio:.3g} x"


def ratio_row(
    results: Results, loss: str, size: tuple[int, int], labels: str, peer: str | None, least: float
) -> Row:
    def find(dtype: str) -> tuple[str, float] | None:
        same = {"loss": loss, "lists": size[0], "length": size[1], "labels": labels, "dtype": dtype}
        found = [
            r for r in measured(results, **same) if peer in (None, r["peer"]) and r["peer"] != "rankgrad"
        ]
        if not found:
            return None
        best = min(found, key=lambda r: float(r["seconds"]))
        ratio = best["seconds"] / best["rankgrad"]
        return times(ratio) + ("" if peer else f" ({best['peer']})"), ratio

    name = loss.removeprefix("implicit_").replace("_", " ").replace("ndcg", "NDCG")
    name = f"{name} x logistic, gradient and Hessian" if loss == "delta_ndcg" else name
    about = "lists of about" if labels == "ragged" else "x"
    cells, met = by_dtype(find, lambda ratio: ratio >= least)
    work = f"{name}, {size[0]:,} {about} {size[1]:,}"
    return Row(work, peer or "the fastest peer", f">= {least:,g} x", cells, met)


def nanoseconds_row(results: Results, loss: str, labels: str, most: float) -> Row:
    def find(dtype: str) -> tuple[str, float] | None:
        same = {"peer": "rankgrad", "loss": loss, "length": MILLION, "labels": labels, "dtype": dtype}
        found = [r["seconds"] / MILLION * 1e9 for r in measured(results, **same)]
        return (f"{found[0]:.3g} ns", found[0]) if found else None

    cells, met = by_dtype(find, lambda ns: ns <= most)
    return Row(f"{loss}, 1 x {MILLION:,}, {LABELS[labels]}", "per item", f"<= {most} ns", cells, met)


def memory_rows(results: Results) -> Iterator[Row]:
    """Of the longest lists: the first call's peak less its result, and what binding keeps."""
    peaks, kept = {}, {}
    for dtype in DTYPES:
        found = measured(results, peer="rankgrad", length=MILLION, dtype=dtype)
        result = np.dtype(dtype).itemsize
        known = [r for r in found if r["first_peak"] is not None]
        peaks[dtype] = max((r["first_peak"] / MILLION - result for r in known), default=None)
        kept[dtype] = max((r["kept"] / MILLION for r in known), default=None)

    def find(sizes: dict[str, float | None], dtype: str) -> tuple[str, float] | None:
        size = sizes[dtype]
        return None if size is None else (f"{size:.3g} bytes", size)

    cells, met = by_dtype(partial(find, peaks), lambda size: size <= BYTES_PER_ITEM)
    work = f"hinge and logistic, 1 x {MILLION:,}: memory of a call beyond inputs, result and what bind keeps"
    yield Row(work, "per item", f"<= {BYTES_PER_ITEM} bytes", cells, met)
    cells, met = by_dtype(partial(find, kept), lambda size: True)
    yield Row(f"hinge and logistic, 1 x {MILLION:,}: what bind keeps", "per item", "said apart", cells, met)


def growth_rows(results: Results) -> Iterator[Row]:
    """The largest growth of any label mix, from GROWTH_FROM items on."""
    found: dict[str, list[tuple[float, str]]] = {}
    for r in results["growth"]:
        if "failed" not in r:
            pairs = zip(r["seconds"][1:], r["seconds"], r["lengths"][1:], strict=False)
            ratio, n = max((double / single, n) for double, single, n in pairs if n >= 2 * GROWTH_FROM)
            found.setdefault(r["loss"], []).append((ratio, f"{ratio:.2f} ({n:,}, {LABELS[r['labels']]})"))
    for loss, ratios in found.items():
        ratio, cell = max(ratios)
        work = f"{loss}, 1 x n: largest time(2n) / time(n) from n = {GROWTH_FROM:,} to {MILLION:,}"
        yield Row(work, "itself", f"<= {GROWTH}", (cell, ""), ratio <= GROWTH)


def bind_rows(results: Results) -> Iterator[Row]:
    """The slowest bind of any loss and shape, per item."""
    found: dict[str, list[float]] = {}
    for r in results["binds"]:
        if "failed" not in r:
            kind = "long" if (r["lists"], r["labels"]) == (1, "distinct") else r["labels"]
            found.setdefault(kind, []).append(1e9 * r["bind"])
    works = {
        "few": "5 labels",
        "distinct": "distinct labels, lists of 32 to 1,000",
        "long": "distinct, 1 x 1,000,000",
    }
    for kind, nanoseconds in found.items():
        slowest, wanted = max(nanoseconds), BIND[kind]
        yield Row(
            f"bind, {works[kind]}",
            "itself",
            f"<= {wanted} ns",
            (f"{slowest:.1f} ns per item", ""),
            slowest <= wanted,
        )


def thread_rows(results: Results) -> Iterator[Row]:
    found: dict[str, dict[str, float]] = {}
    for r in results["threads"]:
        if "failed" not in r:
            name = f"{r['loss']}, {r['lists']:,} x {r['length']:,}, two threads"
            found.setdefault(name, {})[r["dtype"]] = r["one"] / r["two"]
    for name, ratio in found.items():
        cells = (f"{ratio['float32']:.2f} x", f"{ratio['float64']:.2f} x")
        yield Row(name, "one thread", f">= {TWO_CORES} x", cells, ratio["float32"] >= TWO_CORES)


def accuracy_rows(results: Results) -> Iterator[Row]:
    found: dict[str, dict[str, float]] = {}
    for r in results["accuracy"]:
        if "failed" not in r:
            found.setdefault(r["loss"], {})[r["dtype"]] = r["error"]
    wanted = ", ".join(f"<= {bound:g}" for bound in ACCURACY.values())
    for loss, error in found.items():
        cells = (f"{error['float32']:.1e}", f"{error['float64']:.1e}")
        met = all(error[dtype] <= bound for dtype, bound in ACCURACY.items())
        yield Row(
            f"{loss.replace('_', ' ')}, fast sums: largest error", "extended precision", wanted, cells, met
        )
