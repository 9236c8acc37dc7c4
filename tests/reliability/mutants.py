"""Removes each argument check of the package in turn and asks the tests whether they notice.

`python tests/reliability/mutants.py` prints one line per check that nobody misses, and the figure. With `--cpp BUILD`
it removes those of the compiled core instead, in a build folder of the sources beside (see `nox -s mutation`).
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python" / "rankgrad"

#: Whoever is likeliest to notice comes first: the run ends with the first failure.
TESTS = [
    "tests/reliability/test_hostile.py",
    "tests/test_errors.py",
    "tests/test_implicit_calls.py",
    "tests/test_ranking_softmax.py",
    "tests/test_listwise.py",
    "tests/test_metrics.py",
    "tests/test_objective.py",
    "tests/test_lightgbm.py",
    "tests/test_xgboost.py",
    "tests/test_demo.py",
]

#: Checks that no test can miss, each with its reason.
UNREACHABLE: dict[str, str] = {
    "arrays.hpp": "Python has converted and checked every array before: this is the second wall",
    "bind_implicit.cpp": "names and shapes that the Python classes have checked: the second wall",
    "bind_loss.hpp": "modes that the Python classes alone pass: the second wall",
    "bind_metrics.cpp": "options that rankgrad.metrics has checked: the second wall",
    "bind_pairwise.cpp": "an algorithm that `bind` has checked: the second wall",
}


class Mutant(NamedTuple):
    """A check: its file, its line, and the text of the file without it."""

    path: Path
    line: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def without_raise(source: str, node: ast.Raise) -> str:
    """The source with `pass` instead of a statement."""
    lines = source.splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    head = lines[node.lineno - 1][: node.col_offset]
    tail = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
    return "".join([*lines[: node.lineno - 1], f"{head}pass{tail}", *lines[node.end_lineno :]])


def python_mutants() -> Iterator[Mutant]:
    """One for each `raise ValueError(...)` and `raise TypeError(...)` of the package."""
    for path in sorted(PACKAGE.glob("*.py")):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            if isinstance(node.exc.func, ast.Name) and node.exc.func.id in ("ValueError", "TypeError"):
                yield Mutant(path, node.lineno, without_raise(source, node))


def cpp_mutants() -> Iterator[Mutant]:
    """One for each statement `throw ArgumentError(...);` of the core."""
    for path in sorted((ROOT / "cpp").rglob("*.[hc]pp")):
        source = path.read_text()
        for found in re.finditer(r"\bthrow ArgumentError\(.*?\);\n", source, flags=re.DOTALL):
            line = source.count("\n", 0, found.start()) + 1
            yield Mutant(
                path, line, source[: found.start()] + "static_cast<void>(0);\n" + source[found.end() :]
            )


def run_tests(folder: Path) -> tuple[bool, str]:
    """Whether a test fails with the package of `folder`, and what failed first."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    tests = [name for name in TESTS if (ROOT / name).exists()]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    failures = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, flags=re.MULTILINE)
    return done.returncode != 0, failures[0] if failures else done.stdout[-300:]


def package_copy(folder: Path, core: Path) -> Path:
    """A package of our sources with the compiled core `core`."""
    package = folder / "rankgrad"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    (package / core.name).symlink_to(core)
    return package


def python_survivors(mutants: list[Mutant], folder: Path, core: Path) -> Iterator[Mutant]:
    package = package_copy(folder, core)
    for mutant in mutants:
        (package / mutant.path.name).write_text(mutant.text)
        noticed, by = run_tests(folder)
        (package / mutant.path.name).write_text(mutant.path.read_text())
        print(f"{mutant.place}: {by if noticed else 'NOT NOTICED'}", flush=True)
        if not noticed:
            yield mutant


def cpp_survivors(mutants: list[Mutant], folder: Path, build: Path) -> Iterator[Mutant]:
    """`build` is a ninja build folder of these sources, which are changed and put back."""
    (core,) = build.glob("_core*.so")
    package_copy(folder, core)
    for mutant in mutants:
        original = mutant.path.read_text()
        try:
            mutant.path.write_text(mutant.text)
            built = subprocess.run(["ninja", "-C", build], capture_output=True, text=True)
            noticed, by = run_tests(folder) if built.returncode == 0 else (True, "does not compile")
        finally:
            mutant.path.write_text(original)
        print(f"{mutant.place}: {by if noticed else 'NOT NOTICED'}", flush=True)
        if not noticed:
            yield mutant
    subprocess.run(["ninja", "-C", build], check=True, capture_output=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cpp", type=Path, metavar="BUILD", help="the compiled core's checks, in this build folder"
    )
    parser.add_argument("--only", default="", help="a regular expression that places must match")
    options = parser.parse_args()
    every = cpp_mutants() if options.cpp else python_mutants()
    mutants = [m for m in every if m.path.name not in UNREACHABLE and re.search(options.only, m.place)]
    from rankgrad import _core

    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        if options.cpp:
            survivors = list(cpp_survivors(mutants, where, options.cpp.resolve()))
        else:
            survivors = list(python_survivors(mutants, where, Path(_core.__file__).resolve()))
    kind = "C++" if options.cpp else "Python"
    print(f"mutation: {len(mutants) - len(survivors)} of {len(mutants)} removed {kind} checks noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
