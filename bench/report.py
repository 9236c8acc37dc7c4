"""Runs the benchmarks and writes bench/results/report.md and a picture of pairs per second.

python bench/report.py                          all of it, about ten minutes
python bench/report.py --quick                  to see that it runs
python bench/report.py --plot docs/speed.png    the README's picture
python bench/report.py --json FILE              a report on an earlier run
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import rankgrad as rg

HERE = Path(__file__).parent
COLOURS = {"baseline": "tab:blue", "v3": "tab:orange", "v4": "tab:red", "NumPy": "tab:gray"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few lengths, few pairs")
    parser.add_argument("--json", type=Path, help="take the results of an earlier run")
    parser.add_argument("--output", type=Path, default=HERE / "results", help="folder of the report")
    parser.add_argument(
        "--plot", type=Path, help="where the picture goes, default in the folder of the report"
    )
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    results = options.json or options.output / "benchmarks.json"
    if options.json is None:
        run_benchmarks(results, options.quick)
    benchmarks = json.loads(results.read_text())["benchmarks"]
    plot_path = options.plot or options.output / "pairs_per_second.png"
    plot(benchmarks, plot_path)
    report = options.output / "report.md"
    report.write_text(report_text(benchmarks, plot_path.name), encoding="utf-8")
    print(f"wrote {report} and {plot_path}")


def run_benchmarks(results: Path, quick: bool) -> None:
    """Runs pytest, whose progress is shown, and leaves the measurements in `results`."""
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-o", "console_output_style=count", "-v"]
    command += [str(HERE / "bench_pairs.py"), f"--benchmark-json={results}", "--benchmark-columns=min,median"]
    command += ["--quick", "--benchmark-max-time=0.02"] if quick else ["--benchmark-max-time=1"]
    subprocess.run(command, check=True)


def of_kind(benchmarks: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    """What the benchmarks of some kinds computed, with the shortest time in seconds."""
    return [
        {**b["extra_info"], "seconds": b["stats"]["min"]}
        for b in benchmarks
        if b["extra_info"]["kind"] in kinds
    ]


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def report_text(benchmarks: list[dict[str, Any]], picture: str) -> str:
    build = rg.build_info()
    parts = [
        "# Speed of the pairwise losses",
        f"{processor()}; rankgrad {rg.__version__}, {build['compiler']}, levels {', '.join(rg.isa_levels())}. "
        "One thread; shortest of many runs; made by `python bench/report.py`.",
        "## Value and gradient, 10^9 pairs per second by list length",
        speed_table(of_kind(benchmarks, "direct", "numpy")),
        f"![pairs per second against list length]({picture})",
        "## 2,000 ragged lists of about 100 items, labels 0 to 4",
        grades_table(benchmarks),
        "Gradient and Hessian of one call or boosting round. LightGBM's is the time of a round with a stump on one "
        "feature, less that of the same round with squared error.",
        "## Calls",
        table(
            ["call", "microseconds"],
            [[r["method"], f"{r['seconds'] * 1e6:.2f}"] for r in of_kind(benchmarks, "call")],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def speed_table(rows: list[dict[str, Any]]) -> str:
    lengths = sorted({r["length"] for r in rows})
    speeds: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
    for r in rows:
        speeds[r["loss"], r["dtype"], r["isa"]][r["length"]] = r["pairs"] / r["seconds"] / 1e9
    lines = [
        [*key, *(f"{found[n]:.3g}" if n in found else "" for n in lengths)]
        for key, found in sorted(speeds.items())
    ]
    return table(["loss", "dtype", "level", *map(str, lengths)], lines)


def grades_table(benchmarks: list[dict[str, Any]]) -> str:
    base = next((r["seconds"] for r in of_kind(benchmarks, "base")), 0.0)
    rows = of_kind(benchmarks, "grades")
    rows += [{**r, "seconds": r["seconds"] - base} for r in of_kind(benchmarks, "round")]
    slowest = max((r["seconds"] for r in rows), default=0.0)
    rows.sort(key=lambda r: r["seconds"])
    return table(
        ["method", "milliseconds", "times faster than the slowest"],
        [[r["method"], f"{r['seconds'] * 1e3:.2f}", f"{slowest / r['seconds']:.1f}"] for r in rows],
    )


def table(header: list[str], lines: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *lines])


def plot(benchmarks: list[dict[str, Any]], path: Path) -> None:
    """One panel per loss: pairs per second against list length, per level, dtype and peer."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = of_kind(benchmarks, "direct", "numpy")
    losses = list(dict.fromkeys(r["loss"] for r in rows))
    figure, axes = plt.subplots(2, 3, figsize=(12, 6.5), sharex=True, sharey=True, layout="constrained")
    for axis, loss in zip(axes.flat, losses, strict=False):
        for isa, colour in COLOURS.items():
            for dtype, style in (("float32", "-"), ("float64", "--")):
                line = sorted(
                    (r["length"], r["pairs"] / r["seconds"])
                    for r in rows
                    if (r["loss"], r["isa"], r["dtype"]) == (loss, isa, dtype)
                )
                if line:
                    axis.loglog(
                        *zip(*line, strict=True), style, color=colour, marker=".", label=f"{isa}, {dtype}"
                    )
        axis.set_title(loss.replace("_", " "), fontsize="medium")
        axis.grid(alpha=0.3)
    plot_lambdarank(axes.flat[losses.index("logistic")] if "logistic" in losses else axes.flat[0], benchmarks)
    for axis in axes[-1]:
        axis.set_xlabel("items per list")
    for axis in axes[:, 0]:
        axis.set_ylabel("pairs per second")
    handles = {
        label: h for axis in axes.flat for h, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, fontsize="small")
    figure.suptitle(f"Value and gradient, one thread, {processor()}", fontsize="medium")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_lambdarank(axis: Any, benchmarks: list[dict[str, Any]]) -> None:
    """LightGBM's gradient over all pairs, as one point at its mean list length."""
    pairs = next((r["pairs"] for r in of_kind(benchmarks, "grades")), None)
    base = next((r["seconds"] for r in of_kind(benchmarks, "base")), None)
    for r in of_kind(benchmarks, "round"):
        if pairs and base and "all pairs" in r["method"]:
            axis.plot([100], [pairs / (r["seconds"] - base)], "k*", label="LightGBM lambdarank, all pairs")


if __name__ == "__main__":
    main()
