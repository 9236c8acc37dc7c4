"""CONTRIBUTING.md tells the truth: its loss, added to a copy of the tree as it says, builds and passes the tests."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_PACKAGES = ("scikit_build_core", "pybind11", "cmake", "ninja")
COPIED = ("CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE", "cmake", "cpp", "python", "tests")
TESTS = (
    "codebase/test_codebase.py",
    "losses/test_values.py",
    "losses/test_derivatives.py",
    "losses/test_laws.py",
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "cpp").is_dir(), reason="the sources are not beside the tests"),
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, BUILD_PACKAGES)),
        reason=f"building takes {', '.join(BUILD_PACKAGES)}, of the extra `test`",
    ),
    pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler"),
]


def blocks() -> dict[str, str]:
    """The three pieces of code of the walk-through, by what they begin with."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Adding a pairwise loss")[2]
    struct, function, public = re.findall(
        r"^```(?:cpp|python)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL
    )
    return {"struct": struct, "function": function, "class": public}


def insert_before(path: Path, line: str, text: str) -> None:
    before, found, after = path.read_text(encoding="utf-8").partition(line)
    assert found, f"{path.name} has no line {line!r}"
    path.write_text(f"{before}{text}{found}{after}", encoding="utf-8")


def add_the_loss(tree: Path) -> None:
    """What CONTRIBUTING.md says, and nothing more."""
    code = blocks()
    losses = tree / "cpp" / "kernels" / "losses" / "pair_losses.hpp"
    insert_before(losses, "using PairLosses =", code["struct"] + "\n")
    insert_before(losses, "Hinge, SquaredHinge,", "Savage, ")
    insert_before(tree / "tests" / "spec" / "reference.py", "def squared_hinge(", code["function"] + "\n\n")
    public = tree / "python" / "rankgrad" / "pairwise.py"
    public.write_text(f"{public.read_text(encoding='utf-8')}\n\n{code['class']}", encoding="utf-8")
    names = tree / "python" / "rankgrad" / "__init__.py"
    insert_before(names, "    PairwiseSoftZeroOneLoss,\n", "    PairwiseSavageLoss,\n")
    insert_before(names, '    "PairwiseSoftZeroOneLoss",\n', '    "PairwiseSavageLoss",\n')


def compile_quickly(tree: Path) -> str:
    """Half of the compiler's time is for speed. Gives the option for all but the kernels."""
    levels = tree / "cmake" / "instruction_sets.cmake"
    text = levels.read_text(encoding="utf-8")
    assert "-O3" in text
    levels.write_text(text.replace("-O3", "-O1"), encoding="utf-8")
    return "--config-settings=cmake.define.CMAKE_CXX_FLAGS_RELEASE=-O1"  # -C is unknown to pip before 23.1


def run(*command: str, **environment: str) -> str:
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
    return result.stdout


def test_the_walk_through_adds_a_loss(tmp_path: Path) -> None:
    tree, site = tmp_path / "tree", tmp_path / "site"
    tree.mkdir()
    for name in COPIED:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tree / name)
    add_the_loss(tree)
    settings = (compile_quickly(tree), "--config-settings=cmake.define.RANKGRAD_ISAS=baseline")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--target", str(site))
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    run(sys.executable, "-m", "pip", "install", "-q", *options, *settings, str(tree), PATH=scripts)
    tests = [str(tree / "tests" / name) for name in TESTS]
    summary = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "savage", *tests),
        PYTHONPATH=str(site),
    )
    passed = int(re.search(r"(\d+) passed", summary)[1])
    assert passed >= 10, summary
    assert "failed" not in summary
