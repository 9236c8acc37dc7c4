"""Keras 3: the same losses on every backend, each in a process of its own, since a process has one backend."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("keras_on_a_backend.py")


@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_all_that_must_hold(backend: str, tmp_path: Path) -> None:
    for package in ("keras", "keras_rs", backend):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    environment = os.environ | {"KERAS_BACKEND": backend}
    command = [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert f"all of it held on {backend}" in done.stdout
