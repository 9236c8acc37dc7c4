"""Builds engine and bindings with counters, runs the tests, and tells the lines and branches that ran.

`python tests/reliability/coverage_of_all.py [--build FOLDER] [arguments of pytest]` prints the figure, and what did
not run. Lines and branches are those of `cpp/engine` and `cpp/bindings`. Branches that only exceptions take (every call
may throw) do not count, nor do those that the compiler makes to clean up after them: a line has two for each of its
conditions (if, for, while, ?, &&, ||), those of a switch all. A line that goes on with the statement of the line above
counts with that, and closing brackets, whose own code is for exceptions, count not at all; nor does the sleep of
threads for which there is no more Python, as a process that ends around them writes no counts. The package's own lines
are counted by coverage.py, in the processes too that the tests start.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: What only a process does that never writes its counts.
NEVER_COUNTED = re.compile(r"sleep_for_ever|sleep_for\(std::chrono::hours|\} catch \(\.\.\.\)")
SETTINGS = """
[run]
source = {folder}/rankgrad
data_file = {folder}/counts
parallel = true
patch = subprocess
[report]
exclude_also = @abstractmethod
"""


def build(folder: Path) -> None:
    """The package with counters in `folder`."""
    import pybind11

    where = folder / "build"
    options = {
        "RANKGRAD_COVERAGE": "ON",
        "RANKGRAD_ISAS": "v3",
        "CMAKE_BUILD_TYPE": "None",
        "SKBUILD_PROJECT_VERSION": "0",
        "Python_EXECUTABLE": sys.executable,
        "pybind11_DIR": pybind11.get_cmake_dir(),
    }
    command = ["cmake", "-S", ROOT, "-B", where, "-G", "Ninja", *(f"-D{k}={v}" for k, v in options.items())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", where], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(ROOT / "python" / "rankgrad", folder / "rankgrad", ignore=shutil.ignore_patterns("*.so"))
    (module,) = where.glob("_core*.so")
    (folder / "rankgrad" / module.name).symlink_to(module)


def heads_of(source: str) -> dict[int, int]:
    """For each line of C++ that counts, the line where its statement begins."""
    heads: dict[int, int] = {}
    head, statement = 0, ""
    for number, text in enumerate(source.splitlines(), 1):
        code = re.sub(r"\s*//.*", "", text).strip()
        if code.strip("{}();,") and not NEVER_COUNTED.search(code):
            head = head if statement else number
            heads[number] = head
        statement = f"{statement} {code}".strip()
        condition = re.match(r"(\} )?(else )?(if|for|while|switch)\b", statement) is not None
        whole = statement.count("(") == statement.count(")")
        if code.endswith((";", "{", "}", ":", "else")) or (condition and whole):
            statement = ""
    return heads


def conditions(text: str) -> int:
    """How many conditions a line of C++ has."""
    code = re.sub(r"\s*//.*", "", text)
    return 99 if "switch" in code else len(re.findall(r"\b(?:if|for|while)\b(?! constexpr)|\?|&&|\|\|", code))


def counts_of_core(where: Path) -> tuple[dict[str, dict[int, int]], dict[tuple[str, int], list[int]]]:
    """How often each line ran, and each branch of a line; templates and inline functions are added up."""
    lines: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    branches: dict[tuple[str, int], list[int]] = {}
    for data in where.rglob("*.gcda"):
        if "rankgrad_kernels" in str(data):
            continue
        subprocess.run(
            ["gcov", "--json-format", "-b", data], cwd=data.parent, check=True, capture_output=True
        )
        for report in data.parent.glob("*.gcov.json.gz"):
            content: dict[str, Any] = json.loads(gzip.decompress(report.read_bytes()))
            report.unlink()
            for file in content["files"]:
                name = os.path.relpath(os.path.join(content["current_working_directory"], file["file"]), ROOT)
                name = file["file"].removeprefix("./") if not name.startswith("cpp/") else name
                if not name.startswith(("cpp/engine", "cpp/bindings")):
                    continue
                source = (ROOT / name).read_text()
                heads, texts = heads_of(source), source.splitlines()
                for line in file["lines"]:
                    head = heads.get(line["line_number"])
                    if head is None:
                        continue
                    lines[name][head] += line["count"]
                    taken = [b["count"] for b in line["branches"] if not b["throw"]]
                    taken = taken[: 2 * conditions(texts[line["line_number"] - 1])]
                    if len(taken) > 1:
                        seen = branches.setdefault((name, line["line_number"]), [])
                        branches[name, line["line_number"]] = add(seen, taken)
    return lines, branches


def add(seen: list[int], taken: list[int]) -> list[int]:
    """Counts of the same branches in two instances of a template, which may have been simplified differently."""
    if not seen:
        return list(taken)
    if len(seen) != len(taken):
        return max(seen, taken, key=lambda counts: sum(c > 0 for c in counts) / len(counts))
    return [a + b for a, b in zip(seen, taken, strict=True)]


def run_tests(folder: Path, tests: list[str]) -> tuple[int, str, str]:
    """How pytest ended, the report of coverage.py and its percentage; counts of earlier runs in `folder` add up."""
    settings = folder / "coveragerc"
    settings.write_text(SETTINGS.format(folder=folder))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    coverage = [sys.executable, "-m", "coverage"]
    rcfile = f"--rcfile={settings}"
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run([*coverage, "run", rcfile, *pytest], cwd=ROOT, env=environment)

    def said(*command: str) -> str:
        whole = [*coverage, *command, rcfile]
        return subprocess.run(whole, cwd=folder, env=environment, capture_output=True, text=True).stdout

    said("combine", "-q", "--append")
    return done.returncode, said("report", "-m", "--skip-covered"), said("report", "--format=total").strip()


def print_missed(lines: dict[str, dict[int, int]], branches: dict[tuple[str, int], list[int]]) -> None:
    """What of the core did not run."""
    for file, of in sorted(lines.items()):
        missed = [number for number, count in sorted(of.items()) if count == 0]
        if missed:
            print(f"{file}: lines {missed} did not run")
    for (file, line), counts in sorted(branches.items()):
        if 0 in counts:
            missed = [k for k, count in enumerate(counts) if count == 0]
            print(f"{file}:{line}: branches {missed} of {len(counts)} not taken")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, help="a folder to keep: the counts of several runs add up")
    options, tests = parser.parse_known_args()
    tests = tests or ["tests", "-m", "not slow", "--ignore=tests/codebase/test_contributing.py"]
    with tempfile.TemporaryDirectory() as name:
        folder = (options.build or Path(name)).resolve()
        where = folder / "build"
        if not where.exists():
            build(folder)
        code, report, python = run_tests(folder, tests)
        lines, branches = counts_of_core(where)
    print(report)
    print_missed(lines, branches)
    counts = [count for of in lines.values() for count in of.values()]
    taken = [count for of in branches.values() for count in of]
    print(f"coverage: C++ {share(counts)} lines, {share(taken)} branches; Python {python} % of the lines")
    return code


def share(counts: list[int]) -> str:
    return f"{100 * sum(count > 0 for count in counts) / len(counts):.1f} % of {len(counts)}"


if __name__ == "__main__":
    sys.exit(main())
