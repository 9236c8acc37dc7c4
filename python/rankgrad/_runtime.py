"""Threads, instruction-set levels and facts about the build."""

from __future__ import annotations

import platform
import sys
from typing import Any

import numpy as np

from rankgrad import _core
from rankgrad._checks import check_choice, thread_count
from rankgrad._frameworks import how_called


class threads:  # noqa: N801  (used like a function)
    """Sets the default number of threads: for good as a call, for a while as a context manager.

    ``None`` goes back to $OMP_NUM_THREADS and the CPU affinity. Results never depend on it.

    Examples
    --------
    >>> import rankgrad as rg
    >>> with rg.threads(1):
    ...     value = rg.PairwiseHingeLoss()([1, 0], [0.0, 0.0])
    """

    def __init__(self, n: int | None) -> None:
        self._before: int = _core.set_default_threads(thread_count(n, "n"))

    def __enter__(self) -> threads:
        return self

    def __exit__(self, *exception: object) -> None:
        _core.set_default_threads(self._before)


def isa_levels() -> list[str]:
    """Instruction-set levels that this machine can run, lowest first; the last is used unless another is selected."""
    return _core.isa_levels()


def select_isa(name: str) -> str:
    """Makes a level of :func:`isa_levels` active in this process and returns the one before.

    ``$RANKGRAD_ISA`` does the same at start. Levels agree to the stated tolerances, not to the last bit.
    """
    check_choice(name, "name", tuple(_core.isa_levels()))
    before = _core.isa_level()
    _core.select_isa(name)
    return before


def build_info() -> dict[str, Any]:
    """How the core was built and what it runs on."""
    return {
        **_core.build_info(),
        "isa": _core.isa_level(),
        "isa_levels": _core.isa_levels(),
        "default_threads": _core.default_threads(),
    }


def show_versions() -> None:
    """Prints versions, build and machine: what a bug report needs."""
    facts = {"rankgrad": _core.__version__, "python": sys.version.split()[0], "numpy": np.__version__}
    facts |= {"platform": platform.platform(), **build_info(), **how_called()}
    width = max(map(len, facts))
    for name, fact in facts.items():
        print(f"{name:{width}}  {fact}")
