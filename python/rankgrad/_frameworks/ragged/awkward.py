"""Arrays of awkward with one ragged, or regular, axis under the first."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from rankgrad._arrays import Array
from rankgrad._frameworks.ragged.container import Lists, refuse_deeper, refuse_null_items, refuse_null_lists


def read(x: Any, name: str) -> Lists | None:
    """Any layout of lists of numbers. Option types are taken where nothing is missing, as of Arrow's columns."""
    if not isinstance(x, ak.Array) or x.ndim < 2:
        return None
    if x.ndim > 2:
        refuse_deeper(name)
    layout = x.layout
    if layout.is_indexed and not layout.is_option:
        layout = layout.project()
    if layout.is_option:
        refuse_null_lists(_missing(layout), name)
        layout = layout.project()
    if layout.is_numpy:
        layout = layout.to_RegularArray()
    lists = layout.to_ListOffsetArray64(True)
    offsets = np.asarray(lists.offsets.data)
    items = lists.content[: offsets[-1]]
    if items.is_indexed and not items.is_option:
        items = items.project()
    if items.is_option:
        refuse_null_items(_missing(items), offsets, name)
        items = items.project()
    if items.is_unknown:  # of no type, as none was ever seen
        items = ak.contents.NumpyArray(np.zeros(0))
    if not items.is_numpy:
        raise TypeError(f"{name}: numbers are wanted, got {x.type}")

    def put_back(flat: Array) -> Any:
        result = ak.contents.ListOffsetArray(ak.index.Index64(offsets), ak.contents.NumpyArray(flat))
        return ak.Array(result.to_RegularArray() if layout.is_regular else result)

    return Lists(np.asarray(items.data), offsets, put_back)


def _missing(layout: Any) -> Array:
    return np.asarray(layout.mask_as_bool(valid_when=False))
