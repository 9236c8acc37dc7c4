"""What the compiler makes of the kernels: the rules without which compiling one source per level breaks silently.

The objects of the build folder are looked at where they are up to date; otherwise each level is compiled here once.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
import rankgrad as rg
from rankgrad import _core

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "cpp" / "kernels"
UNITS = sorted(str(path.relative_to(KERNELS)) for path in KERNELS.rglob("*.cpp"))
COMPILER = next(filter(None, map(shutil.which, (os.environ.get("CXX", "g++"), "g++"))), None)
REGISTERS = {"baseline": "xmm", "v3": "ymm", "v4": "ymm"}
#: What /proc/cpuinfo calls the features of a level; it leaves out what the operating system does not save.
CPU_FLAGS = {
    "v3": {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "popcnt", "xsave"},
    "v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}

pytestmark = [
    pytest.mark.skipif(not KERNELS.is_dir(), reason="the sources are not beside the tests"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the levels are those of x86-64"),
    pytest.mark.skipif(sys.platform != "linux", reason="objects are read with GNU binutils"),
]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result


def flags_of(level: str) -> list[str]:
    """The kernels' flags at a level, as cmake/instruction_sets.cmake gives them."""
    text = (ROOT / "cmake" / "instruction_sets.cmake").read_text()
    names = ("RANKGRAD_KERNEL_FLAGS", f"RANKGRAD_KERNEL_FLAGS_{level}")
    return [flag for name in names for flag in re.search(rf"set\({name} (.*)\)", text)[1].split()]


def compile_kernels(level: str, unit: str, *flags: str) -> subprocess.CompletedProcess[str]:
    if COMPILER is None:
        pytest.skip("no C++ compiler")
    if "Free Software Foundation" not in run(COMPILER, "--version").stdout:
        pytest.skip(f"{COMPILER} is not GCC, whose warnings and names are read here")
    common = ["-std=c++17", "-fPIC", f"-I{ROOT / 'cpp'}", f"-DRANKGRAD_ISA={level}", *flags_of(level)]
    return run(COMPILER, *common, *flags, str(KERNELS / unit))


def built_object(level: str, unit: str) -> Path | None:
    """The object of an earlier build, if nothing that it is made of has changed since."""
    sources = [ROOT / "cmake" / "instruction_sets.cmake", *KERNELS.rglob("*.[hc]pp")]
    newest = max(path.stat().st_mtime for path in sources)
    found = (ROOT / "build").glob(f"*/CMakeFiles/rankgrad_kernels_{level}.dir/cpp/kernels/{unit}.o")
    return next((path for path in found if path.stat().st_mtime > newest), None)


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The objects of each level. Compiling them takes minutes of processor time, so they are made once."""
    folder = tmp_path_factory.mktemp("kernels")

    def make(level: str, unit: str) -> Path:
        if built := built_object(level, unit):
            return built
        path = folder / f"{level}_{Path(unit).stem}.o"
        compile_kernels(level, unit, "-c", "-o", str(path))
        return path

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = {level: [pool.submit(make, level, unit) for unit in UNITS] for level in REGISTERS}
        return {level: [future.result() for future in futures] for level, futures in made.items()}


# --- flags --------------------------------------------------------------------------------------------

REQUIRED = {"-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-fno-lto"}
UNSAFE = ("fast", "unsafe", "associative", "reciprocal", "finite", "no-signed-zeros", "fp-contract=off")


@pytest.mark.parametrize("level", REGISTERS)
def test_kernel_flags(level: str) -> None:
    flags = flags_of(level)
    assert set(flags) >= REQUIRED
    assert not [flag for flag in flags if any(word in flag for word in UNSAFE)]


@pytest.mark.parametrize("level", REGISTERS)
def test_the_build_used_these_flags_and_no_unsafe_one(level: str) -> None:
    scripts = list((ROOT / "build").glob("*/build.ninja"))
    if not scripts:
        pytest.skip("no build folder beside the tests")
    text = max(scripts, key=lambda path: path.stat().st_mtime).read_text()
    statement = rf"^build \S*rankgrad_kernels_{level}\.dir/\S+: .*?^  FLAGS = ([^\n]*)"
    found = re.search(statement, text, flags=re.MULTILINE | re.DOTALL)
    if not found and f"rankgrad_kernels_{level}" not in text:
        pytest.skip(f"the build left {level} out")
    assert set(flags_of(level)) <= set(found[1].split())
    for flags in re.findall(r"^  (?:LINK_)?FLAGS = (.*)", text, flags=re.MULTILINE):
        for flag in flags.split():
            assert not any(word in flag for word in ("fast", "unsafe", "associative", "finite")), flag
            assert not flag.startswith("-flto"), flag


def test_kernels_bring_in_no_other_header_of_the_standard_library() -> None:
    """Seen by the preprocessor, so that one header cannot bring in another."""
    seen = {name for unit in UNITS for name in compile_kernels("baseline", unit, "-M").stdout.split()}
    library = {Path(name).name for name in seen if re.search(r"/c\+\+/[\d.]+/[a-z_]+$", name)}
    assert library <= {"cstdint", "cstddef", "cstring"}
    assert "cstdint" in library


# --- objects ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", REGISTERS)
def test_one_external_symbol_and_no_weak_one(objects: dict[str, list[Path]], level: str) -> None:
    """A weak function could be linked into everything from the object of a level that this CPU does not have."""
    for unit, path in zip(UNITS, objects[level], strict=True):
        defined = run("nm", "-C", "--defined-only", str(path)).stdout.splitlines()
        symbols = [line.split()[-2:] for line in defined]
        external = [name for kind, name in symbols if kind.isupper()]
        assert external == [f"rankgrad::{Path(unit).stem}_{level}"]
        assert not [name for kind, name in symbols if kind in "VvWwu"]


@pytest.mark.parametrize("level", REGISTERS)
def test_kernels_call_nothing_outside(objects: dict[str, list[Path]], level: str) -> None:
    tables = {f"rankgrad::{Path(unit).stem}_{level}" for unit in UNITS}
    for path in objects[level]:
        undefined = {line.split()[-1] for line in run("nm", "-C", "-u", str(path)).stdout.splitlines()}
        assert undefined <= tables | {"memset", "memcpy", "_GLOBAL_OFFSET_TABLE_"}


@pytest.mark.parametrize("level", REGISTERS)
def test_no_link_time_optimisation(objects: dict[str, list[Path]], level: str) -> None:
    for path in objects[level]:
        assert ".gnu.lto" not in run("objdump", "-h", str(path)).stdout


# --- SIMD ---------------------------------------------------------------------------------------------


def losses_with_pair_sums() -> list[str]:
    """The structs in the list of losses, without those that are summed in O(n)."""
    text = (KERNELS / "losses" / "pair_losses.hpp").read_text()
    names = re.search(r"using PairLosses =\s*List<([^;]*)>;", text)[1]
    bodies = dict(re.findall(r"^struct (\w+) : \w+ \{(.*?)^\};", text, flags=re.MULTILINE | re.DOTALL))
    return [name for name in re.findall(r"\w+", names) if "all_pairs = true" not in bodies[name]]


def test_the_losses_are_those_of_the_core() -> None:
    names = [re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in losses_with_pair_sums()]
    assert set(names) <= set(_core.pair_losses())
    assert len(names) >= 7


def test_no_vector_operation_is_taken_apart() -> None:
    """GCC would warn of a vector operation that the level has no instruction for, optimising none of them away."""

    def warnings(level_and_unit: tuple[str, str]) -> str:
        flags = ("-O0", "-Wvector-operation-performance", "-c", "-o", os.devnull)
        return compile_kernels(*level_and_unit, *flags).stderr

    everything = list(product(REGISTERS, UNITS))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for which, text in zip(everything, pool.map(warnings, everything), strict=True):
            assert "-Wvector-operation-performance" not in text, f"{which}: {text}"


def arithmetic(paths: list[Path]) -> dict[tuple[str, str], Counter[str]]:
    """How often which arithmetic stands in the pair sums of each loss and type, such as {"ps ymm": 40}."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    sums = re.compile(r"^<.*DirectPairSum<rankgrad::\(anonymous namespace\)::(\w+), (float|double), .*>:$")
    instruction = re.compile(
        r"^\s+v?(?:add|sub|mul|div|max|min|fn?m(?:add|sub)\d+)([ps][sd])\s.*%([xyz]mm)\d+(?:\{.*)?$"
    )
    current = None
    options = ("-d", "-C", "--no-show-raw-insn", "--no-addresses")
    for line in run("objdump", *options, *map(str, paths)).stdout.splitlines():
        if line.startswith("<"):
            name = sums.match(line)
            current = name and (name[1], name[2])
        elif current and (found := instruction.match(line)):
            counts[current][f"{found[1]} {found[2]}"] += 1
    return counts


@pytest.mark.parametrize("level", REGISTERS)
def test_every_pair_sum_computes_in_the_registers_of_its_level(
    objects: dict[str, list[Path]], level: str
) -> None:
    counts = arithmetic(objects[level])
    for loss in losses_with_pair_sums():
        for dtype, suffix in (("float", "s"), ("double", "d")):
            found = counts[loss, dtype]
            packed, scalar = found[f"p{suffix} {REGISTERS[level]}"], found[f"s{suffix} xmm"]
            # Scalar arithmetic remains where a register is added up once per row.
            assert packed > scalar, (loss, dtype, dict(found))
            assert packed >= (10 if level == "baseline" else 50), (loss, dtype, dict(found))  # compact there


@pytest.mark.parametrize(("level", "register"), [("v3", "ymm"), ("v4", r"ymm(1[6-9]|2\d|3[01])")])
def test_packed_arithmetic_uses_the_registers_that_only_the_level_has(
    objects: dict[str, list[Path]], level: str, register: str
) -> None:
    code = run("objdump", "-d", "--no-show-raw-insn", *map(str, objects[level])).stdout
    for instruction in (r"vf(n?madd|n?msub)\d+p[sd]", r"vmulp[sd]", r"vsubp[sd]", r"vdivp[sd]"):
        assert re.search(rf"{instruction}\s.*%{register}", code), f"no packed {instruction} on {register}"


# --- the CPU ------------------------------------------------------------------------------------------


def test_the_cpu_check_asks_what_the_operating_system_saves() -> None:
    """A CPU with AVX-512 under a system that does not save zmm registers (XCR0) must not get v4."""
    text = (ROOT / "cpp" / "engine" / "runtime" / "isa_dispatch.cpp").read_text()
    before, _, after = text.partition('__asm__ volatile("xgetbv"')
    assert re.search(r"one\.c, \{[^}]*\b27\b", before), "xgetbv may be asked only where OSXSAVE is set"
    assert "0x6u) != 0x6u" in after, "xmm and ymm: bits 1 and 2 of XCR0"
    assert "0xe6u) == 0xe6u" in after, "opmask and zmm: bits 5 to 7 of XCR0"


def test_levels_of_this_machine() -> None:
    cpuinfo = Path("/proc/cpuinfo")
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo.read_text(), flags=re.MULTILINE)
    if not flags:
        pytest.skip("/proc/cpuinfo gives no flags")
    expected, have = ["baseline"], set(flags[1].split())
    for level, wanted in CPU_FLAGS.items():
        if not wanted <= have:
            break
        expected.append(level)
    assert rg.isa_levels() == expected


# --- the extension module -----------------------------------------------------------------------------


def test_the_module_exports_its_entry_point_alone() -> None:
    names = [
        line.split()[-1] for line in run("nm", "-D", "--defined-only", _core.__file__).stdout.splitlines()
    ]
    assert names == ["PyInit__core"]


def test_the_module_is_hardened() -> None:
    """Relocations are resolved at load time and read-only from then on; no stack is executable."""
    dynamic = run("readelf", "-dW", _core.__file__).stdout
    assert "BIND_NOW" in dynamic
    assert "TEXTREL" not in dynamic
    assert not re.search(r"\((RPATH|RUNPATH)\)", dynamic)
    segments = run("readelf", "-lW", _core.__file__).stdout
    assert "GNU_RELRO" in segments
    assert re.search(r"GNU_STACK.* RW ", segments)
    assert "__stack_chk_fail" in run("nm", "-D", "--undefined-only", _core.__file__).stdout


def test_the_module_does_not_say_where_it_was_built() -> None:
    assert str(ROOT).encode() not in Path(_core.__file__).read_bytes()
