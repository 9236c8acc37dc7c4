"""The direct sums over a part of a list write to the items of the part alone: own_items.cpp, at every level."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import rankgrad as rg

from test_codebase_build import COMPILER, KERNELS, flags_of, pytestmark  # noqa: F401

SOURCE = Path(__file__).with_name("own_items.cpp")


@pytest.mark.parametrize("level", rg.isa_levels())
def test_no_other_item_is_touched(level: str, tmp_path: Path) -> None:
    if COMPILER is None:
        pytest.skip("no C++ compiler")
    program = tmp_path / "own_items"
    flags = ["-std=c++17", f"-I{KERNELS.parent}", *flags_of(level), "-O1"]
    subprocess.run([COMPILER, *flags, SOURCE, "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    # -11: a count beside the part was written to, in a page that is read only
    assert (done.returncode, done.stdout) == (0, "no other item is touched\n")
