"""Every example in a docstring gives what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import rankgrad as rg

from helpers import FRAMEWORKS

SOURCES = {
    module.name: Path(rg.__path__[0], *module.name.split(".")[1:]).with_suffix(".py")
    for module in pkgutil.iter_modules(rg.__path__, "rankgrad.")
    if not module.ispkg and module.name not in ("rankgrad._core", "rankgrad.__main__")
}


@pytest.mark.parametrize("name", [name for name, path in SOURCES.items() if ">>>" in path.read_text()])
def test_examples(name: str) -> None:
    imported = set(
        re.findall(r"^(?:\s*>>> )?(?:import|from) (\w+)", SOURCES[name].read_text(), flags=re.MULTILINE)
    )
    for framework in sorted(FRAMEWORKS & imported):
        pytest.importorskip(framework, reason=f"{name} uses {framework}")
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
