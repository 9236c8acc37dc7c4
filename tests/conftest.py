"""Fixtures and Hypothesis profiles; pytest's own strict settings are in pyproject.toml."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import HealthCheck, settings

from remembered import forget

settings.register_profile("default", max_examples=30, deadline=None, derandomize=True)
settings.register_profile(
    "thorough", max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long forms of tests/reliability")


@pytest.fixture(scope="module", params=rg.isa_levels())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs a module once at every instruction set of this CPU; every test of numbers uses it."""
    active = rg.select_isa(request.param)
    yield request.param
    rg.select_isa(active)


@pytest.fixture(scope="module", autouse=True)
def forget_the_reference() -> Iterator[None]:
    """What a module asked the reference is kept no longer than it runs."""
    yield
    forget()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240917)
