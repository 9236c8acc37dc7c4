"""Measures rankgrad beside its peers on one core and writes a table with targets, all figures, and pictures.

python -m bench.report                     all of it, three quarters of an hour, into bench/results
python -m bench.report --rounds 1          each measurement once, a third of the time
python -m bench.report --quick             a minute or two, to see that it runs
python -m bench.report --peers NumPy numba rankgrad
python -m bench.report --publish           also docs/speed.png, docs/memory.png and the figures in README.md
python -m bench.report --results FILE      writes the report of an earlier run
"""

from __future__ import annotations

import argparse
import json
import platform
import re
from datetime import date
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

import rankgrad as rg

from bench.peers import PEERS
from bench.report import plots
from bench.report.collect import run_all
from bench.report.tables import full_report, readme_block
from bench.report.targets import Results

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- made by bench/report -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few lengths, few repeats")
    parser.add_argument("--peers", nargs="+", choices=PEERS, metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=3, help="how often what has a target is measured (3)")
    parser.add_argument("--results", type=Path, help="take the measurements of an earlier run")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "bench" / "results", help="folder of the report"
    )
    parser.add_argument("--publish", action="store_true", help="into docs/ and README.md too")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    if options.results:
        run = json.loads(options.results.read_text())
    else:
        run = measured_run(options.quick, options.peers, options.rounds, options.output / "results.json")
    write(run, options.output, options.publish)


def measured_run(quick: bool, peers: list[str] | None, rounds: int, path: Path) -> dict[str, Any]:
    """Measure, saving as it goes: `--results` makes a report of a run that was broken off, too."""
    start, rounds = perf_counter(), 1 if quick else rounds

    def save(results: Results) -> None:
        run = {"about": {**about(perf_counter() - start), "rounds": rounds}, "results": results}
        path.write_text(json.dumps(run, indent=1))

    run_all(quick, peers, rounds, save)
    return dict(json.loads(path.read_text()))


def write(run: dict[str, Any], folder: Path, publish: bool) -> None:
    results, machine = run["results"], run["about"]["processor"]
    (folder / "report.md").write_text(full_report(results, run["about"]), encoding="utf-8")
    block = readme_block(results, run["about"])
    (folder / "readme.md").write_text(block, encoding="utf-8")
    plots.draw(results, folder, machine)
    print(f"\n{block}\nwrote {folder}/report.md, readme.md, speed.png, memory.png")
    if publish:
        plots.draw(results, ROOT / "docs", machine)
        text = README.read_text(encoding="utf-8")
        README.write_text(BLOCK.sub(lambda m: m[1] + block + m[2], text), encoding="utf-8")


def about(seconds: float) -> dict[str, Any]:
    """Where and with what the figures were made."""
    packages = {name for peer in PEERS.values() for name in peer.packages.split()}
    return {
        "processor": processor(),
        "date": date.today().isoformat(),
        "minutes": seconds / 60,
        "compiler": rg.build_info()["compiler"],
        "isas": rg.isa_levels(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in sorted(packages)},
    }


def version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
