"""Arithmetic on data that Python does itself: in the default floating-point mode, whatever the caller has set."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np

from rankgrad import _core

_P = ParamSpec("_P")
_R = TypeVar("_R")


def in_default_mode(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function, rounding to nearest and keeping denormals; NumPy neither warns nor raises by ``np.errstate``."""

    @functools.wraps(function)
    def guarded(*arguments: _P.args, **options: _P.kwargs) -> _R:
        with _core.DefaultFloatMode(), np.errstate(all="ignore"):
            return function(*arguments, **options)

    return guarded
