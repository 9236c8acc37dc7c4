"""Conversion of whatever holds numbers to the plain NumPy arrays that the core takes, or a clear refusal.

An array that is already plain (native byte order, aligned, C-contiguous, right type) is passed on without a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_KINDS = {
    "b": "booleans",
    "c": "complex numbers",
    "O": "Python objects",
    "S": "bytes",
    "U": "strings",
    "V": "records",
    "M": "dates",
    "m": "time differences",
}


def as_array(x: Any, name: str, *, kinds: str = "fiu") -> Array:
    """`x` as an array whose dtype kind is one of `kinds`.

    Raises TypeError naming the argument for masked arrays, arrays on another device and other kinds of data.
    """
    if not isinstance(x, np.ndarray):
        x = _from_foreign(x, name)
    elif isinstance(x, np.ma.MaskedArray):
        raise TypeError(
            f'{name}: masked arrays are not taken; pass the data and {{"labels": ..., "mask": ...}}'
        )
    if x.dtype.kind not in kinds:
        if x.dtype.name == "bfloat16":
            return np.asarray(x.astype(np.float32))
        raise TypeError(f"{name}: numbers are wanted, got {_KINDS.get(x.dtype.kind, 'data')} ({x.dtype})")
    return np.asarray(x)


def _from_foreign(x: Any, name: str) -> Array:
    device = getattr(x, "__dlpack_device__", None)
    if device is not None and device()[0] not in (1, 3):  # CPU, and pinned host memory
        raise TypeError(f"{name}: is on device {device()}; rankgrad computes on the CPU: pass {name}.cpu()")
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name}: cannot be made an array: {error}") from error


def plain(x: Array, dtype: Any) -> Array:
    """`x` in `dtype`, native, aligned and C-contiguous; itself if it is that already."""
    x = x.astype(dtype, order="C", copy=False)
    return x if x.flags.aligned and x.flags.c_contiguous else x.copy(order="C")


_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def as_scores(x: Any, name: str, dtype: Any = None) -> Array:
    """Scores as float32 or float64: integers become float64, half precision float32, `dtype` is cast to first."""
    if dtype is None and type(x) is np.ndarray and (x.dtype is _FLOAT32 or x.dtype is _FLOAT64):
        flags = x.flags
        if flags.c_contiguous and flags.aligned:
            return x
    x = as_array(x, name)
    if dtype is not None:
        with np.errstate(over="ignore"):  # what does not fit becomes infinite, which is told with its place
            x = x.astype(np.float32 if dtype == "bfloat16" else dtype)
    if x.dtype.kind != "f":
        return plain(x, _FLOAT64)
    return plain(x, _FLOAT32 if x.dtype.itemsize <= 4 else _FLOAT64)


def as_labels(x: Any, name: str) -> Array:
    """Labels as float64, int64 or uint64, whichever keeps them exact."""
    x = as_array(x, name, kinds="fiub")
    if x.dtype.kind == "f":
        return plain(x, _FLOAT64)
    return plain(x, np.uint64 if x.dtype == np.uint64 else np.int64)


def as_mask(x: Any, name: str, shape: tuple[int, ...]) -> Array:
    """A mask as one byte per item; any nonzero number is true."""
    x = as_array(x, name, kinds="fiub")
    if x.shape != shape:
        raise ValueError(f"{name}: shape {x.shape} does not match the labels' shape {shape}")
    return np.ascontiguousarray(x != 0).view(np.uint8)


def as_weights(x: Any, name: str) -> Array:
    """Weights as float64."""
    return plain(as_array(x, name), _FLOAT64)


def as_integers(x: Any, name: str) -> Array:
    """A 1-D array of integers as int64.

    Raises TypeError for anything but integers, ValueError for another rank or a number past the range of int64.
    """
    x = as_array(x, name)
    if x.dtype.kind == "f" and x.size:
        raise TypeError(f"{name}: integers are wanted, got {x.dtype}")
    if x.ndim != 1:
        raise ValueError(f"{name}: a 1-D array is wanted, got shape {x.shape}")
    if x.dtype == np.uint64 and x.size and int(x.max()) > np.iinfo(np.int64).max:
        place = int(np.argmax(x > np.uint64(np.iinfo(np.int64).max)))
        raise ValueError(f"{name}: index {place} holds {int(x[place])}, past the range of int64")
    return plain(x, np.int64)
