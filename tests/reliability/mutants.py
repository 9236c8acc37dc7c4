"""Removes each argument check of the package and its core in turn and asks the tests whether they notice.

`python tests/reliability/mutants.py [--build FOLDER] [--only REGEX]` prints a line per check, and the figure. All
checks are guarded in one build of a copy of the sources: guard number k lets its error pass unless $RANKGRAD_MUTANT
is k. A first run of the tests writes down which test reaches which guard, a second that those pass one after the other
in one process; then each check is removed, and the tests that reach it run until one fails.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python" / "rankgrad"

#: Tests that build, look at sources or compute for long notice nothing; those of processes are asked last.
ASKED = ["bridges", "calls", "implicit", "losses", "test_minimal.py", "reliability/test_hostile.py"]
WITHOUT = ["bridges/test_real_data.py", "calls/test_readme.py"]
FIRST_RUN = ["-m", "not slow", *(f"tests/{name}" for name in ASKED)]
FIRST_RUN += [f"--ignore=tests/{name}" for name in WITHOUT]
MOST_TESTS = 30
NO_MUTANT = -1

PYTHON_GUARD = '''"""Lets every argument check raise but one, and notes who came by."""
import os

seen = set()

def passes(number):
    if os.environ.get("RANKGRAD_MUTANT") == str(number):
        return False
    at = number, os.environ.get("PYTEST_CURRENT_TEST", "")
    if "RANKGRAD_REACHED" in os.environ and at not in seen:
        seen.add(at)
        with open(os.environ["RANKGRAD_REACHED"], "a") as file:
            file.write(f"{number}\\t{at[1]}\\n")
    return True
'''
CPP_GUARD = r"""
#include <cstdio>
#include <cstdlib>
bool rankgrad_passes(int number) {
    const char *mutant = std::getenv("RANKGRAD_MUTANT"), *reached = std::getenv("RANKGRAD_REACHED");
    if (mutant != nullptr && std::atoi(mutant) == number) return false;
    const char* test = std::getenv("PYTEST_CURRENT_TEST");
    if (reached != nullptr)
        if (std::FILE* file = std::fopen(reached, "a")) {
            std::fprintf(file, "%d\t%s\n", number, test != nullptr ? test : "");
            std::fclose(file);
        }
    return true;
}
"""


class Check(NamedTuple):
    """A statement that raises, as it stands and in what file."""

    path: Path
    line: int
    begin: int
    end: int

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def python_checks() -> Iterator[Check]:
    """Each `raise ValueError(...)` and `raise TypeError(...)` of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        starts = [0]
        for text in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(text))
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
                continue
            if isinstance(node.exc.func, ast.Name) and node.exc.func.id in ("ValueError", "TypeError"):
                assert node.end_lineno is not None
                assert node.end_col_offset is not None
                begin = starts[node.lineno - 1] + node.col_offset
                yield Check(path, node.lineno, begin, starts[node.end_lineno - 1] + node.end_col_offset)


def cpp_checks() -> Iterator[Check]:
    """Each statement `throw ArgumentError(...);` of the core."""
    for path in sorted((ROOT / "cpp").rglob("*.[hc]pp")):
        source = path.read_bytes()
        for found in re.finditer(rb"\bthrow ArgumentError\(.*?\);\n", source, flags=re.DOTALL):
            if source[: found.start()].rstrip().endswith(b":"):
                continue  # the last choice of a conditional expression, which cannot be left out
            line = source.count(b"\n", 0, found.start()) + 1
            yield Check(path, line, found.start(), found.end() - 1)


def ends_function(source: bytes, check: Check) -> bool:
    """Whether the statement is the last of a function of C++ that gives something."""
    heads = re.findall(rb"^[^\s}#/].*", source[: check.begin], flags=re.MULTILINE)
    return source[check.end :].startswith(b"\n}") and b"void" not in heads[-1]


def guarded(source: bytes, checks: list[tuple[int, Check]], language: str) -> bytes:
    """The source with a guard before each of its checks, from the last to the first."""
    for number, check in sorted(checks, key=lambda pair: -pair[1].begin):
        statement = source[check.begin : check.end]
        if language == "python":
            test = f'if __import__("rankgrad._mutants", fromlist=["passes"]).passes({number}): '.encode()
            statement = test + statement
        else:
            # Without a result the end of a function could not be reached, and the guard would be left out.
            result = b" return {};" if ends_function(source, check) else b""
            statement = f"{{ if (rankgrad_passes({number})) ".encode() + statement + result + b" }"
        source = source[: check.begin] + statement + source[check.end :]
    return source if language == "python" else b"bool rankgrad_passes(int);\n" + source


def guarded_copy(checks: list[Check], folder: Path) -> None:
    """All sources in `folder`, every check guarded by its number."""
    for name in ("cpp", "cmake", "python"):
        skipped = shutil.ignore_patterns("*.so", "__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=skipped, dirs_exist_ok=True)
    shutil.copy(ROOT / "CMakeLists.txt", folder)
    of_file: dict[Path, list[tuple[int, Check]]] = defaultdict(list)
    for number, check in enumerate(checks):
        of_file[check.path].append((number, check))
    for path, some in of_file.items():
        language = "python" if path.suffix == ".py" else "cpp"
        (folder / path.relative_to(ROOT)).write_bytes(guarded(path.read_bytes(), some, language))
    (folder / "python" / "rankgrad" / "_mutants.py").write_text(PYTHON_GUARD)
    with open(folder / "cpp" / "engine" / "lists.cpp", "a") as file:
        file.write(CPP_GUARD)


def build(folder: Path) -> None:
    """Compiles the core of the copy, lowest level only, into its package."""
    import pybind11

    options = {
        "RANKGRAD_ISAS": "baseline",
        "SKBUILD_PROJECT_VERSION": "0",
        "Python_EXECUTABLE": sys.executable,
        "pybind11_DIR": pybind11.get_cmake_dir(),
    }
    where = folder / "build"
    command = ["cmake", "-S", folder, "-B", where, "-G", "Ninja", *(f"-D{k}={v}" for k, v in options.items())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", where], check=True, stdout=subprocess.DEVNULL)
    (module,) = where.glob("_core*.so")
    shutil.copy(module, folder / "python" / "rankgrad")


def who_reaches(folder: Path) -> dict[int, list[str]]:
    """The tests that reach each guard; those that start processes come last."""
    notes = folder / "reached"
    notes.write_text("")
    variables = {"PYTHONPATH": str(folder / "python"), "OMP_NUM_THREADS": "1", "RANKGRAD_REACHED": str(notes)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FIRST_RUN]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"mutation: the tests do not pass with all checks in place\n{done.stdout[-3000:]}")
    reached: dict[int, dict[str, None]] = defaultdict(dict)
    for line in notes.read_text().splitlines():
        number, _, test = line.partition("\t")
        if test:
            reached[int(number)][test.rsplit(" (", 1)[0]] = None
    return {k: sorted(tests, key=lambda name: "reliability" in name) for k, tests in reached.items()}


def get_ready(folder: Path) -> None:
    """Imports what takes long once, for all processes that are forked from this one."""
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["PYTHONPATH"] = str(folder / "python")  # for the processes that tests start
    sys.path.insert(0, str(folder / "python"))
    for name in ("rankgrad", "scipy.stats", "lightgbm", "xgboost"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def run_forked(output: Path, tests: list[str], seconds: float, mutant: int) -> str:
    """How pytest ended ("ok", "failed", "hang", "crash", or "no answer") without check `mutant`."""
    child = os.fork()
    if child == 0:
        os.environ["RANKGRAD_MUTANT"] = str(mutant)
        to = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(to, 1)
        os.dup2(to, 2)
        code = pytest.main(["-q", "-p", "no:cacheprovider", "--no-header", *tests])
        sys.stdout.flush()
        os._exit(code)
    end = time.monotonic() + seconds
    while (state := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hang"
        time.sleep(0.01)
    code = os.waitstatus_to_exitcode(state[1])
    return "crash" if code < 0 else {0: "ok", 1: "failed"}.get(code, "no answer")


def ask_with_all_in_place(folder: Path, tests: list[str]) -> None:
    """The tests must pass as they will be asked, or their failures would say nothing."""
    how = run_forked(folder / "output", tests, 1200, NO_MUTANT) if tests else "ok"
    if how != "ok":
        sys.exit(f"mutation: {how} with all checks in place\n{(folder / 'output').read_text()[-3000:]}")


def survives(folder: Path, number: int, check: Check, tests: list[str]) -> bool:
    """Removes one check; True if no test fails."""
    by, how = "", "not reached by any test"
    if tests:
        output = folder / "output"
        how = run_forked(output, ["-x", *tests], 300, number)
        said = output.read_text(errors="replace")
        by = next(iter(re.findall(r"^(?:FAILED|ERROR) (\S+)", said, flags=re.MULTILINE)), "")
        how = "no answer" if how == "failed" and not by else how
    survived = how in ("ok", "no answer", "not reached by any test")
    print(f"{check.place}: {'NOT NOTICED, ' if survived else ''}{how} {by}", flush=True)
    return survived


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, help="a folder for the guarded build, to keep")
    parser.add_argument("--only", default="", help="a regular expression that places must match")
    options = parser.parse_args()
    checks = [*python_checks(), *cpp_checks()]
    with tempfile.TemporaryDirectory() as name:
        folder = (options.build or Path(name)).resolve()
        guarded_copy(checks, folder)
        build(folder)
        asked = {number: tests[:MOST_TESTS] for number, tests in who_reaches(folder).items()}
        chosen = {
            number: check for number, check in enumerate(checks) if re.search(options.only, check.place)
        }
        get_ready(folder)
        ask_with_all_in_place(folder, sorted({test for n in chosen for test in asked.get(n, [])}))
        survivors = {n: c for n, c in chosen.items() if survives(folder, n, c, asked.get(n, []))}
    for kind in (".py", "pp"):
        every = [n for n, check in chosen.items() if check.path.name.endswith(kind)]
        gone = sum(n in survivors for n in every)
        what = "Python" if kind == ".py" else "C++"
        print(f"mutation: {len(every) - gone} of {len(every)} removed {what} checks noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
