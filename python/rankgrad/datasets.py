"""Data to rank: made up with a seed, or read from svmlight files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rankgrad._arrays import as_integers
from rankgrad._checks import real, shown, whole, whole_or_none
from rankgrad.lists import offsets_of, offsets_of_groups

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
GroupSource = str | os.PathLike[str] | npt.ArrayLike

# Shares of the labels 0 to 4 as in MSLR-WEB30K: most documents are irrelevant, very few perfect.
LABEL_SHARES = (0.515, 0.325, 0.134, 0.018, 0.008)
# Standard deviation of what makes a whole list good or bad; that of the features' part is 1.
LIST_SHIFT = 1.0


def make_ranking(
    n_lists: int = 500,
    *,
    n_features: int = 30,
    min_length: int = 10,
    max_length: int = 300,
    noise: float = 0.7,
    seed: int = 0,
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Make a learning-to-rank data set of graded labels and lists of very different lengths.

    A hidden utility, a non-linear combination of the first features plus noise and a shift per list, is cut
    at quantiles into the labels 0 to 4 with shares 0.515, 0.325, 0.134, 0.018, 0.008 (as in MSLR-WEB30K).
    Lengths are log-uniform. The shift makes some lists easy and leaves others without relevant items, as real
    ones are.

    Parameters
    ----------
    n_lists : int
        Number of lists.
    n_features : int
        Columns, at least 8; those after the eighth are noise to the labels.
    min_length, max_length : int
        Bounds of the list lengths, both inclusive.
    noise : float
        Standard deviation of the part of the utility that no feature explains (the explained part has 1).
    seed : int
        The same seed gives the same data.

    Returns
    -------
    X : float64 array (n_items, n_features)
    y : float64 array (n_items,)
        Labels 0 to 4.
    groups : int64 array (n_lists,)
        Sizes of the lists, in the order of the rows.
    """
    most = 2**31 - 1
    n_lists, n_features = whole(n_lists, "n_lists", 1, most), whole(n_features, "n_features", 8, most)
    min_length = whole(min_length, "min_length", 1, most)
    max_length = whole(max_length, "max_length", min_length, most)
    noise = real(noise, "noise", "a finite number of at least 0", low=0.0)
    seed = whole(seed, "seed", 0)
    rng = np.random.default_rng(seed)
    lengths = np.exp(rng.uniform(np.log(min_length), np.log(max_length + 1), n_lists)).astype(np.int64)
    groups = np.clip(lengths, min_length, max_length)
    features = rng.standard_normal((int(groups.sum()), n_features))
    features[:, 5:8] += np.repeat(
        rng.standard_normal((n_lists, 3)), groups, axis=0
    )  # properties of the whole list
    utility = _standardised(_explained_utility(features))
    utility += noise * rng.standard_normal(len(features)) + np.repeat(
        LIST_SHIFT * rng.standard_normal(n_lists), groups
    )
    thresholds = np.quantile(utility, np.cumsum(LABEL_SHARES)[:-1])
    return features, np.searchsorted(thresholds, utility).astype(np.float64), groups


def _explained_utility(x: FloatArray) -> FloatArray:
    """What the features say: a linear part, a step, products, and the list's own properties."""
    linear = x[:, 0] + 0.5 * x[:, 1]
    steps = np.where(x[:, 2] > 0.5, 1.0, -0.3) * np.abs(x[:, 3])
    products = np.sin(2.0 * x[:, 4]) * x[:, 1] + 0.7 * np.tanh(x[:, 5] * x[:, 0]) + 0.3 * x[:, 6] * x[:, 7]
    return np.asarray(linear + steps + products)


def _standardised(values: FloatArray) -> FloatArray:
    deviation = float(values.std())
    return np.asarray((values - values.mean()) / (deviation if deviation > 0 else 1.0))


def load_svmlight(
    path: str | os.PathLike[str], group: GroupSource | None = None, *, n_features: int | None = None
) -> tuple[Any, FloatArray, IntArray]:
    """Read a ranking data set in svmlight (LETOR) form: ``label [qid:id] feature:value ...`` per line.

    Parameters
    ----------
    path : path
        The file, also .gz or .bz2.
    group : path or array of int, optional
        Sizes of the lists, or a text file of them. Without it they come from ``qid:`` in the file, else from
        a file beside it: ``path`` + ``.query`` or ``.group``.
    n_features : int, optional
        Columns of the matrix. Give a validation set that of its training set, since a file says nothing of
        the features that it lacks.

    Returns
    -------
    X : scipy.sparse CSR matrix (n_items, n_features)
        Column j is feature j of the file (so column 0 is empty where a file counts from 1, in every file
        alike).
    y : float64 array (n_items,)
    groups : int64 array (n_lists,)
        Sizes of the lists.

    Raises
    ------
    ImportError
        Without scikit-learn.
    TypeError, ValueError
        Where no lists are given, some rows only have a qid, a qid comes back after another one, sizes are no whole
        numbers (floats that are, are taken) or do not add up to the rows.
    """
    try:
        from sklearn.datasets import load_svmlight_file
    except ImportError as error:
        raise ImportError('load_svmlight needs scikit-learn: pip install "rankgrad[demo]"') from error

    file = _file_name(path, "path")
    n_features = whole_or_none(n_features, "n_features", 1, 2**31 - 1)
    x, y, qid = load_svmlight_file(file, n_features=n_features, zero_based=True, query_id=True)
    if group is None and qid.size == y.size:
        return x, y, np.diff(np.asarray(offsets_of(y.shape, qid=qid)))
    if group is None and qid.size:
        raise ValueError(f"{file}: only {qid.size} of {y.size} rows have a qid:, but all or none should")
    sizes = _sizes_of(_sizes_beside(file) if group is None else group)
    return x, y, np.diff(offsets_of_groups(sizes, y.size, "group", f"rows in {file}"))


def _file_name(path: Any, name: str) -> str:
    try:
        return os.fsdecode(path)
    except TypeError:
        raise TypeError(f"{name}: the path of a file is wanted, got {shown(path)}") from None


def _sizes_of(group: GroupSource) -> IntArray:
    """Sizes of lists, from an array or a text file with one per line."""
    if not isinstance(group, str | os.PathLike):
        return as_integers(group, "group")
    try:
        return as_integers(np.loadtxt(group, dtype=np.float64, ndmin=1), "group")
    except ValueError as error:
        raise ValueError(f"group: {str(error).removeprefix('group: ')} ({os.fspath(group)})") from None


def _sizes_beside(file: str) -> Path:
    candidates = [Path(file + ending) for ending in (".query", ".group")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise ValueError(
        f"{file} has no qid: and there is neither {candidates[0].name} nor {candidates[1].name}; give group="
    )
