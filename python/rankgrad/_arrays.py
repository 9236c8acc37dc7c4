"""Conversion of whatever holds numbers to the plain NumPy arrays that the core takes, or a clear refusal.

An array that is already plain (native byte order, aligned, C-contiguous, right type) is passed on without a copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rankgrad._arithmetic import in_default_mode

Array = NDArray[Any]

_ON_CPU = (1, 3)  # in DLPack's count of devices: the CPU, and pinned host memory

_KINDS = {
    "b": "booleans",
    "c": "complex numbers",
    "O": "Python objects",
    "S": "bytes",
    "U": "strings",
    "T": "strings",
    "V": "records",
    "M": "dates",
    "m": "time differences",
}


def as_array(x: Any, name: str, *, kinds: str = "fiu", wanted: str = "numbers") -> Array:
    """`x` as an array whose dtype kind is one of `kinds`.

    Raises TypeError naming the argument for masked arrays, tensors that are no plain arrays and other kinds of data.
    """
    array = x if isinstance(x, np.ndarray) else _from_foreign(x, name)
    if isinstance(array, np.ma.MaskedArray):
        _refuse_masked(name)
    if array.dtype.kind not in kinds:
        if array.dtype.name == "bfloat16":
            return np.asarray(array.astype(np.float32))
        raise TypeError(f"{name}: {wanted} are wanted, got {_what(array, x)}")
    return np.asarray(array)


def _what(array: Array, x: Any) -> str:
    """What an array that is refused holds; an object that NumPy knows nothing of is its only element."""
    if array.dtype.kind == "O" and array.ndim == 0:
        return f"an object of type {type(x).__name__}"
    kind = (
        "data" if array.dtype.kind == "V" and not array.dtype.names else _KINDS.get(array.dtype.kind, "data")
    )
    return f"{kind} ({array.dtype})"


def _from_foreign(x: Any, name: str) -> Array:
    """What is no NumPy array as one. Whatever a library raises is told with the argument's name."""
    try:
        x = _detached(x, name)
        array = np.asarray(x)
        _look_for_masks(x, name, array.ndim)
        return array
    except MemoryError:
        raise
    except Exception as error:
        if str(error).startswith(f"{name}: "):
            raise
        kind = ValueError if isinstance(error, ValueError) else TypeError
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise kind(f"{name}: cannot be made an array: {reason}") from error


def _detached(x: Any, name: str) -> Any:
    """A tensor as one that NumPy can read. No framework is imported for it."""
    if getattr(x, "requires_grad", False) is True:
        raise TypeError(f"{name}: requires grad, which an array cannot: pass its .detach()")
    if getattr(x, "is_nested", False) is True:
        raise TypeError(f"{name}: nested tensors are not taken; pass flat data with groups=, or padded data")
    device = getattr(x, "__dlpack_device__", None)
    if device is not None and device()[0] not in _ON_CPU:
        raise ValueError(f"{name}: is on device {device()}; rankgrad computes on the CPU: pass its .cpu()")
    return x.float() if str(getattr(x, "dtype", "")) == "torch.bfloat16" else x


def _look_for_masks(x: Any, name: str, depth: int) -> None:
    """NumPy drops the masks of masked arrays in a list."""
    if depth > 0 and isinstance(x, (list, tuple)):
        kinds = set(map(type, x))
        if any(issubclass(kind, np.ma.MaskedArray) for kind in kinds):
            _refuse_masked(name)
        if any(issubclass(kind, (list, tuple)) for kind in kinds):
            for part in x:
                _look_for_masks(part, name, depth - 1)


def _refuse_masked(name: str) -> None:
    raise TypeError(
        f"{name}: masked arrays are not taken; pass plain arrays, and what is to be ignored to a loss as "
        'y_true={"labels": ..., "mask": ...}'
    )


def plain(x: Array, dtype: Any) -> Array:
    """`x` in `dtype`, native, aligned and C-contiguous; itself if it is that already."""
    if x.dtype != dtype:
        with np.errstate(all="ignore"):  # what does not fit becomes infinite, which is told with its place
            x = x.astype(dtype, order="C")
    return x if x.flags.aligned and x.flags.c_contiguous else x.copy(order="C")


_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_LABELS = frozenset(map(np.dtype, ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")))


def as_scores(x: Any, name: str, dtype: Any = None) -> Array:
    """Scores as float32 or float64: integers become float64, half precision float32, `dtype` is cast to first.

    What needs no arithmetic is spared the change of the floating-point mode.
    """
    if type(x) is np.ndarray and ((kind := x.dtype) is _FLOAT32 or kind is _FLOAT64):
        flags = x.flags
        if (dtype is None or dtype is kind) and flags.c_contiguous and flags.aligned:
            return x
    return _converted(x, name, dtype)


@in_default_mode
def _converted(x: Any, name: str, dtype: Any) -> Array:
    x = as_array(x, name)
    if dtype is not None:
        x = plain(x, np.dtype(np.float32 if dtype == "bfloat16" else dtype))
    if x.dtype.kind != "f":
        return plain(x, _FLOAT64)
    return plain(x, _FLOAT32 if x.dtype.itemsize <= 4 else _FLOAT64)


def as_labels(x: Any, name: str) -> Array:
    """Labels in their own type: float32, float64 or any integers; booleans become integers, half precision float32.

    Raises ValueError for a long double beyond the range of float64.
    """
    if type(x) is np.ndarray and x.dtype in _LABELS and (flags := x.flags).c_contiguous and flags.aligned:
        return x
    x = as_array(x, name, kinds="fiub")
    if x.dtype.kind != "f":
        return plain(x, np.uint8 if x.dtype.kind == "b" else x.dtype.newbyteorder("="))
    labels = plain(x, _FLOAT32 if x.dtype.itemsize <= 4 else _FLOAT64)
    if x.dtype.itemsize > 8 and (bad := np.isinf(labels) & ~np.isinf(x)).any():
        place = int(np.argmax(bad))
        raise ValueError(f"{name}: index {place} holds {x.flat[place]}, past the range of float64")
    return labels


def as_mask(x: Any, name: str, shape: tuple[int, ...]) -> Array:
    """A mask as one byte per item; any nonzero number is true."""
    x = as_array(x, name, kinds="fiub")
    if x.shape != shape:
        raise ValueError(f"{name}: shape {x.shape} does not match the labels' shape {shape}")
    if x.dtype.kind == "f" and np.isnan(x).any():
        raise ValueError(f"{name}: NaN at index {int(np.argmax(np.isnan(x)))}; true or false is wanted")
    return np.ascontiguousarray(x != 0).view(np.uint8)


def as_weights(x: Any, name: str) -> Array:
    """Weights as float64."""
    return plain(as_array(x, name), _FLOAT64)


def as_integers(x: Any, name: str) -> Array:
    """A 1-D array of integers as int64; floats that are whole numbers are taken for such.

    Raises TypeError for what is no number, and ValueError for another rank, for a float that is no whole number or so
    large that its type cannot hold every one, and for an integer past the range of int64.
    """
    x = as_array(x, name)
    if x.ndim != 1:
        raise ValueError(f"{name}: a 1-D array is wanted, got shape {x.shape}")
    if x.dtype.kind == "f":
        exact = 2.0 ** min(np.finfo(x.dtype).nmant + 1, 62)
        with np.errstate(all="ignore"):
            bad = ~((np.abs(x) <= exact) & (np.trunc(x) == x))  # NaN compares false
        wrong = f"but whole numbers are wanted (floats up to {exact:.0f})"
    else:
        bad = x > np.iinfo(np.int64).max if x.dtype == np.uint64 else np.zeros(0, np.bool_)
        wrong = "past the range of int64"
    if bad.any():
        place = int(np.argmax(bad))
        raise ValueError(f"{name}: index {place} holds {x[place]}, {wrong}")
    return plain(x, np.int64)
