"""Ids in whatever form people hold them, as an array in which ids are equal where theirs are.

Numbers, booleans, text, bytes and dates in an array are compared as they are. Objects (a string column of a data frame,
categories, time zones, UUIDs, integers past 64 bits) are numbered in the order in which they are first seen. So are the
elements of a list, of which NumPy would make strings of numbers among strings, and floats of large integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rankgrad._arrays import Array, as_array
from rankgrad._checks import shown

Ids = Array | Sequence[Any]


def as_ids(x: Any, name: str) -> tuple[Array, Ids]:
    """A 1-D array that is equal where the ids of `x` are, and the ids.

    Raises ValueError for a missing id (None, NaN, NaT, NA) with its index and for another rank, TypeError for what
    cannot be an id.
    """
    if isinstance(x, (list, tuple)) and not any(map(_is_array, set(map(type, x)))):
        return _numbered(x, name), x
    array = as_array(x, name, kinds="fiubSUMmOT", wanted="ids")
    if array.ndim != 1:
        got = f"shape {array.shape}" if array.ndim else shown(x)
        raise ValueError(f"{name}: one id per item, a 1-D array, is wanted, got {got}")
    if array.dtype.kind in "OT":
        ids = array.tolist()
        return _numbered(ids, name), ids
    if array.dtype.kind in "fMm":
        missing = np.isnan(array) if array.dtype.kind == "f" else np.isnat(array)
        if missing.any():
            _refuse_missing(array, int(np.argmax(missing)), name)
    return array, array


def _numbered(ids: Sequence[Any], name: str) -> Array:
    try:
        numbers = {x: number for number, x in enumerate(dict.fromkeys(ids))}
        codes = np.fromiter(map(numbers.__getitem__, ids), np.int64, len(ids))
    except MemoryError:
        raise
    except Exception:  # whatever an object's own hash or comparison raises
        place = _first_without_hash(ids)
        raise TypeError(f"{name}: index {place} holds {shown(ids[place])}, which cannot be an id") from None
    for x, number in numbers.items():
        missing = _is_missing(x)
        if missing or _is_array(type(x)):  # an array among the ids is equal to itself only, whatever it holds
            place = int(np.argmax(codes == number))
            if missing:
                _refuse_missing(ids, place, name)
            raise TypeError(f"{name}: index {place} holds {shown(x)}, which cannot be an id")
    return codes


def _first_without_hash(ids: Sequence[Any]) -> int:
    seen: set[Any] = set()
    for place, x in enumerate(ids):
        try:
            seen.add(x)
        except Exception:
            return place
    return 0


def _is_array(kind: type) -> bool:
    """Whether these are arrays and tensors; not NumPy's numbers, which are compared by value."""
    return hasattr(kind, "__array__") and not issubclass(kind, np.generic)


def _is_missing(x: Any) -> bool:
    """None, and what does not say that it is equal to itself: NaN and NaT say no, pandas' NA does not say."""
    try:
        return x is None or bool(x != x)
    except Exception:
        return True


def _refuse_missing(ids: Ids, place: int, name: str) -> None:
    raise ValueError(f"{name}: is missing ({shown(ids[place])}) at index {place}; every item needs an id")
