"""The report in Markdown, and the part of it that stands in README.md."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from bench.peers import PEERS
from bench.report.targets import Results, Row, measured, rows, times
from bench.workloads import Work

NOTES = """How it was measured. Every peer in a process of its own on one pinned core, one thread in every runtime;
its result is compared with rankgrad's first. Calls of the peer and of rankgrad alternate; shortest times, a ratio of
those beside one peer. What has a target is measured in all rounds, minutes apart, the rest in the first. Calls over a
millisecond in time of the process itself, so that others on the machine do not lengthen them; threads by the clock on
the wall. Through Python: value and gradient of the summed loss, labels bound or with the framework before, new arrays
for the results. Memory: how far the process's high-water mark rises over what it held before the call, of rankgrad in
its first call, of a peer in its second. LightGBM and XGBoost: a boosting round with a stump on one feature less the
same round with squared error, against rankgrad's gradient and Hessian. Growth: doubled lengths up to 1,000,000.
Accuracy: against the sums of tests/spec/exact.py, score scales 0.01 to 1,000, ties, one positive or negative among
2,000 items, row weights; relative to the sum of the absolute terms."""


def isas(about: dict[str, Any]) -> str:
    return f"instruction sets {', '.join(about['isas'])}"


def full_report(results: Results, about: dict[str, Any]) -> str:
    """report.md."""
    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    parts = [
        "# Speed, memory and accuracy",
        f"{about['processor']}, {about['date']}. rankgrad by {about['compiler']}, {isas(about)}. "
        f"Python {about['python']}; {packages}. Measured in {about['rounds']} rounds, {about['minutes']:.0f} minutes.",
        "## What was wanted",
        target_table(rows(results)),
        "## Every peer",
        peers_table(results),
        "## One list, milliseconds by length",
        lengths_table(results),
        "![time against list length](speed.png)",
        "![memory against list length](memory.png)",
        "## Labels new in every call, one thread, float32",
        binds_table(results),
        "## Calls and instruction sets",
        calls_table(results),
        "## Not measured, and why",
        "\n".join(failures(results)) or "Nothing.",
        NOTES,
    ]
    return "\n\n".join(parts) + "\n"


def readme_block(results: Results, about: dict[str, Any]) -> str:
    """The main lines, for README.md."""
    head = f"Measured on one core of {about['processor']}, {about['date']}, {isas(about)}:"
    chosen = [row for row in rows(results) if row.met is not None]
    lines = [[row.work, row.against, row.cells[0], row.cells[1]] for row in chosen]
    missing = [name for name in PEERS if not measured(results, peer=name)]
    parts = [head, table(["work", "against", "float32", "float64"], lines)]
    parts += [f"Not measured in this run: {'; '.join(missing)}."] if missing else []
    return "\n" + "\n\n".join(parts) + "\n\n"


def target_table(found: list[Row]) -> str:
    said = {True: "yes", False: "**no**", None: "not measured"}
    lines = [[r.work, r.against, r.wanted, *r.cells, said[r.met]] for r in found]
    return table(["work", "against", "wanted", "float32", "float64", "met"], lines)


def peers_table(results: Results) -> str:
    """Milliseconds, how many times rankgrad's in the same process, and memory; but for the lists of growing length."""
    lines = []
    for r in measured(results):
        if r["peer"] == "rankgrad" or (r["lists"] == 1 and r["length"] != 10_000):
            continue
        peak = "" if r["peak"] is None else f"{r['peak'] / 1e6:,.1f}"
        figures = [
            f"{r['seconds'] * 1e3:.4g}",
            f"{r['rankgrad'] * 1e3:.4g}",
            times(r["seconds"] / r["rankgrad"]),
            peak,
        ]
        lines.append((str(work_of(r)), r["seconds"], [str(work_of(r)), r["peer"], *figures]))
    ordered = [cells for _, _, cells in sorted(lines)]
    return table(["work", "peer", "ms", "rankgrad ms", "rankgrad is faster", "MB"], ordered)


def lengths_table(results: Results) -> str:
    """Peers by row, list lengths by column."""
    one = [r for r in measured(results, lists=1, dtype="float32") if r["loss"] in ("hinge", "logistic")]
    lengths = sorted({r["length"] for r in one})
    cells: dict[tuple[str, str, str], dict[int, str]] = defaultdict(dict)
    for r in one:
        cells[r["loss"], r["peer"], r["labels"]][r["length"]] = f"{r['seconds'] * 1e3:.3g}"
    lines = [[*key, *(found.get(n, "") for n in lengths)] for key, found in sorted(cells.items())]
    return table(["loss", "peer", "labels", *(f"{n:,}" for n in lengths)], lines)


def binds_table(results: Results) -> str:
    """A bind, and a call that binds first against a bound one."""
    lines = [
        [
            f"{r['loss']}, {r['lists']:,} x {r['length']:,}, {r['labels']} labels",
            f"{r['bind'] * 1e9:.1f} ns",
            f"{r['bound'] * 1e6:,.0f} us",
            f"{r['one_off'] * 1e6:,.0f} us",
            f"{r['one_off'] / r['bound']:.2f} x",
        ]
        for r in results["binds"]
        if "failed" not in r
    ]
    return table(["", "bind per item", "bound call", "one-off call", "one-off over bound"], lines)


def calls_table(results: Results) -> str:
    lines = []
    for r in results["calls"]:
        if "pairs" in r:
            lines.append([r["what"], f"{r['pairs'] / r['seconds'] / 1e9:.2f} G pairs/s"])
        elif "seconds" in r:
            lines.append([r["what"], f"{r['seconds'] * 1e6:.1f} us"])
    return table(["", ""], lines)


def failures(results: Results) -> Iterable[str]:
    """One line per peer and reason, with the works; and what rankgrad's own experiments could not do."""
    found: dict[tuple[str, str], list[Work]] = defaultdict(list)
    for r in results["peers"]:
        if "failed" in r:
            found[r["peer"], r["failed"]].append(work_of(r))
    for (peer, reason), works in found.items():
        some = "; ".join(map(str, works[:2])) + (f"; and {len(works) - 2} more" if len(works) > 2 else "")
        yield f"- {peer}: {reason} ({some})"
    for experiment, records in results.items():
        if experiment != "peers":
            yield from (f"- {experiment}: {r['failed']}" for r in records if "failed" in r)


def work_of(record: dict[str, Any]) -> Work:
    return Work(**{field: record[field] for field in Work.__dataclass_fields__})


def table(header: list[str], lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *lines])
