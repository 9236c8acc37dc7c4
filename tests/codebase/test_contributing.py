"""CONTRIBUTING.md tells the truth: all that it adds, added to a copy of the tree, builds and passes its tests."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD_PACKAGES = ("scikit_build_core", "pybind11", "cmake", "ninja")
COPIED = ("CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE", "cmake", "cpp", "python", "tests")
PAIR_TESTS = (
    "codebase/test_codebase.py",
    "losses/test_values.py",
    "losses/test_derivatives.py",
    "losses/test_laws.py",
)
#: What the tests of each addition have in their names, where they are, and how many there are at least.
TESTS: dict[str, tuple[tuple[str, ...], int]] = {
    "savage": (PAIR_TESTS, 10),
    "softplus": (PAIR_TESTS, 10),
    "approx_arp": (("losses/test_listwise.py",), 5),
    "squared_hinge and not Pairwise": (("implicit/test_implicit.py",), 3),
    "rank_gap": (("losses/test_lambda_weights.py",), 10),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "cpp").is_dir(), reason="the sources are not beside the tests"),
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, BUILD_PACKAGES)),
        reason=f"building takes {', '.join(BUILD_PACKAGES)}, of the extra `test`",
    ),
    pytest.mark.skipif(not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="no C++ compiler"),
]


def blocks(heading: str) -> list[str]:
    """The pieces of code under a heading, up to the next one."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    assert text, f"CONTRIBUTING.md has no {heading!r}"
    own = re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^```(?:cpp|python)\n(.*?)^```", own, flags=re.MULTILINE | re.DOTALL)


def insert_before(path: Path, line: str, text: str) -> None:
    before, found, after = path.read_text(encoding="utf-8").partition(line)
    assert found, f"{path.name} has no line {line!r}"
    path.write_text(f"{before}{text}{found}{after}", encoding="utf-8")


def append(path: Path, text: str) -> None:
    path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{text}", encoding="utf-8")


def export(tree: Path, name: str, beside: str) -> None:
    """From the package's `__init__.py`, where `beside` is imported and in `__all__`."""
    path = tree / "python" / "rankgrad" / "__init__.py"
    insert_before(path, f"    {beside},\n", f"    {name},\n")
    insert_before(path, f'    "{beside}",\n', f'    "{name}",\n')


def add_pair_losses(tree: Path) -> None:
    losses = tree / "cpp" / "kernels" / "losses" / "pair_losses.hpp"
    spec, public = tree / "tests" / "spec", tree / "python" / "rankgrad" / "pairwise.py"
    for heading, name in (("## Adding a pairwise loss", "Savage"), ("### With a parameter", "Softplus")):
        struct, function, of_users, *more = blocks(heading)
        insert_before(losses, "using PairLosses =", struct + "\n")
        insert_before(losses, "Hinge, SquaredHinge,", f"{name}, ")
        insert_before(spec / "reference.py", "def squared_hinge(", function + "\n\n")
        append(public, of_users)
        export(tree, f"Pairwise{name}Loss", "PairwiseSoftZeroOneLoss")
        for entries in more:
            insert_before(spec / "helpers.py", "#: Bounds of the direct sums", entries + "\n")


def add_a_listwise_loss(tree: Path) -> None:
    struct, function, of_users, case = blocks("## Adding a listwise loss")
    losses = tree / "cpp" / "kernels" / "listwise" / "smooth_ranks.hpp"
    insert_before(losses, "template <class Metric> struct SmoothRankLoss", struct + "\n")
    insert_before(losses, "SmoothRankLoss<ApproxNdcg>, ", "SmoothRankLoss<ApproxArp>, ")
    spec = tree / "tests" / "spec" / "reference_listwise.py"
    insert_before(spec, "def nothing(", function + "\n\n")
    insert_before(spec, '    "approx_ndcg": approx_ndcg,\n', '    "approx_arp": approx_arp,\n')
    append(tree / "python" / "rankgrad" / "listwise.py", of_users)
    export(tree, "ApproxARPLoss", "ApproxMRRLoss")
    insert_before(tree / "tests" / "losses" / "test_listwise.py", "ITEM_WEIGHTS =", case)


def add_an_implicit_loss(tree: Path) -> None:
    struct, of_users, function = blocks("## Adding an implicit loss")
    losses = tree / "cpp" / "kernels" / "losses" / "implicit_losses.hpp"
    insert_before(losses, "using ImplicitLosses =", struct + "\n")
    insert_before(losses, "NegativeLogSigmoid, SlackHinge", "SquaredSlackHinge, ")
    insert_before(tree / "tests" / "spec" / "reference_implicit.py", "@remembered", function + "\n\n")
    append(tree / "python" / "rankgrad" / "implicit.py", of_users)
    export(tree, "squared_hinge_loss", "warp_loss")


def add_a_pair_weight(tree: Path) -> None:
    struct, of_users, function, entry = blocks("## Adding a pair weight")
    weights = tree / "cpp" / "kernels" / "losses" / "pair_weights.hpp"
    insert_before(weights, "using PairWeights =", struct + "\n")
    insert_before(weights, ">;\n\n/// The weights of at most", ", RankGap")
    append(tree / "python" / "rankgrad" / "lambda_weights.py", of_users)
    export(tree, "RankGapWeight", "NDCGWeight")
    insert_before(tree / "tests" / "spec" / "reference.py", "#: Every function above", function + "\n\n")
    insert_before(tree / "tests" / "losses" / "test_lambda_weights.py", "NDCG =", entry)


def changed(tree: Path) -> set[str]:
    files = [path for name in ("cpp", "python", "tests") for path in (tree / name).rglob("*.[hcp][py]*")]
    return {
        str(f.relative_to(tree)) for f in files if f.read_bytes() != (ROOT / f.relative_to(tree)).read_bytes()
    }


#: What adds something, and how many files it may touch.
WALK_THROUGHS = (
    (add_pair_losses, 5),
    (add_a_listwise_loss, 5),
    (add_an_implicit_loss, 5),
    (add_a_pair_weight, 6),
)


def copy_of_the_tree(tree: Path) -> Path:
    tree.mkdir()
    for name in COPIED:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tree / name)
    return tree


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


@pytest.mark.parametrize(("add", "most"), WALK_THROUGHS, ids=[add.__name__ for add, _ in WALK_THROUGHS])
def test_adding_something_touches_few_files(add: Callable[[Path], None], most: int, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    add(tree)
    assert 0 < len(changed(tree)) <= most, changed(tree)


def test_the_walk_throughs_build_and_pass(tmp_path: Path) -> None:
    """All in one copy and one build."""
    tree, site = copy_of_the_tree(tmp_path / "tree"), tmp_path / "site"
    for add, _ in WALK_THROUGHS:
        add(tree)
    settings = (compile_quickly(tree), "--config-settings=cmake.define.RANKGRAD_ISAS=baseline")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--target", str(site))
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    run(sys.executable, "-m", "pip", "install", "-q", *options, *settings, str(tree), PATH=scripts)
    for name, (files, least) in TESTS.items():
        tests = [str(tree / "tests" / file) for file in files]
        summary = run(
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", name, *tests),
            PYTHONPATH=str(site),
        )
        passed = int(re.search(r"(\d+) passed", summary)[1])
        assert passed >= least, f"{name}: {summary}"
        assert "failed" not in summary
