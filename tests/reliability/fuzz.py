"""Builds the fuzzing program and runs it: the committed corpus first, then new inputs.

`python tests/reliability/fuzz.py [--runs N] [--replay] [--keep]` prints the figure. libFuzzer comes with the package
atheris (`pip install atheris`), as a library that gcc can link; without it the corpus is replayed only. `--keep` puts
the smallest inputs that reach everything that was reached into the corpus.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("fuzz") / "corpus"


def libfuzzer() -> Path | None:
    path = Path(sysconfig.get_path("platlib")) / "libclang_rt.fuzzer_no_main.a"
    return path if path.exists() else None


def build(where: Path, library: Path | None, sanitize: str) -> Path:
    """The program, with the kernels of the lowest instruction set."""
    import pybind11

    options = {
        "RANKGRAD_FUZZ": "ON",
        "RANKGRAD_LIBFUZZER": library or "",
        "RANKGRAD_SANITIZE": sanitize,
        "RANKGRAD_ISAS": "baseline",
        "CMAKE_BUILD_TYPE": "None" if sanitize else "Release",
        "SKBUILD_PROJECT_VERSION": "0",
        "Python_EXECUTABLE": sys.executable,
        "pybind11_DIR": pybind11.get_cmake_dir(),
    }
    command = ["cmake", "-S", ROOT, "-B", where, "-G", "Ninja", *(f"-D{k}={v}" for k, v in options.items())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", where, "rankgrad_fuzz"], check=True, stdout=subprocess.DEVNULL)
    return where / "rankgrad_fuzz"


def fuzz(program: Path, runs: int, folder: Path, keep: bool) -> str:
    """Runs libFuzzer on what the corpus gives; its last words."""
    found = folder / "found"
    found.mkdir()
    options = [
        f"-runs={runs}",
        "-max_len=250",
        "-entropic=0",  # whose bookkeeping would take three quarters of the time
        "-reduce_inputs=0",
        "-timeout=20",
        "-print_final_stats=1",
        f"-artifact_prefix={folder}/",
    ]
    start = time.monotonic()
    done = subprocess.run([program, *options, found, CORPUS], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{done.stderr[-5000:]}\nfuzz: a finding")
    if keep:
        subprocess.run([program, "-merge=1", CORPUS, found], check=True, capture_output=True)
    executed = int(re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)[1])  # type: ignore[index]
    return f"{executed:,} inputs in {time.monotonic() - start:.0f} s, 0 findings"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--replay", action="store_true", help="the corpus only")
    parser.add_argument("--keep", action="store_true", help="add to the corpus")
    parser.add_argument("--sanitize", default="address,undefined", help="'' for none, ten times as fast")
    parser.add_argument("--build", type=Path, help="a build folder to keep")
    options = parser.parse_args()
    library = None if options.replay else libfuzzer()
    with tempfile.TemporaryDirectory() as name:
        program = build((options.build or Path(name) / "build").resolve(), library, options.sanitize)
        if library is None:
            inputs = sorted(map(str, CORPUS.iterdir()))
            subprocess.run([program, *inputs], check=True, stdout=subprocess.DEVNULL)
            print(f"fuzz: {len(inputs)} inputs of the corpus replayed, 0 findings")
        else:
            how = options.sanitize or "without sanitizers"
            print(f"fuzz: {fuzz(program, options.runs, Path(name), options.keep)} ({how})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
