"""Arrow's columns read with nanoarrow: the buffers as they are."""

from __future__ import annotations

from typing import Any

import nanoarrow as na
import numpy as np

from rankgrad._arrays import Array
from rankgrad._frameworks.ragged.container import (
    Lists,
    joined,
    offsets_of_sizes,
    refuse_deeper,
    refuse_null_items,
    refuse_null_lists,
)

_LISTS = {na.Type.LIST: (na.list_, np.int32), na.Type.LARGE_LIST: (na.large_list, np.int64)}
_INTEGERS = tuple(getattr(na.Type, f"{sign}INT{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64))
_NUMBERS = (na.Type.BOOL, *_INTEGERS, na.Type.HALF_FLOAT, na.Type.FLOAT, na.Type.DOUBLE)


def read(x: Any, name: str) -> Lists | None:
    """A column of lists, as one of nanoarrow; None for columns of anything else and tables."""
    column = na.Array(x)
    kind = na.Schema(column.schema)
    if kind.type not in _LISTS and kind.type != na.Type.FIXED_SIZE_LIST:
        return None
    of = na.Schema(kind.value_type)
    if of.type in _LISTS or of.type == na.Type.FIXED_SIZE_LIST:
        refuse_deeper(name)
    if of.type not in (*_NUMBERS, na.Type.NULL):
        raise TypeError(f"{name}: numbers are wanted, got {str(kind).removeprefix('<Schema> ')}")
    views = list(column.iter_chunk_views())
    refuse_null_lists(_nulls(views), name)
    bounds = [_bounds(view, kind) for view in views]
    offsets = offsets_of_sizes(joined([np.diff(b) for b in bounds]))
    ranges = [(view.child(0), int(b[0]), int(b[-1])) for view, b in zip(views, bounds, strict=True)]
    refuse_null_items(joined([_valid(*r) == 0 for r in ranges]), offsets, name)
    return Lists(joined([_items(*r) for r in ranges]), offsets, lambda flat: _column(flat, offsets, kind))


def _nulls(views: list[Any]) -> Array:
    nulls: list[Array] = [_valid(view, 0, view.length) == 0 for view in views]
    return joined(nulls)


def _bounds(view: Any, kind: Any) -> Array:
    """The boundaries of the lists in the array of items."""
    if kind.type == na.Type.FIXED_SIZE_LIST:
        return np.arange(view.offset, view.offset + view.length + 1) * int(kind.list_size)
    if view.length == 0:  # which may have no buffer
        return np.zeros(1, np.int64)
    bounds: Array = np.asarray(view.buffer(1))
    return bounds[view.offset : view.offset + view.length + 1].astype(np.int64)


def _valid(view: Any, begin: int, end: int) -> Array:
    """A byte per element, 0 for null."""
    if view.storage_type == "na":  # the type of items of which none was ever seen
        return np.zeros(end - begin, np.uint8)
    bits = view.buffer(0)
    if bits.n_elements == 0:
        return np.ones(end - begin, np.uint8)
    valid: Array = np.asarray(bits.unpack_bits())
    return valid[view.offset + begin : view.offset + end]


def _items(view: Any, begin: int, end: int) -> Array:
    if view.storage_type == "na":
        return np.zeros(0)
    data = view.buffer(1)
    is_bits = view.storage_type == "bool"
    array: Array = np.asarray(data.unpack_bits()).view(np.bool_) if is_bits else np.asarray(data)
    return array[view.offset + begin : view.offset + end]


def _column(flat: Array, offsets: Array, like: Any) -> Any:
    of, n = na.float32() if flat.dtype == np.float32 else na.float64(), offsets.size - 1
    values = na.c_array_from_buffers(of, flat.size, [None, np.ascontiguousarray(flat)])
    buffers: list[Array | None] = [None]  # nothing is null
    if like.type == na.Type.FIXED_SIZE_LIST:
        kind = na.fixed_size_list(of, like.list_size)
    else:
        make, dtype = _LISTS[like.type]
        kind = make(of)
        buffers.append(offsets.astype(dtype))
    return na.Array(na.c_array_from_buffers(kind, n, buffers, children=[values]))
