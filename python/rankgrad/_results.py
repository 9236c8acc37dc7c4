"""Arrays for results: the caller's own, given as `out=` and looked at here, or new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rankgrad._arrays import Array
from rankgrad._core import GRAD_HESS, GRAD_POSITIVE_HESS, VALUE
from rankgrad._frameworks import Results

Scores = Array | tuple[Array, Array]
_WITH_HESSIAN = (GRAD_HESS, GRAD_POSITIVE_HESS)


def results(mode: int, out: Any, shape: tuple[int, ...] | None, scores: Scores) -> Results:
    """Arrays for what the mode gives: values of the shape, None for a number, and derivatives like the scores."""
    if mode in _WITH_HESSIAN:
        grad, hess = _parts(out, scores, "grad", "hess")
        return None, _like(grad, scores, "grad"), _like(hess, scores, "hess")
    if mode == VALUE:
        if shape is None and out is not None:
            raise ValueError("out: the value of a reduced loss or of one list is a number, not an array")
        return _values(out, shape, scores), None, None
    if shape is None:
        return None, _like(out, scores, "grad"), None
    values, grad = _parts(out, scores, "value", "grad")
    return _values(values, shape, scores), _like(grad, scores, "grad"), None


def _values(out: Any, shape: tuple[int, ...] | None, scores: Scores) -> Array | None:
    """The array for unreduced values."""
    if shape is None:
        return None
    dtype = (scores[0] if isinstance(scores, tuple) else scores).dtype
    return np.empty(shape, dtype) if out is None else _usable(out, shape, dtype)


def _like(out: Any, scores: Scores, of: str) -> Any:
    """The arrays for a derivative with respect to the scores."""
    if isinstance(scores, tuple):
        parts = _parts(out, None, f"{of}_positive", f"{of}_negative")
        return tuple(_like(part, x, of) for part, x in zip(parts, scores, strict=True))
    return np.empty(scores.shape, scores.dtype) if out is None else _usable(out, scores.shape, scores.dtype)


def _parts(out: Any, scores: Scores | None, *names: str) -> tuple[Any, Any]:
    """The two parts of `out`, or None twice; a derivative with respect to two scores is itself a tuple."""
    if out is None:
        return None, None
    if isinstance(out, tuple) and len(out) == 2 and out[0] is not None and out[1] is not None:
        return out
    pairs = isinstance(scores, tuple)
    said = ", ".join(f"({n}_positive, {n}_negative)" if pairs and n != "value" else n for n in names)
    got = "None for a part" if isinstance(out, tuple) and len(out) == 2 else type(out).__name__
    raise TypeError(f"out: the tuple ({said}), all of it, is wanted, got {got}")


def _usable(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """`out`, which can take the result."""
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise TypeError(f"out: a NumPy array is wanted, got {type(out).__name__}")
    if out.dtype != dtype or out.shape != shape:
        raise ValueError(f"out: {dtype} of shape {shape} is wanted, got {out.dtype} of shape {out.shape}")
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError("out: must be C-contiguous, aligned and writeable")
    return out


def refuse_overlaps(out: Any, **arguments: Any) -> None:
    """Raises ValueError where an array of `out` shares memory with an argument, or with another array of `out`.

    Arguments are looked at as the caller gave them, and into whatever holds arrays: dicts, lists of arrays, tensors.
    """
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
