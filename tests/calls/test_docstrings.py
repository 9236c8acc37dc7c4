"""Every example in a docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import rankgrad as rg

from helpers import FRAMEWORKS

SOURCES = {
    module.name: Path(rg.__path__[0], *module.name.split(".")[1:]).with_suffix(".py")
    for module in pkgutil.iter_modules(rg.__path__, "rankgrad.")
    if not module.ispkg and module.name not in ("rankgrad._core", "rankgrad.__main__")
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what libraries import
@pytest.mark.parametrize("name", [name for name, path in SOURCES.items() if ">>>" in path.read_text()])
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = set(
        re.findall(r"^\s*(?:>>> )?(?:import|from) (\w+)", SOURCES[name].read_text(), flags=re.MULTILINE)
    )
    if "keras" in imported:
        monkeypatch.setenv("KERAS_BACKEND", next((x for x in ("torch", "jax") if find_spec(x)), "tensorflow"))
    for framework in sorted(FRAMEWORKS & imported):
        pytest.importorskip(framework, reason=f"{name} uses {framework}")
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
