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
from rankgrad._loss import RankingLoss
from rankgrad.metrics import Empty, Gain, Ties

__all__ = ["XGBoostMetric", "XGBoostObjective", "metric", "objective"]


class XGBoostObjective(BoostingObjective):
    """The callable that :func:`objective` makes."""

    def __call__(self, predt: Array, dtrain: Any) -> tuple[Array, Array]:
        """Return float32 ``(grad, hess)``, one per row, for raw scores and their DMatrix."""
        labels, groups = _labels_and_groups(dtrain)
        weights = dtrain.get_weight()
        return self._grad_and_hess(labels, predt, weights[:, None] if weights.size else None, groups)


class XGBoostMetric(BoostingMetric):
    """The callable that :func:`metric` makes."""

    def __call__(self, predt: Array, dtrain: Any) -> tuple[str, float]:
        """Return ``(name, value)``."""
        labels, groups = _labels_and_groups(dtrain)
        return self.label, self._evaluate(labels, predt, groups)


def objective(
    loss: RankingLoss,
    list_scale: ListScale = "sum",
    hessian: Curvature = "positive",
    min_hessian: float = 1e-16,
) -> XGBoostObjective:
    """Make an XGBoost objective of a loss, for ``xgb.train(..., obj=...)``.

    The result can be pickled, copied and compared. Gradients are computed in the dtype of XGBoost's scores,
    float32, or of ``loss.dtype``. Weights of the DMatrix are weights per list.

    Parameters
    ----------
    loss, list_scale, hessian, min_hessian
        See :class:`rankgrad._boosting.BoostingObjective`.

    Raises
    ------
    ValueError
        On a wrong option; when called: on a DMatrix without lists, on non-finite scores, and on a negative
        label with a loss that has ``negative_labels="ignore"``.
    """
    return XGBoostObjective(loss, list_scale, hessian, min_hessian)


def metric(
    k: int | None = 10,
    *,
    gain: Gain = "exp2",
    ties: Ties = "first",
    empty: Empty = 0.0,
    name: str | None = None,
) -> XGBoostMetric:
    """Make an XGBoost metric of :func:`rankgrad.ndcg`, for ``custom_metric=``.

    Parameters
    ----------
    k : int or None
        Positions that count; None for all.
    gain, ties, empty
        As in :func:`rankgrad.ndcg`, with its defaults: gain 2^y - 1, ties by position, a list without
        relevant items counts 0.
    name : str, optional
        Default ``ndcg_rankgrad@k``. XGBoost's early stopping takes more for better only where the name starts
        with ``ndcg`` (or another metric's name that it knows); with other names say
        ``EarlyStopping(maximize=True)``.
    """
    return XGBoostMetric(k, gain, ties, empty, name)


def _labels_and_groups(dtrain: Any) -> tuple[Array, Array]:
    """Labels, and the sizes of the lists; a worker's empty partition has neither."""
    if not hasattr(dtrain, "get_uint_info"):
        raise TypeError(
            f"dtrain: an xgboost.DMatrix is wanted, got {type(dtrain).__name__}; use xgb.train(obj=...)"
        )
    labels, boundaries = dtrain.get_label(), dtrain.get_uint_info("group_ptr")
    if labels.size and not boundaries.size:
        raise ValueError("dtrain: has no lists; give xgb.DMatrix the lists as qid= or group=")
    return labels, np.diff(boundaries.astype(np.int64))
