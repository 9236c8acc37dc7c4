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

With weights of lists, LightGBM's ``ndcg@k`` and XGBoost's ``ndcg@k`` add 1 for a list without relevant items whatever
its weight, so that their means of weighted lists may be above 1; here it counts by its weight as any other list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rankgrad import _core
from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array, as_array, as_scores, as_weights, plain
from rankgrad._checks import check_choice, flag, other_shape, real, shown, whole_or_none
from rankgrad._data import Data
from rankgrad._frameworks import Results, same_array_out

Gain = Literal["exp2", "linear"] | npt.ArrayLike
Ties = Literal["first", "average", "worst"]
Empty = float | Literal["skip"]
NegativeLabels = Literal["ignore", "use"]
Cutoffs = int | Sequence[int | None] | None

_ALL_POSITIONS = np.iinfo(np.int64).max
_NO_TABLE = np.zeros(0)


def ndcg(
    labels: Any,
    scores: Any,
    *,
    k: Cutoffs = None,
    groups: Any = None,
    offsets: Any = None,
    qid: Any = None,
    sample_weight: Any = None,
    gain: Gain = "exp2",
    ties: Ties = "first",
    empty: Empty = 0.0,
    per_list: bool = False,
    negative_labels: NegativeLabels = "ignore",
) -> Any:
    """Normalized discounted cumulative gain: :func:`dcg` divided by that of the best order [1]_.

    NDCG@k = max(0, DCG@k / max over all orders of DCG@k), from 0 to 1 whatever the sign of the gains

    Flat 1-D data without `groups`, `offsets` or `qid` is one list, of all items together.

    Parameters
    ----------
    labels : array or dict
        Relevance of the items, 1-D (one list, or flat with one of `groups`, `offsets`, `qid`) or padded 2-D
        (one list per row), or a container of lists (of 1-D arrays, awkward, Arrow, ...); or
        ``{"labels": ..., "mask": ...}``, where items with mask 0 are no items.
    scores : array, shape of `labels`, or a container of the same lists
        Higher is better. Infinite scores are ranked like others.
    k : int or sequence of int, optional
        Positions that count; all if None. Several give a result each, in their order, from one sort.
    groups, offsets, qid : array of int, optional
        Sizes of the lists, or their boundaries, or a list id per item: at most one of them. See
        :mod:`rankgrad.lists`.
    sample_weight : array (n_lists,) or (n_lists, 1), or a number, optional
        Weights of the lists in the mean, sum w NDCG / sum w; finite and not negative. A list of weight 0 does
        not matter. They change no list's own value.
    gain : {"exp2", "linear"} or array
        2^y - 1, or y, or a table: item y of it for the label y = 0, 1, ...
    ties : {"first", "average", "worst"}
        Items of equal score stand in the order of the input, count with the mean over all their orders
        (McSherry and Najork [2]_), or stand with the smallest gain first.
    empty : float or "skip"
        Value of a list whose best DCG is not positive, because nothing in it is relevant. ``"skip"`` leaves
        such lists, and their weights, out of the mean; with ``per_list=True`` they are NaN.
    per_list : bool
        Give every list's value instead of the mean.
    negative_labels : {"ignore", "use"}
        Items with a negative label are no items (padding, as in Keras), or are items like any other.

    Returns
    -------
    float or float64 array
        The mean over lists, each counting the same or by its weight (NaN where there is none, or no weight):
        a float, or an array (len(k),) for several k. With ``per_list=True`` every list's value: (n_lists,), or
        (n_lists, len(k)).

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
    >>> ndcg([1, 0, 0, 1], [2.0, 1.0, 2.0, 1.0], groups=[2, 2], k=[1, 2], sample_weight=[3, 1]).round(4)
    array([0.75  , 0.9077])
    """
    data = Data(labels, sample_weight, groups, offsets, qid)
    return _evaluate("ndcg", _core.VALUE, (scores,), data, k, gain, ties, empty, per_list, negative_labels)[0]


def dcg(
    labels: Any,
    scores: Any,
    *,
    k: Cutoffs = None,
    groups: Any = None,
    offsets: Any = None,
    qid: Any = None,
    sample_weight: Any = None,
    gain: Gain = "exp2",
    ties: Ties = "first",
    empty: Empty = 0.0,
    per_list: bool = False,
    negative_labels: NegativeLabels = "ignore",
) -> Any:
    """Discounted cumulative gain: the gains of the k items of highest score, divided by log2(rank + 1).

    DCG@k = sum over ranks r = 1..k of gain(y_r) / log2(r + 1)

    Flat 1-D data without `groups`, `offsets` or `qid` is one list. Parameters, results and errors are those of
    :func:`ndcg`, but that negative sums are not cut, and `empty` is the value of a list all of whose gains are 0.

    Examples
    --------
    >>> round(dcg([3, 0, 1], [0.5, 0.1, 0.9]), 4)       # 1 + 7 / log2(3)
    5.4165
    """
    data = Data(labels, sample_weight, groups, offsets, qid)
    return _evaluate("dcg", _core.VALUE, (scores,), data, k, gain, ties, empty, per_list, negative_labels)[0]


@same_array_out
@in_default_mode
def _evaluate(
    metric: str,
    mode: int,
    scores: tuple[Any, ...],
    data: Data,
    k: Cutoffs,
    gain: Gain,
    ties: Ties,
    empty: Empty,
    per_list: bool,
    negative_labels: str,
) -> Results:
    """A value alone: metrics have no derivatives."""
    data = data.flat("labels", "labels")
    y, mask, boundaries = data.read("labels", "labels")
    s = as_scores(scores[0], "scores")
    if s.shape != y.shape:
        raise ValueError(other_shape("scores", s.shape, y.shape))
    check_choice(ties, "ties", ("first", "average", "worst"))
    check_choice(negative_labels, "negative_labels", ("ignore", "use"))
    if isinstance(empty, str):
        check_choice(empty, "empty", ("skip",))
    elif not isinstance(empty, float):  # which may be NaN or infinite
        empty = real(empty, "empty", 'a number or "skip"')
    per_list = flag(per_list, "per_list")
    name, table = gain_table(gain)
    cutoffs = cutoffs_of(k)
    depths = [_ALL_POSITIONS if each is None else each for each in as_sequence(cutoffs)]
    weights = _list_weights(data.sample_weight, 1 if boundaries is None else max(len(boundaries) - 1, 0))
    skip = empty == "skip"
    values: Any = _core.ranking_metric(
        y, s, boundaries, mask, depths, name, table, ties, negative_labels == "ignore", metric == "ndcg",
        np.nan if skip else float(empty),
    )  # fmt: skip
    if not per_list:
        values = _core.weighted_means(values, weights, skip)
    if not isinstance(cutoffs, tuple):
        values = values[:, 0] if per_list else float(values[0])
    return values, None, None


def _list_weights(sample_weight: Any, n_lists: int) -> Array | None:
    if sample_weight is None:
        return None
    w = as_weights(sample_weight, "sample_weight")
    if w.shape not in ((), (n_lists,), (n_lists, 1)):
        raise ValueError(
            f"sample_weight: one weight per list, of shape ({n_lists},) or ({n_lists}, 1), is wanted, "
            f"got shape {w.shape}"
        )
    wrong = ~(np.isfinite(w) & (w >= 0))
    if wrong.any():
        bad = int(np.argmax(wrong))
        raise ValueError(
            f"sample_weight: list {bad} has the weight {w.flat[bad]}; finite numbers of at least 0 are wanted"
        )
    return np.full(n_lists, w) if w.ndim == 0 else w.reshape(-1)


def cutoffs_of(k: Cutoffs) -> int | tuple[int | None, ...] | None:
    """The cut-off, or the tuple of several, as whole numbers within the range of int64."""
    if isinstance(k, np.ndarray) and k.ndim == 1:
        k = list(k)
    if isinstance(k, (str, bytes)) or not isinstance(k, Sequence):
        return _cutoff(k)
    if len(k) == 0:
        raise ValueError("k: at least one cut-off is wanted, got none")
    return tuple(_cutoff(each) for each in k)


def as_sequence(k: int | tuple[int | None, ...] | None) -> tuple[int | None, ...]:
    """One or several cut-offs as several."""
    return k if isinstance(k, tuple) else (k,)


def _cutoff(k: Any) -> int | None:
    depth = whole_or_none(k, "k", 1)
    return None if depth is None else min(depth, _ALL_POSITIONS)


def gain_table(gain: Gain) -> tuple[str, Array]:
    """The gain as the core takes it: its name and, for "table", the table."""
    if isinstance(gain, str):
        if gain not in ("exp2", "linear"):
            raise ValueError(f'gain: "exp2", "linear" or an array is wanted, got {shown(gain)}')
        return gain, _NO_TABLE
    table = plain(as_array(gain, "gain"), np.float64)
    if table.ndim != 1 or table.size == 0 or not np.isfinite(table).all():
        raise ValueError(f"gain: a 1-D array of finite numbers is wanted, got {shown(gain)}")
    return "table", table
