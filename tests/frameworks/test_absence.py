"""A module for a framework that is not installed says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("name", ["torch", "jax", "keras", "scipy"])
def test_the_pip_command_is_named(name: str) -> None:
    code = f"""
import sys
import numpy as np
sys.modules[{name!r}] = None
try:
    import rankgrad as rg, rankgrad.{name}
    if {name!r} == "scipy":
        rg.scipy.linear_objective(rg.PairwiseHingeLoss(), np.ones((2, 1)), [1, 0])
except ImportError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert f'pip install "rankgrad[{name}]"' in said
