"""Columns of pandas whose rows are lists: Arrow's, or objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rankgrad._arrays import Array
from rankgrad._frameworks.ragged import arrow, sequences
from rankgrad._frameworks.ragged.container import Lists, refuse_null_lists


def read(x: Any, name: str) -> Lists | None:
    """Results are a column with the same index and name."""
    if not isinstance(x, pd.Series):
        return None
    if isinstance(x.dtype, pd.ArrowDtype):
        return _read_arrow(x, name)
    return _read_objects(x, name) if x.dtype == object else None


def _read_arrow(x: Any, name: str) -> Lists | None:
    import pyarrow as pa

    lists = arrow.read(pa.array(x.array), name)
    if lists is None:
        return None

    def put_back(flat: Array) -> Any:
        return pd.Series(pd.arrays.ArrowExtensionArray(lists.put_back(flat)), index=x.index, name=x.name)

    return lists._replace(put_back=put_back)


def _read_objects(x: Any, name: str) -> Lists | None:
    rows = x.tolist()
    missing = np.fromiter(map(_is_missing, rows), np.bool_, len(rows))
    first = int(np.argmin(missing)) if not missing.all() else None
    if first is None or not (isinstance(rows[first], (list, tuple)) or sequences.is_array(rows[first])):
        return None
    refuse_null_lists(missing, name)
    lists = sequences.read_rows(rows, name) or sequences.read_arrays(rows, name)

    def put_back(flat: Any) -> Any:
        column = np.empty(len(rows), object)
        for row, part in enumerate(lists.put_back(flat)):
            column[row] = part
        return pd.Series(column, index=x.index, name=x.name)

    return lists._replace(put_back=put_back)


def _is_missing(row: Any) -> bool:
    return row is None or row is pd.NA or (isinstance(row, float) and row != row)
