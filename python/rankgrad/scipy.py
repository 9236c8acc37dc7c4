"""Linear models fitted with SciPy: a loss as a function of the weights of features, for `scipy.optimize.minimize`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rankgrad._arithmetic import in_default_mode
from rankgrad._arrays import Array, as_array, plain
from rankgrad._checks import real, shown
from rankgrad._loss import RankingLoss
from rankgrad.objective import Objective

try:
    from scipy import sparse
except ModuleNotFoundError as error:
    if error.name != "scipy":
        raise
    raise ImportError('rankgrad.scipy needs scipy: pip install "rankgrad[scipy]"') from error

_ROWS = 4096  # of float32 features that are made float64 at a time


def linear_objective(
    loss: RankingLoss,
    X: Any,
    labels: Any,
    sample_weight: Any = None,
    *,
    groups: Any = None,
    offsets: Any = None,
    qid: Any = None,
    l2: float = 0.0,
) -> LinearObjective:
    """The loss of the scores ``X @ w``, plus ``l2 / 2 * w @ w``, as a function of the weights w.

    Parameters
    ----------
    loss
        A loss over lists with any reduction but "none".
    X
        Features, a row per item: an array (n_items, n_features), or a sparse one of SciPy, which is made CSR. Floats
        are not copied: do not change them while the result is in use.
    labels, sample_weight, groups, offsets, qid
        As for ``loss.bind``; rows of X belong to the items in the order of the labels raveled.
    l2
        Strength of the penalty, at least 0.

    Returns
    -------
    LinearObjective
        With the methods `fun(w)`, `jac(w)` and `hessp(w, v)`, float64 whatever the type of X.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit, naming them and the first bad place.

    Examples
    --------
    >>> import numpy as np, rankgrad as rg
    >>> from rankgrad.datasets import make_ranking
    >>> from rankgrad.scipy import linear_objective
    >>> from scipy.optimize import minimize
    >>> X, y, groups = make_ranking(n_lists=20, n_features=8)
    >>> f = linear_objective(rg.PairwiseLogisticLoss(reduction="mean_over_pairs"), X, y, groups=groups, l2=0.01)
    >>> result = minimize(f.fun, np.zeros(8), jac=f.jac, hessp=f.hessp, method="trust-krylov")
    >>> bool(result.success and f.fun(result.x) < np.log(2))    # log 2: all scores equal
    True
    """
    if not isinstance(loss, RankingLoss):
        raise TypeError(f"loss: a loss over lists is wanted, got {shown(loss)}")
    if loss.reduction in (None, "none"):
        raise ValueError(
            'loss: has the reduction "none", which gives many values; a minimizer wants one: build it with another, '
            'such as "mean_over_pairs"'
        )
    bound = loss.bind(labels, sample_weight, groups=groups, offsets=offsets, qid=qid)
    features, n_items = _features(X), int(np.prod(bound.shape))
    if features.shape[0] != n_items:
        raise ValueError(f"X: one row per item is wanted, got {features.shape[0]} rows for {n_items} labels")
    return LinearObjective(loss, bound, features, real(l2, "l2", "a finite number of at least 0", low=0.0))


class _Point(NamedTuple):
    """What is known of the last weights."""

    w: Array
    scores: Array
    value: float
    grad: Array
    """Of the scores."""


class LinearObjective:
    """What :func:`linear_objective` makes.

    All methods share one evaluation of the loss for weights that follow each other with the same numbers, so that
    ``minimize(f.fun, w, jac=f.jac, hessp=f.hessp)`` costs one per point. Threads may share the object, and it can be
    pickled.
    """

    def __init__(self, loss: RankingLoss, bound: Objective, features: Any, l2: float) -> None:
        self._loss, self._bound, self._features, self._l2 = loss, bound, features, l2
        self._last: _Point | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_last": None}

    def __repr__(self) -> str:
        n_items, n_features = self._features.shape
        return (
            f"<linear objective of {n_items} items with {n_features} features, l2={self._l2}: {self._loss}>"
        )

    @in_default_mode
    def fun(self, w: Any) -> float:
        """The loss plus the penalty."""
        point = self._at(w)
        return point.value + 0.5 * self._l2 * float(point.w @ point.w)

    @in_default_mode
    def jac(self, w: Any) -> Array:
        """The gradient, shape (n_features,)."""
        point = self._at(w)
        return self._of_features(point.grad) + self._l2 * point.w

    @in_default_mode
    def hessp(self, w: Any, v: Any) -> Array:
        """The full Hessian times `v`, shape (n_features,); weights of pairs are held constant."""
        direction = self._weights(v, "v")
        product = self._bound.hessp(self._at(w).scores, self._scores(direction))
        return self._of_features(product) + self._l2 * direction

    def _at(self, w: Any) -> _Point:
        w = self._weights(w, "w")
        point = self._last  # read once: another thread may write it at any time
        if point is None or not np.array_equal(point.w, w):
            scores = self._scores(w)
            point = _Point(w.copy(), scores, *self._bound.value_and_grad(scores))
            self._last = point
        return point

    def _weights(self, x: Any, name: str) -> Array:
        weights = plain(as_array(x, name), np.float64)
        wanted = self._features.shape[1:]
        if weights.shape != wanted:
            raise ValueError(
                f"{name}: one number per feature, shape {wanted}, is wanted, got {weights.shape}"
            )
        if (bad := ~np.isfinite(weights)).any():
            raise ValueError(f"{name}: NaN or infinity at index {np.argmax(bad)}; finite numbers are wanted")
        return weights

    def _scores(self, w: Array) -> Array:
        return np.concatenate([rows @ w for rows in self._blocks()])

    def _of_features(self, x: Array) -> Array:
        """The sum over the items of x times their features."""
        begin, total = 0, np.zeros(self._features.shape[1])
        for rows in self._blocks():
            total += rows.T @ x[begin : begin + rows.shape[0]].astype(np.float64, copy=False)
            begin += rows.shape[0]
        return total

    def _blocks(self) -> list[Any]:
        """The features, in parts where NumPy is to make them float64, which it does for all of an array at once."""
        x = self._features
        if sparse.issparse(x) or x.dtype == np.float64 or x.shape[0] == 0:
            return [x]
        return [x[begin : begin + _ROWS] for begin in range(0, x.shape[0], _ROWS)]


def _features(X: Any) -> Any:
    """Float features, dense or CSR, all of them finite."""
    if sparse.issparse(X):
        X = sparse.csr_array(X)
        numbers = as_array(X.data, "X")
    else:
        X = numbers = as_array(X, "X")
    if X.ndim != 2:
        raise ValueError(f"X: shape (n_items, n_features) is wanted, got {X.shape}")
    if (bad := ~np.isfinite(numbers)).any():
        first = int(np.argmax(bad))
        row, column = (
            (int(axis[first]) for axis in X.tocoo().coords) if numbers is not X else divmod(first, X.shape[1])
        )
        raise ValueError(f"X: NaN or infinity in row {row}, column {column}; finite numbers are wanted")
    return X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)
