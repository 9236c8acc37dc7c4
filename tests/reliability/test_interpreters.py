"""Sub-interpreters: the import says that it does not work there, and the main interpreter goes on."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from children import fresh

CODE = """
import warnings
warnings.simplefilter("ignore")  # NumPy's, of sub-interpreters
try:
    import numpy
except ImportError:  # NumPy refuses where the main interpreter has it
    pass
try:
    import rankgrad
except ImportError as error:
    open(PATH, "w").write(str(error))
"""


def run_in_another(code: str) -> None:
    """Runs the code in a new interpreter, by whatever name this Python has for them."""
    names: Any = {}
    for name in ("_interpreters", "_xxsubinterpreters"):
        try:
            names = importlib.import_module(name)
            break
        except ImportError:
            continue
    if name == "_interpreters":
        other = names.create("legacy")
        names.exec(other, code)
    else:
        try:
            other = names.create(isolated=False)
        except TypeError:
            other = names.create()
        names.run_string(other, code)
    names.destroy(other)


def imported_there(first_here: bool, path: str) -> list[Any]:
    """What the import there says, and a value that is computed here afterwards."""
    if first_here:
        import rankgrad as rg
    run_in_another(CODE.replace("PATH", repr(path)))
    import rankgrad as rg

    return [open(path).read(), rg.PairwiseHingeLoss(reduction="sum")([1, 0, 2], [0.5, 1.0, 2.0])]


@pytest.mark.parametrize("first_here", [False, True])
def test_import_in_a_sub_interpreter(first_here: bool, tmp_path: Any) -> None:
    said, value = fresh(imported_there, first_here, str(tmp_path / "said"), seconds=60)
    assert "sub-interpreter" in said or "does not support loading in subinterpreters" in said
    assert value == np.float64(1.5)
