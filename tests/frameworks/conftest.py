"""The ways in which a framework calls the core; a framework that is not installed is passed by."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["ffi", "callback"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How compiled programs of JAX call the core."""
    calls = pytest.importorskip("rankgrad._frameworks.jax.programs", reason="jax is not installed")
    if request.param == "callback":
        monkeypatch.setattr(calls, "why_callbacks", lambda: "a test asks for them")
    elif (reason := calls.why_callbacks()) is not None:
        pytest.skip(reason)
    return str(request.param)
