"""Builds the wheel twice without a network, compares them bit by bit, looks inside, repairs it and tries it.

`python tests/reliability/wheel_check.py [--isas baseline] [--keep FOLDER] [--only WORDS] [PYTHON ...]` prints the
figure. Each PYTHON that is given builds a wheel and tries it in an empty environment, which gets pytest and Hypothesis,
but none of the libraries that rankgrad has bridges to. Needs auditwheel and patchelf, and in each PYTHON what
pyproject.toml asks for to build; `unshare` where the user may use it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
EPOCH = "1700000000"

#: The tests of the installed package; others build, or start hundreds of processes.
TESTS = ["tests", "-m", "not slow"]
TESTS += [f"--ignore=tests/{name}" for name in ("reliability", "codebase", "calls/test_demo.py")]


def run(*command: str | Path, **options: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return str(done.stdout)


def without_network() -> list[str]:
    """A prefix for commands that must not reach a network, where the system grants one."""
    command = ["unshare", "-rn"]
    if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        return command
    return []


def build(python: str, out: Path, isas: str) -> Path:
    """A wheel of a fresh copy of the sources, with nothing but what is installed."""
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "rankgrad"
        skipped = shutil.ignore_patterns("build", "dist", ".git", ".nox", "*.so", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, sources, ignore=skipped)
        options = ["--config-settings", f"cmake.define.RANKGRAD_ISAS={isas}"] if isas else []
        environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "PIP_NO_INDEX": "1"}
        command = [
            *without_network(),
            python,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
        ]
        run(*command, *options, "-w", out, sources, env=environment)
    (wheel,) = out.glob("*.whl")
    return wheel


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_module(wheel: Path) -> list[str]:
    """What is wrong with the extension module in the wheel."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if re.search(r"/_core\..*\.so$", n))
        module = archive.extract(name, folder)
        dynamic, segments = run("readelf", "-dW", module), run("readelf", "-lW", module)
        exported = [line.split()[-1] for line in run("nm", "-D", "--defined-only", module).splitlines()]
        found = {
            "BIND_NOW": "BIND_NOW" in dynamic,
            "RELRO": "GNU_RELRO" in segments,
            "no TEXTREL": "TEXTREL" not in dynamic,
            "a stack that is not executable": bool(re.search(r"GNU_STACK.* RW ", segments)),
            "PyInit__core alone is exported": exported == ["PyInit__core"],
            "no path of the build": tempfile.gettempdir().encode() not in Path(module).read_bytes(),
        }
    return [name for name, right in found.items() if not right]


def try_wheel(python: str, wheel: Path, only: str) -> str:
    """The summary of the tests in an empty environment; test_minimal.py runs before anything else is in it."""
    with tempfile.TemporaryDirectory() as folder:
        run(python, "-m", "venv", folder)
        inside = Path(folder) / "bin" / "python"
        run(inside, "-m", "pip", "install", "-q", wheel)
        run(inside, ROOT / "tests" / "test_minimal.py", cwd=folder)
        run(inside, "-m", "pip", "install", "-q", "pytest", "pytest-benchmark", "hypothesis")
        said = run(inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", only, *TESTS, cwd=ROOT)
    return said.strip().splitlines()[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--isas", default="", help="instruction sets to build; all if not given")
    parser.add_argument("--keep", type=Path, help="a folder for the repaired wheels")
    parser.add_argument("--only", default="", help="tests to run, as pytest -k wants them; all if not given")
    parser.add_argument("pythons", nargs="*", default=[sys.executable])
    options = parser.parse_args()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, python in enumerate(options.pythons):
            places = [Path(folder) / f"{number}-{copy}" for copy in ("first", "second")]
            first = build(python, places[0], options.isas)
            if number == 0:
                second = build(python, places[1], options.isas)
                same = sha256(first) == sha256(second)
                print(f"wheel: {first.name} {sha256(first)[:16]} {sha256(second)[:16]}, same bits: {same}")
                wrong += [] if same else ["two builds differ"]
            wrong += check_module(first)
            repaired = Path(folder) / f"{number}-repaired"
            run(sys.executable, "-m", "auditwheel", "repair", "-w", repaired, first)
            (wheel,) = repaired.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                boms = [name for name in archive.namelist() if re.search(r"/sboms/.*\.json$", name)]
            wrong += [] if boms else ["no SBOM in the repaired wheel"]
            if options.keep:
                shutil.copy(wheel, options.keep)
            said = try_wheel(python, wheel, options.only)
            print(f"wheel: {wheel.name}, SBOM {', '.join(boms)}: {said}", flush=True)
    network = "without a network" if without_network() else "with a network (unshare is not allowed here)"
    print(f"wheel: {len(options.pythons)} built {network}; wrong: {', '.join(wrong) or 'nothing'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
