"""Answers of the reference that are kept: a module that runs at every instruction set asks for each again."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_kept: dict[tuple[Callable[..., Any], bytes], Any] = {}


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """The function, computed once for the same arguments until `forget`. Its answers are not to be written to."""

    @wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            key = function, sha256(pickle.dumps((args, kwargs))).digest()
        except (AttributeError, pickle.PicklingError):  # a function made in a test
            return function(*args, **kwargs)
        if key not in _kept:
            _kept[key] = function(*args, **kwargs)
        return _kept[key]

    return answer


def forget() -> None:
    _kept.clear()
