"""What all containers of ragged lists are read as."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from rankgrad._arrays import Array


class Lists(NamedTuple):
    """Lists as flat data; list l holds the values from `offsets[l]` to `offsets[l + 1]`."""

    values: Any
    """1-D, an array of NumPy or of another framework; the container's own memory where that can be."""
    offsets: Array
    """int64, from 0 to the number of values."""
    put_back: Callable[[Any], Any]
    """Makes a container like the one that was read of flat results."""


def offsets_of_sizes(sizes: Any) -> Array:
    """Offsets of lists of these sizes."""
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(np.asarray(sizes, np.int64), out=offsets[1:])
    return offsets


def joined(parts: list[Array]) -> Array:
    """One array of several; a lone one as it is."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0)


def require_same_lists(offsets: Array, name: str, wanted: Array, of: str) -> None:
    """Raises ValueError naming the first list of `name` that is not as long as that of the argument called `of`."""
    if np.array_equal(offsets, wanted):
        return
    sizes, others = np.diff(offsets), np.diff(wanted)
    both = min(sizes.size, others.size)
    differ = sizes[:both] != others[:both]
    if not differ.any():
        raise ValueError(f"{name}: has {sizes.size} lists, {of} {others.size}")
    bad = int(np.argmax(differ))
    raise ValueError(f"{name}: list {bad} has {sizes[bad]} items, that of {of} has {others[bad]}")


def refuse_null_lists(nulls: Array, name: str) -> None:
    """Raises ValueError for the first list that is marked."""
    if nulls.any():
        raise ValueError(
            f"{name}: list {int(np.argmax(nulls))} is null; lists are wanted, empty ones as such"
        )


def refuse_null_items(nulls: Array, offsets: Array, name: str) -> None:
    """Raises ValueError for the first item that is marked, saying which of its list it is."""
    if nulls.any():
        bad = int(np.argmax(nulls))
        in_list = int(np.searchsorted(offsets, bad, side="right")) - 1
        raise ValueError(
            f"{name}: item {bad - offsets[in_list]} of list {in_list} is null; numbers are wanted"
        )


def refuse_objects(values: Array, offsets: Array, name: str) -> None:
    """Raises ValueError for an item that is missing among Python objects; what else they are, others say."""
    if values.dtype == object:
        refuse_null_items(np.fromiter((x is None for x in values), np.bool_, values.size), offsets, name)


def refuse_deeper(name: str) -> NoReturn:
    raise ValueError(f"{name}: lists of numbers are wanted, not of lists")
