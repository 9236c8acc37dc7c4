"""Short and long forms of the same programs, and the figures that they print at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

#: How the names of figures begin among a test's properties, which its report brings along, from another process too.
FIGURE = "figure: "


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form is wanted: `pytest tests/reliability --long`."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Tells a figure of docs/RELIABILITY.md, which the end of the run shows in one line."""

    def tell(name: str, text: str) -> None:
        request.node.user_properties.append((FIGURE + name, text))

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures: dict[str, list[str]] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, text in report.user_properties if report.when == "call" else ():
                if name.startswith(FIGURE):
                    figures.setdefault(name.removeprefix(FIGURE), []).append(text)
    if figures:
        terminalreporter.section("reliability")
    for name, texts in figures.items():
        terminalreporter.write_line(f"{name}: {'; '.join(texts)}")
