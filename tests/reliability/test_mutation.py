"""The program that removes argument checks finds them all and leaves working code; its run is `nox -s mutation`."""

from __future__ import annotations

import ast

import pytest

from mutants import PACKAGE, ROOT, cpp_mutants, python_mutants

pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="the sources are not beside the tests")


def test_every_python_check_can_be_removed() -> None:
    mutants = list(python_mutants())
    assert len(mutants) >= 80
    for mutant in mutants:
        before, after = mutant.path.read_text(), mutant.text
        assert count_raises(after) == count_raises(before) - 1, mutant.place


def count_raises(source: str) -> int:
    return sum(isinstance(node, ast.Raise) for node in ast.walk(ast.parse(source)))


def test_every_check_of_the_core_can_be_removed() -> None:
    written = sum(path.read_text().count("throw ArgumentError(") for path in (ROOT / "cpp").rglob("*.[hc]pp"))
    found = len(list(cpp_mutants()))
    in_expressions = 1  # the last choice of a conditional expression, which cannot be left out
    assert found + in_expressions >= written >= 35
