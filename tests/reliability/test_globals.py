"""What belongs to the process stays as it was: import and calls change nothing that others can see."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from children import fresh
from float_modes import strange_mode


def state() -> dict[str, Any]:
    """The process as others see it. NumPy has been imported."""
    libm = ctypes.CDLL("libm.so.6")
    return {
        "rounding": libm.fegetround(),
        "exceptions": libm.fegetexcept(),
        "denormals": float(np.float64(sys.float_info.min) / 2) > 0,
        "signals": [str(signal.getsignal(s)) for s in signal.valid_signals() if s not in (9, 19)],
        "environment": dict(os.environ),
        "warnings": [str(w) for w in warnings.filters],
        "errors of numpy": np.geterr(),
        "recursion": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "folder": os.getcwd(),
        "umask": [os.umask(0o22), os.umask(0o22)][1],
        "hooks": [str(sys.excepthook), str(sys.displayhook), len(sys.meta_path), len(sys.path)],
        "locale": __import__("locale").setlocale(0),
    }


def openmp_threads() -> list[int]:
    from threadpoolctl import threadpool_info

    return sorted(info["num_threads"] for info in threadpool_info() if info["user_api"] == "openmp")


def unchanged() -> list[str]:
    """What differs after import and after calls."""
    import locale  # noqa: F401

    from every_call import every_call  # imports rankgrad: the state before it is taken in `before_import`

    before = state()
    for _, call in every_call(2):
        call()
    after = state()
    return [key for key in before if before[key] != after[key]]


def unchanged_by_import() -> list[str]:
    before = state()
    import rankgrad

    assert rankgrad.__version__
    after = state()
    return [key for key in before if before[key] != after[key]]


def own_mode() -> list[str]:
    """The hashes under other floating-point modes, and whether each mode is still there afterwards.

    Only calls on bound objectives, on two threads: `test_float_mode.py` has the others.
    """
    import rankgrad as rg

    from every_call import hash_of, ragged

    data = ragged(np.float64)
    names = ("PairwiseLogisticLoss", "PairwiseHingeLoss", "SoftmaxLoss", "ApproxNDCGLoss")
    bound = [getattr(rg, n)(reduction="sum").bind(data["labels"], groups=data["groups"]) for n in names]

    def results() -> str:
        return hash_of([x.value_and_grad(data["scores"], n_threads=2) for x in bound])

    hashes = [results()]
    for rounding, flush in (("nearest", True), ("zero", False), ("zero", True)):
        with strange_mode(rounding, flush):
            hashes.append(results())
    return hashes


def threads_of_others() -> list[Any]:
    """OpenMP's setting as others see it, before and after: they may share one runtime with us."""
    import rankgrad as rg

    from every_call import hash_of_everything

    before = openmp_threads()
    with rg.threads(1):
        inside = openmp_threads()
    hash_of_everything(3)
    return [before, inside, openmp_threads()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc")
@pytest.mark.parametrize("program", [unchanged_by_import, unchanged])
def test_nothing_global_changes(program: Callable[[], list[str]], figure: Callable[[str, str], None]) -> None:
    changed = fresh(program)
    figure("globals", f"{len(changed)} changes by {program.__name__}")
    assert changed == []


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="sets MXCSR")
def test_kernels_compute_in_their_own_mode_and_leave_the_callers(figure: Callable[[str, str], None]) -> None:
    hashes = fresh(own_mode)
    figure("globals", f"{len(set(hashes))} sha256 in {len(hashes)} floating-point modes")
    assert len(set(hashes)) == 1


@pytest.mark.skipif(find_spec("threadpoolctl") is None, reason="threadpoolctl is not installed")
def test_settings_of_openmp_stay() -> None:
    before, inside, after = fresh(threads_of_others)
    assert before == inside == after
