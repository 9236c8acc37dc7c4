"""Warnings of data that no ranking loss can learn from, where something else was almost surely meant.

A loss that compares no two items is 0 and so is its gradient, and training goes on without a word. That is as it
should be where all labels are equal. It is a mistake where negative labels, which are ignored unless the loss is told
otherwise, were to be used, or where every item became a list of its own.
"""

from __future__ import annotations

import sys
import warnings
from contextvars import ContextVar
from typing import Any, Literal

import numpy as np

from rankgrad._arrays import Array

#: What a list needs for a gradient: two items of different "labels", two "items", or no more than one item (None).
Compares = Literal["labels", "items"] | None

#: Whether a compiled program is running: it may meet such data any number of times, and its caller is not on the stack.
QUIET: ContextVar[bool] = ContextVar("QUIET", default=False)


def warn_of_silent_zeros(
    core: Any,
    compares: Compares,
    labels: Array,
    mask: Array | None,
    offsets: Array | None,
    ignoring: bool,
    name: str = "labels (y_true)",
) -> None:
    """Warns if no two items are compared and lists of one item, or negative labels that are ignored, are why.

    `core`: the loss bound to the data, which knows at once whether any are.
    """
    if compares is None or core.compares_items(compares == "labels") or QUIET.get():
        return
    flat = labels.reshape(-1)
    sizes = np.array([flat.size]) if offsets is None else np.diff(offsets)
    kept = np.arange(flat.size) if mask is None else np.flatnonzero(mask)
    if ignoring and labels.ndim == 2:  # negative labels at the end of a row are padding
        kept = kept[~np.logical_and.accumulate(labels[:, ::-1] < 0, axis=1)[:, ::-1].reshape(-1)[kept]]
    if kept.size < 2:
        return
    if sizes.max() < 2:
        _warn(
            name,
            f"each of the {np.count_nonzero(sizes)} lists has one item; for one list pass flat labels and scores of "
            f"shape ({flat.size},), for several also the groups=, offsets= or qid= of whole lists",
        )
    elif ignoring and (flat[kept] < 0).any() and _labels_differ(flat, sizes, kept):
        _warn(
            name,
            "negative labels mark items to be ignored; if they are labels like others, build the loss with "
            'negative_labels="use"',
        )


def _labels_differ(labels: Array, sizes: Array, kept: Array) -> bool:
    """Whether the kept items of some list have two labels; then two that follow each other differ."""
    list_of_item = np.repeat(np.arange(sizes.size), sizes)[kept]
    same_list = list_of_item[1:] == list_of_item[:-1]
    return bool((same_list & (labels[kept][1:] != labels[kept][:-1])).any())


def _warn(name: str, cause: str) -> None:
    warnings.warn(
        f"{name}: no two items are compared, so the gradient is 0: {cause}",
        UserWarning,
        stacklevel=_users_level(),
    )


def _users_level() -> int:
    """The `stacklevel`, for a caller of this function, of the first frame outside the package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "rankgrad":
        level, frame = level + 1, frame.f_back
    return level
