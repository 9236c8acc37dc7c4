"""Arrow's columns of lists: pyarrow's, polars' and whatever gives Arrow's stream or array.

pyarrow's own are read by pyarrow, others by nanoarrow, which is small, or by pyarrow where that is all there is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

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


def read(x: Any, name: str) -> Lists | None:
    """A column of pyarrow; arrays of all list types, views too, chunked or not."""
    import pyarrow as pa

    if not isinstance(x, (pa.Array, pa.ChunkedArray)) or not hasattr(x.type, "value_field"):
        return None
    if hasattr(x.type.value_type, "value_field"):
        refuse_deeper(name)
    if x.null_count:
        refuse_null_lists(np.asarray(x.is_null()), name)
    chunks = [x] if isinstance(x, pa.Array) else x.chunks
    offsets = offsets_of_sizes([size for chunk in chunks for size in _sizes(chunk)])
    parts = [chunk.flatten() for chunk in chunks]
    if any(part.null_count for part in parts):
        refuse_null_items(np.concatenate([np.asarray(part.is_null()) for part in parts]), offsets, name)
    arrays = [part.to_numpy(zero_copy_only=False) for part in parts]
    values = joined([array for array in arrays if array.size])  # of no type, too, where none was ever seen
    if values.dtype == object:
        raise TypeError(f"{name}: numbers are wanted, got {x.type}")

    def put_back(flat: Array) -> Any:
        if isinstance(x, pa.Array):
            return _column(flat, offsets, x.type)
        ends = offsets_of_sizes([len(chunk) for chunk in chunks])
        columns = [_column(flat, offsets[begin : end + 1], x.type) for begin, end in pairwise(ends)]
        return pa.chunked_array(columns, _with_values(x.type, pa.array(flat).type))

    return Lists(values, offsets, put_back)


def _sizes(chunk: Any) -> Array:
    import pyarrow.compute as pc

    return np.asarray(pc.list_value_length(chunk))


def _column(flat: Array, offsets: Array, like: Any) -> Any:
    """The lists between these offsets, of the list type `like` but for its values."""
    import pyarrow as pa

    values = pa.array(flat[offsets[0] : offsets[-1]])
    kind, offsets = _with_values(like, values.type), offsets - offsets[0]
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(values, type=kind)
    if pa.types.is_large_list(kind):
        return pa.LargeListArray.from_arrays(offsets, values, type=kind)
    return pa.ListArray.from_arrays(offsets.astype(np.int32), values, type=kind)


def _with_values(like: Any, value_type: Any) -> Any:
    """The list type with values of another type; views become plain lists."""
    import pyarrow as pa

    field = like.value_field.with_type(value_type)
    if pa.types.is_fixed_size_list(like):
        return pa.list_(field, like.list_size)
    large = pa.types.is_large_list(like) or pa.types.is_large_list_view(like)
    return pa.large_list(field) if large else pa.list_(field)


def read_polars(x: Any, name: str) -> Lists | None:
    """A series of polars whose type is List or Array."""
    import polars as pl

    if not isinstance(x, pl.Series) or not isinstance(x.dtype, (pl.List, pl.Array)):
        return None
    if x.dtype.inner == pl.Null:  # as no number was ever seen; nanoarrow cannot read polars' form of it
        x = x.cast(pl.List(pl.Float64))
    lists = _read_foreign(x, name)
    return lists and lists._replace(put_back=lambda flat: pl.Series(lists.put_back(flat)).alias(x.name))


def read_foreign(x: Any, name: str) -> Lists | None:
    """What gives a stream or an array of Arrow; results come back as a column of the library that read it."""
    try:
        return _read_foreign(x, name)
    except ImportError:
        if hasattr(x, "__array__"):  # which is right for anything but lists
            return None
        raise


def _read_foreign(x: Any, name: str) -> Lists | None:
    try:
        from rankgrad._frameworks.ragged import nanoarrow
    except ImportError:
        try:
            import pyarrow as pa
        except ImportError:
            raise ImportError(
                f'{name}: columns of Arrow are read with nanoarrow: pip install "rankgrad[arrow]"'
            ) from None
        return read(pa.chunked_array(x) if hasattr(x, "__arrow_c_stream__") else pa.array(x), name)
    return nanoarrow.read(x, name)
