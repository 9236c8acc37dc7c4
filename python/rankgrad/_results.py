"""Arrays for results: the caller's own, given as `out=` and looked at here, or new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rankgrad import _core
from rankgrad._arrays import Array
from rankgrad._frameworks import Results

Scores = Array | tuple[Array, Array]
_WITH_HESSIAN = (_core.GRAD_HESS, _core.GRAD_POSITIVE_HESS)


def results(mode: int, out: Any, shape: tuple[int, ...] | None, scores: Scores) -> Results:
    """Arrays for what the mode gives: values of the shape, None for a number, and derivatives like the scores."""
    if mode in _WITH_HESSIAN:
        grad, hess = _pair(out, f"({_names('grad', scores)}, {_names('hess', scores)})")
        return None, _like(grad, scores, "grad"), _like(hess, scores, "hess")
    values, grad = None, out
    if mode == _core.VALUE:
        values, grad = out, None
        if shape is None and out is not None:
            raise ValueError("out: the value of a reduced loss or of one list is a number, not an array")
    elif shape is not None:
        values, grad = _pair(out, f"(value, {_names('grad', scores)})")
    if shape is not None:
        values = _result(values, shape, (scores[0] if isinstance(scores, tuple) else scores).dtype)
    return values, None if mode == _core.VALUE else _like(grad, scores, "grad"), None


def _names(of: str, scores: Scores) -> str:
    return f"({of}_positive, {of}_negative)" if isinstance(scores, tuple) else of


def _like(out: Any, scores: Scores, of: str) -> Any:
    """The arrays for a derivative with respect to the scores."""
    if not isinstance(scores, tuple):
        return _result(out, scores.shape, scores.dtype)
    parts = _pair(out, _names(of, scores))
    return tuple(_result(part, x.shape, x.dtype) for part, x in zip(parts, scores, strict=True))


def _result(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
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


def _pair(out: Any, names: str) -> tuple[Any, Any]:
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
