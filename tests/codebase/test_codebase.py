"""Rules that the code base itself keeps: see CONTRIBUTING.md for their reasons."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import rankgrad as rg
from rankgrad import _core

import reference
from helpers import FRAMEWORKS, LOSSES

ROOT = Path(__file__).parents[2]
CPP = ROOT / "cpp"
GENERATED = {".git", "build", "dist", "__pycache__", ".nox", ".venv", "venv", ".mypy_cache", ".ruff_cache"}
GENERATED |= {".pytest_cache", ".hypothesis", ".benchmarks"}

#: C++ files that may be longer than LONGEST lines, each with its reason.
LONG_FILES: dict[str, str] = {}
LONGEST = 250
WIDEST = 120

pytestmark = pytest.mark.skipif(not CPP.is_dir(), reason="the sources are not beside the tests")


def tracked_files() -> list[Path]:
    return [
        path
        for path in ROOT.rglob("*")
        if path.is_file()
        and not GENERATED & set(path.relative_to(ROOT).parts)
        and ".egg-info" not in str(path)
    ]


def sources(folder: str) -> list[Path]:
    return sorted(path for path in (CPP / folder).rglob("*") if path.suffix in (".hpp", ".cpp"))


def includes(path: Path) -> list[str]:
    """What the file includes: <name> or "name", with the brackets or quotes."""
    return re.findall(r"^\s*#\s*include\s+([<\"][^>\"]+[>\"])", path.read_text(), flags=re.MULTILINE)


def cmake_files() -> list[Path]:
    return [ROOT / "CMakeLists.txt", *(ROOT / "cmake").glob("*.cmake"), *ROOT.glob("CMakePresets.json")]


# --- every loss is complete ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", _core.pair_losses())
def test_every_pair_loss_has_a_reference_and_a_public_class(name: str) -> None:
    assert name in reference.PAIR_LOSSES, f"tests/spec/reference.py has no function {name}"
    assert name in LOSSES, f"tests/spec/helpers.py does not make {name}: the tests pass it by"
    public = type(LOSSES[name]())
    assert public.__name__ in rg.__all__
    assert getattr(rg, public.__name__) is public
    assert public.__doc__


def test_nothing_is_tested_that_the_core_does_not_have() -> None:
    assert set(LOSSES) == set(_core.pair_losses()) == set(reference.PAIR_LOSSES)


def test_all_names_exist() -> None:
    assert len(set(rg.__all__)) == len(rg.__all__)
    for name in rg.__all__:
        assert getattr(rg, name) is not None


# --- the floors of the house --------------------------------------------------------------------------


@pytest.mark.parametrize("path", sources("kernels"), ids=lambda path: path.name)
def test_kernels_include_next_to_nothing(path: Path) -> None:
    """Anything else of the standard library may bring inline functions compiled for the wrong level."""
    for name in includes(path):
        assert name in ("<cstdint>", "<cstddef>", "<cstring>") or name.startswith('"kernels/'), name


@pytest.mark.parametrize("path", sources("engine"), ids=lambda path: path.name)
def test_the_engine_knows_the_kernels_by_their_contract_only(path: Path) -> None:
    for name in includes(path):
        assert name.startswith(("<", '"engine/', '"kernels/contract/')), name
        assert not name.startswith(("<pybind11", "<Python", "<numpy")), name


@pytest.mark.parametrize("path", sources("bindings"), ids=lambda path: path.name)
def test_bindings_know_no_kernel(path: Path) -> None:
    for name in includes(path):
        assert name.startswith(("<", '"bindings/', '"engine/', '"kernels/contract/')), name
        assert name != "<pybind11/numpy.h>" or path.name == "arrays.hpp"


#: What the wings of a floor may include beside themselves: those in the rows above, and `cpp/kernels/isa.hpp`.
WINGS = {
    "kernels": [
        ("contract",),
        ("simd",),
        ("losses",),
        ("direct",),
        ("expansion",),
        ("sorted", "lambda", "listwise", "implicit"),
    ],
    "engine": [
        ("runtime",),
        ("sorting", "settings"),
        ("data",),
        ("direct", "sorted", "expansion", "lambda", "listwise", "implicit", "metrics"),
        ("pairwise",),
        ("objective",),
    ],
}


@pytest.mark.parametrize("floor", WINGS)
def test_wings_know_neither_each_other_nor_those_above(floor: str) -> None:
    rows = WINGS[floor]
    assert {path.parent.name for path in sources(floor)} <= {floor, *(wing for row in rows for wing in row)}
    below: set[str] = set()
    for row in rows:
        for wing in row:
            for path in sources(f"{floor}/{wing}"):
                used = {name.split("/")[1] for name in includes(path) if name.startswith(f'"{floor}/')}
                assert used <= {wing, 'isa.hpp"', *below}, path
        below |= set(row)


def test_the_map_of_the_house_names_files_that_exist() -> None:
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    outside_of_blocks = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    paths = set(re.findall(r"`((?:cpp|python|tests|bench|docs|cmake)/[^`*<> ]*)`", outside_of_blocks))
    assert len(paths) > 50
    missing = sorted(path for path in paths if not (ROOT / path).exists())
    assert not missing


def test_threads_are_known_to_one_file() -> None:
    for path in [*sources("kernels"), *sources("engine"), *sources("bindings")]:
        if path.name != "parallel.cpp":
            assert not re.search(
                r"<(thread|omp\.h)>|#\s*pragma\s+omp\s+(parallel|for\b|task)", path.read_text()
            ), path


def test_kernels_have_no_external_names_but_their_table() -> None:
    for path in sources("kernels"):
        text = path.read_text()
        if path.suffix == ".hpp" and path.name != "isa.hpp" and path.parent.name != "contract":
            assert "namespace {" in text, f"{path.name}: not in an anonymous namespace"


@pytest.mark.parametrize(
    "path", [p for p in CPP.rglob("*") if p.suffix in (".hpp", ".cpp")], ids=lambda p: p.name
)
def test_a_file_says_what_it_is_for_and_ends_soon(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert lines[0].startswith("// "), "the first line says what the file is for"
    assert len(lines) <= LONGEST or str(path.relative_to(CPP)) in LONG_FILES
    if path.suffix == ".hpp":
        assert "#pragma once" in lines


def narrow_files() -> list[Path]:
    """C++, that of the tests too, and what builds it."""
    tests = [path for path in (ROOT / "tests").rglob("*") if path.suffix in (".hpp", ".cpp")]
    return [*sources("."), *tests, *cmake_files()]


@pytest.mark.parametrize("path", narrow_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_lines_end_at_the_widest_column(path: Path) -> None:
    """clang-format lays out the code but breaks no comment, and nothing lays out CMake."""
    lines = path.read_text(encoding="utf-8").splitlines()
    wide = [number for number, line in enumerate(lines, 1) if len(line) > WIDEST]
    assert not wide, f"lines {wide} of {path.relative_to(ROOT)} are wider than {WIDEST} columns"


# --- flags --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", cmake_files(), ids=lambda path: path.name)
def test_no_unsafe_floating_point_flags(path: Path) -> None:
    text = path.read_text()
    for flag in (
        "-ffast-math",
        "-Ofast",
        "-funsafe-math-optimizations",
        "-ffinite-math-only",
        "-fassociative-math",
    ):
        assert flag not in text


def test_kernel_flags() -> None:
    flags = rg.build_info()["kernel_flags"]
    if not flags:
        pytest.skip("this compiler takes other flags")
    assert {"-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-fno-lto"} <= set(flags.split())


# --- the package --------------------------------------------------------------------------------------


def test_import_needs_numpy_alone() -> None:
    code = (
        "import sys, numpy\n"
        "known = set(sys.modules)\n"
        "import rankgrad\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - known}))\n"
    )
    assert not FRAMEWORKS & set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


@pytest.mark.parametrize("path", sorted((ROOT / "python").rglob("*.py")), ids=lambda path: path.name)
def test_libraries_of_arrays_are_known_to_one_folder(path: Path) -> None:
    """Elsewhere all is NumPy, so that a call costs the same and means the same whatever came in."""
    if "_frameworks" not in path.parts:
        names = re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), flags=re.MULTILINE)
        assert not set(names) & {"torch", "jax", "awkward", "nanoarrow", "pandas", "polars", "pyarrow"}


def test_the_data_beside_the_repository_are_named_in_one_place() -> None:
    """Only CI knows where they lie; tests ask $RANKGRAD_DATA."""
    here = "../" + "shared"
    mentions = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.suffix != ".so" and here.encode() in path.read_bytes()
    ]
    assert set(mentions) <= {".ci/run"}
