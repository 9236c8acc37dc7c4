"""Arrays for results: the caller's own, given as `out=` and looked at here, or new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rankgrad._arrays import Array


def result(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """`out` if it can take the result, or a new array if it is None."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out: a NumPy array is wanted, got {type(out).__name__}")
    if out.dtype != dtype or out.shape != shape:
        raise ValueError(f"out: {dtype} of shape {shape} is wanted, got {out.dtype} of shape {out.shape}")
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError("out: must be C-contiguous, aligned and writeable")
    return out


def pair(out: Any, names: str) -> tuple[Any, Any]:
    """The two parts of `out`, or None twice."""
    if out is None:
        return None, None
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(f"out: the tuple {names} is wanted, got {type(out).__name__}")
    if out[0] is None or out[1] is None:
        raise TypeError(f"out: the tuple {names} is wanted, all of it, got None for a part")
    return out


def refuse_overlaps(out: Any, **arguments: Any) -> None:
    """Raises ValueError where an array of `out` shares memory with an argument, or with another array of `out`.

    Arguments are looked at as the caller gave them, and into whatever holds arrays: dicts, lists of arrays, tensors.
    """
    if out is None:
        return
    taken = [(f"the argument {name}", x) for name, given in arguments.items() for x in _arrays_in(given)]
    for array in _arrays_in(out):
        for name, other in taken:
            if _share_memory(array, other):
                raise ValueError(f"out: overlaps the memory of {name}")
        taken.append(("another array of out", array))


def _arrays_in(x: Any, depth: int = 4) -> list[Array]:
    """Arrays in dicts, lists and tuples; deeper ones than any argument has are none of a right call."""
    if isinstance(x, np.ndarray):
        return [x]
    if x is None or isinstance(x, (str, bytes, int, float, np.generic)):
        return []
    if isinstance(x, Mapping):
        x = tuple(x.values())
    if isinstance(x, (list, tuple)):
        return [array for part in x for array in _arrays_in(part, depth - 1)] if depth > 0 else []
    try:
        return [np.asarray(x)]
    except Exception:  # not an array to NumPy: the argument's own check says so
        return []


def _share_memory(a: Array, b: Array) -> bool:
    try:
        return np.may_share_memory(a, b) and np.shares_memory(a, b, 10_000)  # type: ignore[arg-type]
    except RuntimeError:  # too hard to tell
        return True
