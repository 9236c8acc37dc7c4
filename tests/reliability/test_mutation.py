"""The program that removes argument checks finds them all and leaves working code; its run is `nox -s mutation`."""

from __future__ import annotations

import ast

import pytest

from mutants import PACKAGE, ROOT, cpp_checks, guarded, python_checks

pytestmark = pytest.mark.skipif(not PACKAGE.is_dir(), reason="the sources are not beside the tests")


def test_every_python_check_is_guarded() -> None:
    checks = list(python_checks())
    assert len(checks) >= 80
    for path in {check.path for check in checks}:
        own = [(k, check) for k, check in enumerate(checks) if check.path == path]
        tree = ast.parse(guarded(path.read_bytes(), own, "python"))
        guards = [
            node for node in ast.walk(tree) if isinstance(node, ast.If) and "_mutants" in ast.dump(node.test)
        ]
        assert len(guards) == len(own), path.name
        assert all(isinstance(statement, ast.Raise) for guard in guards for statement in guard.body)


def test_every_check_of_the_core_is_guarded() -> None:
    written = sum(path.read_text().count("throw ArgumentError(") for path in (ROOT / "cpp").rglob("*.[hc]pp"))
    found = len(list(cpp_checks()))
    in_expressions = 3  # the last choices of conditional expressions, which cannot be left out
    assert found + in_expressions >= written >= 35
