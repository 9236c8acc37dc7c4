"""Every accepted form of ragged data, turned into one: flat values and int64 offsets.

List ``l`` holds the items ``offsets[l]`` to ``offsets[l + 1]`` of the flat arrays.

==============  =====================================================================
form            meaning
==============  =====================================================================
1-D             one list
2-D             one list per row, all of the same (padded) length
``groups=``     sizes of the lists in a flat array, as LightGBM's ``group``
``offsets=``    boundaries in a flat array, from 0 to its length, as XGBoost's ``group_ptr``
``qid=``        a list id per item, equal ids next to each other
a container     of lists, from which offsets are read: see :mod:`rankgrad._frameworks.ragged`
==============  =====================================================================

Sizes and boundaries are integers, or floats that are whole numbers. Ids are numbers, text, bytes, dates, categories
or any objects that can be hashed, in an array, a list or a column of a data frame; none may be missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rankgrad._arrays import Array, as_integers
from rankgrad._checks import shown
from rankgrad._ids import as_ids


def offsets_of(
    shape: tuple[int, ...],
    *,
    groups: Any = None,
    offsets: Any = None,
    qid: Any = None,
    items: str = "labels",
) -> Array | None:
    """Offsets of the lists in data of `shape`, or None for one list; `items` is the messages' word for the data.

    Raises
    ------
    ValueError
        For a rank other than 1 or 2, more than one of `groups`, `offsets`, `qid`, or any of them with 2-D data, and
        for boundaries that do not fit, naming the first bad place. (Decreasing offsets are left for the core, which
        checks its own copy.)
    """
    given = [n for n, x in (("groups", groups), ("offsets", offsets), ("qid", qid)) if x is not None]
    if len(shape) not in (1, 2):
        raise ValueError(f"labels (y_true): 1-D or 2-D data is wanted, got shape {shape}")
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)}: give at most one of groups, offsets, qid")
    if len(shape) == 2:
        if given:
            raise ValueError(f"{given[0]}: goes with flat 1-D data, but the labels have shape {shape}")
        return np.arange(shape[0] + 1, dtype=np.int64) * shape[1]
    if groups is not None:
        return offsets_of_groups(as_integers(groups, "groups"), shape[0], "groups", items)
    if offsets is not None:
        return as_integers(offsets, "offsets")
    if qid is not None:
        return _offsets_of_qid(qid, shape[0])
    return None


def offsets_of_groups(sizes: Array, n_items: int, name: str, items: str) -> Array:
    """Offsets of lists of these sizes; `name` and `items` are the words of the messages."""
    bad = (sizes < 0) | (sizes > n_items)
    if bad.any():
        place = int(np.argmax(bad))
        wrong = "negative" if sizes[place] < 0 else f"more than the {n_items} {items} there are"
        raise ValueError(f"{name}: index {place} holds {int(sizes[place])}, {wrong}")
    result = np.zeros(sizes.size + 1, dtype=np.int64)
    np.cumsum(sizes, out=result[1:])
    if result[-1] != n_items:
        raise ValueError(f"{name}: sizes add up to {int(result[-1])} but there are {n_items} {items}")
    return result


def _offsets_of_qid(qid: Any, n_items: int) -> Array:
    codes, ids = as_ids(qid, "qid")
    if codes.size != n_items:
        raise ValueError(f"qid: shape {codes.shape} does not match the {n_items} labels")
    if n_items == 0:
        return np.zeros(1, dtype=np.int64)
    starts = np.concatenate(([0], np.flatnonzero(codes[1:] != codes[:-1]) + 1))
    _, first, run = np.unique(codes[starts], return_index=True, return_inverse=True)
    again = first[run] != np.arange(starts.size)
    if again.any():
        place = int(starts[np.argmax(again)])
        raise ValueError(
            f"qid: items of a list must be next to each other, but {shown(ids[place])} at index {place} was seen "
            "before; sort the data by qid first"
        )
    return np.concatenate((starts, [n_items])).astype(np.int64)
