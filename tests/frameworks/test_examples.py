"""The examples run, on small data."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from helpers import FRAMEWORKS

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
BACKEND = next((name for name in ("torch", "jax") if find_spec(name)), "numpy")


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path: Path, tmp_path: Path) -> None:
    imports = set(re.findall(r"^(?:import|from) (\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    for name in sorted(imports & FRAMEWORKS):
        if find_spec(name) is None:
            pytest.skip(f"this example uses {name}")
    environment = os.environ | {"KERAS_BACKEND": BACKEND}
    command = [sys.executable, str(path), "--small"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout
