"""Short and long forms of the same programs, and the figures that they print at the end of the run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

FIGURES = pytest.StashKey[dict[str, str]]()


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form is wanted: `pytest tests/reliability --long`."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Tells a figure of docs/RELIABILITY.md, which the end of the run shows in one line."""
    figures = request.config.stash.setdefault(FIGURES, {})

    def tell(name: str, text: str) -> None:
        figures[name] = f"{figures[name]}; {text}" if name in figures else text

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = terminalreporter.config.stash.get(FIGURES, {})
    if figures:
        terminalreporter.section("reliability")
    for name, text in figures.items():
        terminalreporter.write_line(f"{name}: {text}")
