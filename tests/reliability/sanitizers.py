"""Builds the package with sanitizers and runs the tests with it; planted bugs must be found first.

`python tests/reliability/sanitizers.py [asan] [tsan] [-- arguments of pytest]` prints the figures. Needs g++ and what
pyproject.toml asks for to build. The kernels are those of the lowest instruction set, which share every line
with the others.

AddressSanitizer must be loaded first, and libstdc++ with it, else the first C++ exception ends the process. Leaks are
looked for at the end of every process; only those whose stack goes through our module count, since an interpreter
leaves much behind.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FLAGS = {"asan": "address,undefined", "tsan": "thread"}
OURS = re.compile(r"_core\.\S*\.so|/cpp/(engine|bindings|kernels)/|rankgrad")

#: Tests that start threads, processes or both; the others learn nothing from ThreadSanitizer but take long.
THREADED = [
    "tests/reliability/test_mutate.py",
    "tests/reliability/test_bits.py::test_one_hash_of_everything",
    "tests/reliability/test_concurrent.py",
    "tests/sums/test_long_lists.py::test_direct_sums_in_tiles",
    "tests/sums/test_long_lists.py::test_one_to_eight_threads",
    "tests/sums/test_direct_counts.py::test_tiles_of_a_long_list",
    "tests/sums/test_partner_counts.py::test_windows_of_a_long_list",
]
#: Tests of builds, of times and of the processes' own limits say nothing under a sanitizer, which takes both time and
#: address space for itself.
NOT_UNDER_ASAN = [
    "tests/codebase",
    "tests/calls/test_demo.py",
    "tests/reliability/test_interrupt.py",
    "tests/reliability/test_memory.py",
    "tests/reliability/test_scale.py",
    "tests/reliability/test_leak.py",
    "tests/reliability/test_coexist.py",
]


def library(name: str) -> str:
    return subprocess.run(
        ["g++", f"-print-file-name={name}"], check=True, capture_output=True, text=True
    ).stdout.strip()


def environment(kind: str, folder: Path) -> dict[str, str]:
    """What a Python process needs that loads a module with sanitizers."""
    common = {"PYTHONPATH": str(folder), "PYTHONMALLOC": "malloc", "OMP_NUM_THREADS": "2"}
    if kind == "asan":
        return {
            **common,
            "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so')}",
            "ASAN_OPTIONS": f"detect_leaks=1:exitcode=0:log_path={folder / 'report'}:allocator_may_return_null=1",
            "LSAN_OPTIONS": "exitcode=0:report_objects=0",
            "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={folder / 'report'}",
        }
    return {
        **common,
        "LD_PRELOAD": library("libtsan.so"),
        "TSAN_OPTIONS": f"ignore_noninstrumented_modules=1:exitcode=0:log_path={folder / 'report'}",
    }


def build(kind: str, folder: Path) -> None:
    """The package with sanitizers, in a folder of its own."""
    import pybind11

    options = {
        "RANKGRAD_SANITIZE": FLAGS[kind],
        "RANKGRAD_ISAS": "baseline",
        "CMAKE_BUILD_TYPE": "None",
        "SKBUILD_PROJECT_VERSION": "0",
        "Python_EXECUTABLE": sys.executable,
        "pybind11_DIR": pybind11.get_cmake_dir(),
    }
    where = folder / "build"
    command = ["cmake", "-S", ROOT, "-B", where, "-G", "Ninja", *(f"-D{k}={v}" for k, v in options.items())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", where], check=True, stdout=subprocess.DEVNULL)
    shutil.copytree(ROOT / "python" / "rankgrad", folder / "rankgrad", ignore=shutil.ignore_patterns("*.so"))
    (module,) = where.glob("_core*.so")
    shutil.copy(module, folder / "rankgrad")


def planted_bugs(kind: str) -> None:
    """Each bug that this kind of sanitizer is for must be found."""
    bugs = {"asan": (0, 1, 2, 3, 4), "tsan": (5,)}[kind]
    with tempfile.TemporaryDirectory() as folder:
        program, source = Path(folder) / "planted", Path(__file__).with_name("planted_bugs.cpp")
        flags = ["-O1", "-g", f"-fsanitize={FLAGS[kind]}", "-fno-sanitize-recover=undefined"]
        subprocess.run(["g++", *flags, "-o", program, source, "-pthread"], check=True)
        missed = [b for b in bugs if subprocess.run([program, str(b)], capture_output=True).returncode == 0]
    print(f"sanitizers: {kind} finds {len(bugs) - len(missed)} of {len(bugs)} planted bugs", flush=True)
    if missed:
        sys.exit(1)


def reports_of(folder: Path) -> list[str]:
    """The reports that name our code. Leak reports are taken apart by stack."""
    found = []
    for path in folder.glob("report.*"):
        text = path.read_text(errors="replace")
        parts = re.split(r"\n(?=(?:Direct|Indirect) leak|WARNING: ThreadSanitizer|==\d+==ERROR)", text)
        found += [part for part in parts if (OURS.search(part) and "#0" in part) or "runtime error" in part]
    return found


def check_package(kind: str, folder: Path) -> None:
    """An editable install goes before every path: then the tests would say nothing about the build with sanitizers."""
    done = subprocess.run(
        [sys.executable, "-c", "import rankgrad; print(rankgrad.__file__)"],
        cwd=folder,
        env={**os.environ, **environment(kind, folder)},
        capture_output=True,
        text=True,
    )
    found = done.stdout.strip()
    if Path(found).parent != folder / "rankgrad":
        sys.exit(f"sanitizers: {found or done.stderr} would be tested instead; pip uninstall rankgrad first")


def run_tests(kind: str, folder: Path, arguments: list[str]) -> tuple[str, list[str]]:
    command = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:faulthandler", "-p", "no:cacheprovider"]
    if kind == "asan":
        command += [f"--ignore={name}" for name in NOT_UNDER_ASAN]
        tests = arguments or ["tests", "-m", "not slow"]
    else:
        tests = arguments or THREADED
    done = subprocess.run(
        [*command, *tests],
        cwd=ROOT,
        env={**os.environ, **environment(kind, folder)},
        capture_output=True,
        text=True,
    )
    last = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "no output")
    if done.returncode != 0:
        print(done.stdout[-4000:], done.stderr[-2000:])
    return last, reports_of(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, help="a folder with a package that was built so before")
    parser.add_argument("kinds", nargs="*", help="asan, tsan; both if not given")
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    known, arguments = parser.parse_args(sys.argv[1:end]), sys.argv[end + 1 :]
    bad = 0
    for kind in known.kinds or list(FLAGS):
        planted_bugs(kind)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if known.package:
                shutil.copytree(known.package / "rankgrad", folder / "rankgrad")
            else:
                build(kind, folder)
            check_package(kind, folder)
            last, reports = run_tests(kind, folder, arguments)
        for report in reports[:5]:
            print(report[:3000])
        print(f"sanitizers: {kind}: {len(reports)} reports that name our code; {last}", flush=True)
        bad += len(reports) + ("failed" in last or "error" in last)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
