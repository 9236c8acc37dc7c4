"""Options and fixtures of the benchmarks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rankgrad as rg

LENGTHS = (10, 30, 100, 300, 1000, 3000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="few lengths, few pairs: to see that it runs")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "length" in metafunc.fixturenames:
        metafunc.parametrize("length", (10, 100) if metafunc.config.getoption("quick") else LENGTHS)


@pytest.fixture
def total_pairs(request: pytest.FixtureRequest) -> int:
    """Pairs in all lists of a call: enough to make the cost of the call itself small."""
    return 100_000 if request.config.getoption("quick") else 8_000_000


@pytest.fixture(params=rg.isa_levels())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    active = rg.select_isa(request.param)
    yield request.param
    rg.select_isa(active)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with rg.threads(1):
        yield
