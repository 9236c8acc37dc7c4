"""Ranking metrics of ragged lists: DCG and NDCG.

Libraries disagree about three things, so each is an argument here. What equals what:

==========================================  ============  =============  ==========
library                                     ``gain``      ``ties``       ``empty``
==========================================  ============  =============  ==========
default                                     ``"exp2"``    ``"first"``    ``0.0``
LightGBM ``ndcg@k``                         ``"exp2"``    ``"first"``    ``1.0``
XGBoost ``ndcg@k``                          ``"exp2"``    ``"first"``    ``1.0``
XGBoost ``ndcg@k-``                         ``"exp2"``    ``"first"``    ``0.0``
scikit-learn ``ndcg_score``                 ``"linear"``  ``"average"``  ``0.0``
scikit-learn, ``ignore_ties=True``          ``"linear"``  (no order)     ``0.0``
==========================================  ============  =============  ==========
"""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rankgrad import _core
from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array, as_array, as_scores, plain
from rankgrad._loss import labels_and_mask
from rankgrad.lists import offsets_of

Gain = Literal["exp2", "linear"] | npt.ArrayLike
Ties = Literal["first", "average", "worst"]
Empty = float | Literal["skip"]
NegativeLabels = Literal["ignore", "use"]

_ALL_POSITIONS = np.iinfo(np.int64).max
_NO_TABLE = np.zeros(0)


@in_default_mode
def ndcg(
    labels: Any,
    scores: Any,
    *,
    k: int | None = None,
    groups: Any = None,
    offsets: Any = None,
    qid: Any = None,
    gain: Gain = "exp2",
    ties: Ties = "first",
    empty: Empty = 0.0,
    per_list: bool = False,
    negative_labels: NegativeLabels = "ignore",
) -> Any:
    """Normalized discounted cumulative gain: :func:`dcg` divided by that of the best order [1]_.

    NDCG@k = DCG@k / max over all orders of DCG@k

    Parameters
    ----------
    labels : array or dict
        Relevance of the items, 1-D (one list, or flat with one of `groups`, `offsets`, `qid`) or padded 2-D
        (one list per row); or ``{"labels": ..., "mask": ...}``, where items with mask 0 are no items.
    scores : array, shape of `labels`
        Higher is better. Infinite scores are ranked like others.
    k : int, optional
        Positions that count; all if None.
    groups, offsets, qid : array of int, optional
        Sizes of the lists, or their boundaries, or a list id per item: at most one of them. See
        :mod:`rankgrad.lists`.
    gain : {"exp2", "linear"} or array
        2^y - 1, or y, or a table: item y of it for the label y = 0, 1, ...
    ties : {"first", "average", "worst"}
        Items of equal score stand in the order of the input, count with the mean over all their orders
        (McSherry and Najork [2]_), or stand with the smallest gain first.
    empty : float or "skip"
        Value of a list whose best DCG is not positive, because nothing in it is relevant. ``"skip"`` leaves
        such lists out of the mean; with ``per_list=True`` they are NaN.
    per_list : bool
        Give every list's value instead of the mean.
    negative_labels : {"ignore", "use"}
        Items with a negative label are no items (padding, as in Keras), or are items like any other.

    Returns
    -------
    float or float64 array (n_lists,)
        The mean over lists, each counting the same (NaN where there is none), or every list's value.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit, NaN among the labels or scores, and a label without a finite gain,
        naming the argument and the first bad place.

    References
    ----------
    .. [1] Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", TOIS 2002;
       the gain 2^y - 1: Burges et al., "Learning to rank using gradient descent", ICML 2005.
    .. [2] McSherry and Najork, "Computing information retrieval performance measures efficiently in the
       presence of tied scores", ECIR 2008.

    Examples
    --------
    >>> round(ndcg([3, 0, 1], [0.5, 0.1, 0.9]), 4)      # (1 + 7 / log2(3)) / (7 + 1 / log2(3))
    0.7098
    """
    lists = (groups, offsets, qid)
    sums, ideal = _sums(labels, scores, k, lists, gain, ties, negative_labels)
    values = np.divide(sums, ideal, out=np.zeros_like(sums), where=ideal > 0)
    return _answer(values, ideal > 0, empty, per_list)


@in_default_mode
def dcg(
    labels: Any,
    scores: Any,
    *,
    k: int | None = None,
    groups: Any = None,
    offsets: Any = None,
    qid: Any = None,
    gain: Gain = "exp2",
    ties: Ties = "first",
    empty: Empty = 0.0,
    per_list: bool = False,
    negative_labels: NegativeLabels = "ignore",
) -> Any:
    """Discounted cumulative gain: the gains of the k items of highest score, divided by log2(rank + 1).

    DCG@k = sum over ranks r = 1..k of gain(y_r) / log2(r + 1)

    Parameters, results and errors are those of :func:`ndcg`.

    Examples
    --------
    >>> round(dcg([3, 0, 1], [0.5, 0.1, 0.9]), 4)       # 1 + 7 / log2(3)
    5.4165
    """
    lists = (groups, offsets, qid)
    sums, ideal = _sums(labels, scores, k, lists, gain, ties, negative_labels)
    return _answer(sums, ideal > 0, empty, per_list)


def _sums(
    labels: Any,
    scores: Any,
    k: int | None,
    lists: tuple[Any, Any, Any],
    gain: Gain,
    ties: Ties,
    negative_labels: str,
) -> tuple[Array, Array]:
    """DCG of every list and its maximum."""
    y, mask = labels_and_mask(labels)
    y = plain(y, np.float64)
    s = as_scores(scores, "scores")
    if s.shape != y.shape:
        raise ValueError(f"scores: shape {s.shape} does not match the labels' shape {y.shape}")
    if ties not in ("first", "average", "worst"):
        raise ValueError(f'ties: "first", "average" or "worst" is wanted, got {ties!r}')
    if negative_labels not in ("ignore", "use"):
        raise ValueError(f'negative_labels: "ignore" or "use" is wanted, got {negative_labels!r}')
    groups, offsets, qid = lists
    boundaries = offsets_of(y.shape, groups=groups, offsets=offsets, qid=qid)
    gain_name, table = gain_table(gain)
    ignore = negative_labels == "ignore"
    s = plain(s, np.float64)
    result: tuple[Array, Array] = _core.dcg_sums(
        y, s, boundaries, mask, _depth(k), gain_name, table, ties, ignore
    )
    return result


def _answer(values: Array, relevant: Array, empty: Empty, per_list: bool) -> Any:
    if (isinstance(empty, str) and empty != "skip") or not isinstance(empty, str | Real):
        raise ValueError(f'empty: a number or "skip" is wanted, got {empty!r}')
    if empty == "skip" and not per_list:
        values = values[relevant]
    else:
        values = np.where(relevant, values, np.nan if empty == "skip" else empty)
    if per_list:
        return values
    return float(values.mean()) if values.size else float("nan")


def _depth(k: int | None) -> int:
    if k is None:
        return _ALL_POSITIONS
    try:
        depth = operator.index(k)
    except TypeError:
        raise TypeError(f"k: a positive integer or None is wanted, got {k!r}") from None
    if depth < 1:
        raise ValueError(f"k: a positive integer or None is wanted, got {k!r}")
    return min(depth, _ALL_POSITIONS)


def gain_table(gain: Gain) -> tuple[str, Array]:
    """The gain as the core takes it: its name and, for "table", the table."""
    if isinstance(gain, str):
        if gain not in ("exp2", "linear"):
            raise ValueError(f'gain: "exp2", "linear" or an array is wanted, got {gain!r}')
        return gain, _NO_TABLE
    table = plain(as_array(gain, "gain"), np.float64)
    if table.ndim != 1 or table.size == 0 or not np.isfinite(table).all():
        raise ValueError(f"gain: a 1-D array of finite numbers is wanted, got {gain!r}")
    return "table", table
