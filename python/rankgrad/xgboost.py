"""Train XGBoost with a loss of rankgrad, and evaluate it with rankgrad's NDCG.

>>> import rankgrad as rg
>>> from rankgrad.xgboost import metric, objective
>>> train = xgb.DMatrix(X, y, qid=qid)                                                        # doctest: +SKIP
>>> xgb.train({"base_score": 0, "disable_default_eval_metric": True}, train, 100,    # doctest: +SKIP
...           obj=objective(rg.PairwiseLogisticLoss()), custom_metric=metric(k=10), evals=[(valid, "valid")])

What XGBoost does of itself:

- ``XGBRanker`` and ``DaskXGBRanker`` refuse callable objectives: use ``xgb.train`` (and
  ``xgboost.dask.train``, where each worker calls the objective on its own whole lists).
- With ``obj=`` scores start at ``base_score``, 0.5 unless it is given. For ranking any constant is harmless;
  give ``base_score=0`` to have scores around 0.
- Weights are per list (XGBoost refuses weights of rows once there are lists).
- ``min_child_weight=1`` and ``lambda=1`` count in units of the Hessian: with ``list_scale="pairs"`` a whole
  list weighs about 1 or less, so that small data may want both lowered.
- Its default metric beside ``obj=`` is rmse: ``disable_default_eval_metric=True`` switches it off. It counts
  a list without relevant items as 1 in its own ``ndcg@k``, as 0 in ``ndcg@k-``; :func:`metric` counts it as 0
  (``empty=``).
- ``xgb.cv`` keeps lists whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rankgrad._arrays import Array
from rankgrad._boosting import BoostingMetric, BoostingObjective, Curvature, ListScale
from rankgrad._boosting_data import TrainingData, checked
from rankgrad._loss import RankingLoss
from rankgrad.metrics import Cutoffs, Empty, Gain, Ties

__all__ = ["XGBoostMetric", "XGBoostObjective", "metric", "objective"]

_WORDS = {
    "labels": "dtrain (label)",
    "scores": "predt (scores)",
    "sample_weight": "dtrain (weight)",
    "groups": "dtrain (group)",
}


class XGBoostObjective(BoostingObjective):
    """The callable that :func:`objective` makes."""

    _words = _WORDS

    def __call__(self, predt: Array, dtrain: Any) -> tuple[Array, Array]:
        """Return float32 ``(grad, hess)``, one per row, for raw scores and their DMatrix."""
        return self._grad_and_hess(_data(predt, dtrain))


class XGBoostMetric(BoostingMetric):
    """The callable that :func:`metric` makes."""

    _words = _WORDS
    _not_in_names = ":"  # XGBoost writes names and values into one line, and reads them there

    def __call__(self, predt: Array, dtrain: Any) -> Any:
        """Return ``(name, value)``, or a list of these for several k."""
        results = self._evaluate(_data(predt, dtrain))
        return results if isinstance(self.k, tuple) else results[0]


def objective(
    loss: RankingLoss,
    list_scale: ListScale = "sum",
    hessian: Curvature = "positive",
    min_hessian: float = 1e-16,
) -> XGBoostObjective:
    """Make an XGBoost objective of a loss, for ``xgb.train(..., obj=...)``.

    The result can be pickled, copied and compared. Gradients are computed in the dtype of XGBoost's scores,
    float32, or of ``loss.dtype``. Weights of the DMatrix are weights per list. The noise of
    :class:`rankgrad.XENDCGLoss` is a function of its seed and of the scores: the same call gives the same bits,
    and every round draws anew.

    Parameters
    ----------
    loss, list_scale, hessian, min_hessian
        See :class:`rankgrad._boosting.BoostingObjective`.

    Raises
    ------
    ValueError
        On a wrong option, ``list_scale="pairs"`` with a loss without pairs, and a loss without curvature or with
        ``nan="propagate"``; when called: on a DMatrix without lists or with several targets, on non-finite scores,
        and on a negative label with a loss that has ``negative_labels="ignore"``.
    """
    return XGBoostObjective(loss, list_scale, hessian, min_hessian)


def metric(
    k: Cutoffs = 10,
    *,
    gain: Gain = "exp2",
    ties: Ties = "first",
    empty: Empty = 0.0,
    name: str | None = None,
) -> XGBoostMetric:
    """Make an XGBoost metric of :func:`rankgrad.ndcg`, for ``custom_metric=``.

    Lists count by their weights in the DMatrix, as in XGBoost's own metric.

    Parameters
    ----------
    k : int, None, or several of them
        Positions that count; None for all. Several give a metric each, from one sort; XGBoost stops early by the
        last one.
    gain, ties, empty
        As in :func:`rankgrad.ndcg`, with its defaults: gain 2^y - 1, ties by position, a list without
        relevant items counts 0.
    name : str, optional
        Default ``ndcg_rankgrad@k``, with what is not the default of the other options behind it:
        ``ndcg_rankgrad@10_linear``. With several k, ``@k`` follows the given name too. No spaces and no ":",
        at which XGBoost splits its lines of results. Its early stopping takes more for better only where the name
        starts with ``ndcg`` (or another metric's name that it knows); with other names say
        ``EarlyStopping(maximize=True)``.
    """
    return XGBoostMetric(k, gain, ties, empty, name)


def _data(predt: Any, dtrain: Any) -> TrainingData:
    """Scores, and what the DMatrix has; a worker's empty partition has nothing."""
    if not hasattr(dtrain, "get_uint_info"):
        raise TypeError(
            f"dtrain: an xgboost.DMatrix is wanted, got {type(dtrain).__name__}; use xgb.train(obj=...)"
        )
    labels, boundaries, weights = dtrain.get_label(), dtrain.get_uint_info("group_ptr"), dtrain.get_weight()
    n_rows = dtrain.num_row()
    if labels.size == 0 < n_rows:
        raise ValueError(f"dtrain (label): missing; give xgb.DMatrix one label per row, {n_rows} of them")
    if labels.size != n_rows:
        raise ValueError(
            f"dtrain (label): one label per row is wanted, got {labels.size} labels for {n_rows} rows; "
            "train one model per target"
        )
    if labels.size and not boundaries.size:
        raise ValueError("dtrain: has no lists; give xgb.DMatrix the lists as qid= or group=")
    groups = np.diff(boundaries.astype(np.int64))
    return checked(_WORDS, labels, predt, weights if weights.size else None, groups, per_row=False)
