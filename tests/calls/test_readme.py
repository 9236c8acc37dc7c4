"""Every Python block of README.md runs, each on its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from helpers import FRAMEWORKS

README = Path(__file__).parents[2] / "README.md"


def blocks() -> list[str]:
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def test_there_are_blocks() -> None:
    assert blocks()


@pytest.mark.parametrize("code", blocks(), ids=lambda code: code.strip().splitlines()[-1][:50])
def test_block(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in sorted(FRAMEWORKS & set(re.findall(r"^\s*(?:import|from) (\w+)", code, flags=re.MULTILINE))):
        pytest.importorskip(name, reason=f"this block of README.md uses {name}")
    monkeypatch.chdir(tmp_path)  # what a block writes, it writes here
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})
