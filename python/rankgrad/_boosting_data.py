"""What a boosting library hands over, checked, and errors about it in the library's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from rankgrad import _core
from rankgrad._arrays import Array, as_array, as_integers, as_scores, as_weights
from rankgrad.lists import offsets_of

#: The arguments, as losses and metrics call them at the beginning of a message.
_LEADING = re.compile(r"(labels|scores|sample_weight|groups)(?: \((?:y_true|y_pred)\))?: ")


@contextmanager
def in_words_of(words: dict[str, str]) -> Iterator[None]:
    """Errors that begin with an argument's name get the library's name for it."""
    try:
        yield
    except (ValueError, TypeError) as error:
        said = _LEADING.match(str(error))
        if said is None:
            raise
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{words[said[1]]}: {str(error)[said.end() :]}") from None


class TrainingData(NamedTuple):
    """Labels and scores of all rows, the sizes of the lists, and weights of rows (n,) or of lists (n_lists, 1)."""

    labels: Array
    scores: Array
    weights: Array | None
    groups: Array

    def list_weights(self) -> Array:
        """A weight per list: the mean of its rows', as LightGBM has it."""
        weights = self.weights
        assert weights is not None
        if weights.ndim == 2:
            return weights
        return _core.list_means(as_weights(weights, "weight"), offsets_of(weights.shape, groups=self.groups))


def checked(
    words: dict[str, str], labels: Any, scores: Any, weights: Any, groups: Any, *, per_row: bool
) -> TrainingData:
    """The library's arrays, one label and one score per row; weights per row, or per list as a column."""
    named = {"labels": labels, "scores": scores, "sample_weight": weights, "groups": groups}
    for name, x in named.items():
        if isinstance(x, np.ma.MaskedArray):
            raise TypeError(f"{words[name]}: masked arrays are not taken; leave such rows out of the data")
    data = TrainingData(
        as_array(labels, words["labels"], kinds="fiub"),
        as_scores(scores, words["scores"]),
        None if weights is None else as_weights(weights, words["sample_weight"]),
        as_integers(groups, words["groups"]),
    )
    if data.scores.ndim == 2:
        raise ValueError(
            f"{words['scores']}: one score per row is wanted, got shape {data.scores.shape}; "
            "a ranking objective has one target and no classes"
        )
    if data.labels.size == 0 and data.scores.size > 0:
        raise ValueError(
            f"{words['labels']}: missing; one label per row, {data.scores.size} of them, is wanted"
        )
    n_rows = data.labels.size
    if data.labels.ndim != 1 or data.scores.shape != (n_rows,):
        raise ValueError(
            f"{words['labels']}: one label and one score per row are wanted, got labels of shape "
            f"{data.labels.shape} and scores of shape {data.scores.shape}"
        )
    if data.labels.dtype.kind == "f" and np.isnan(data.labels).any():
        row = int(np.argmax(np.isnan(data.labels)))
        raise ValueError(f"{words['labels']}: NaN in row {row}; leave such rows out of the data")
    with in_words_of(words):
        offsets_of((n_rows,), groups=data.groups)
    if data.weights is None:
        return data
    return data._replace(
        weights=_checked_weights(words["sample_weight"], data.weights, n_rows, data.groups.size, per_row)
    )


def _checked_weights(name: str, weights: Array, n_rows: int, n_lists: int, per_row: bool) -> Array:
    what, n = ("row", n_rows) if per_row else ("list", n_lists)
    if weights.shape != (n,):
        raise ValueError(f"{name}: one weight per {what}, {n} of them, is wanted, got shape {weights.shape}")
    if not np.isfinite(weights).all():
        bad = int(np.argmin(np.isfinite(weights)))
        number = "NaN" if np.isnan(weights[bad]) else "infinity"
        raise ValueError(f"{name}: {number} at {what} {bad}; finite numbers are wanted")
    return weights if per_row else weights[:, None]
