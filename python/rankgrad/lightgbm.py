"""Train LightGBM with a loss of rankgrad, and evaluate it with rankgrad's NDCG.

>>> import rankgrad as rg
>>> from rankgrad.lightgbm import metric, objective
>>> ranker = lgb.LGBMRanker(objective=objective(rg.PairwiseLogisticLoss()), metric="None")    # doctest: +SKIP
>>> ranker.fit(X, y, group=sizes, eval_X=X_valid, eval_y=y_valid, eval_group=[sizes_valid],   # doctest: +SKIP
...            eval_metric=metric(k=10))
>>> lgb.train({"objective": objective(rg.PairwiseHingeLoss())}, dataset, feval=metric(k=10))  # doctest: +SKIP

What LightGBM does of itself:

- **``lgb.cv`` with a callable objective splits the rows at random and tears every list apart.** It keeps
  lists whole with ``lgb.cv(params, dataset, folds=sklearn.model_selection.GroupKFold(n_splits=5))``, which
  gets the lists from the Dataset.
- ``LGBMRanker`` keeps its own ``ndcg`` metric beside a callable objective, and that metric refuses float
  labels, negative labels, labels above 30 and lists of more than 10,000 rows. ``metric="None"`` switches it
  off.
- It counts a list without relevant items as 1 in its own ``ndcg``; :func:`metric` counts it as 0
  (``empty=``).
- Training starts at score 0 (``init_score`` and ``init_model`` are heeded); ``boosting_type="rf"`` and
  ``Booster.refit`` refuse callable objectives.
- With Dask (``DaskLGBMRanker``) each worker calls the objective on its own rows: right as long as no list is
  split between partitions.
- ``fit`` deep-copies the objective several times. Copies and pickles carry the parameters, never the cached
  data.
"""

from __future__ import annotations

from typing import Any

from rankgrad._arrays import Array, as_array, as_integers
from rankgrad._boosting import BoostingMetric, BoostingObjective, Curvature, ListScale
from rankgrad._loss import RankingLoss
from rankgrad._options import shown
from rankgrad.metrics import Empty, Gain, Ties

__all__ = ["LightGBMMetric", "LightGBMObjective", "metric", "objective"]


class LightGBMObjective(BoostingObjective):
    """What :func:`objective` makes. LightGBM counts the parameters: there must be exactly four."""

    def __call__(
        self, y_true: Array, y_pred: Any, weight: Array | None = None, group: Array | None = None
    ) -> Any:
        """Return float32 ``(grad, hess)``, one per row.

        Called as ``(y_true, y_pred, weight, group)`` by LGBMRanker and as ``(preds, dataset)`` by
        lgb.train: a second argument that has labels is a Dataset.
        """
        labels, scores, weights, groups = _arguments(y_true, y_pred, weight, group)
        return self._grad_and_hess(labels, scores, weights, groups)


class LightGBMMetric(BoostingMetric):
    """What :func:`metric` makes: ``eval_metric=`` of LGBMRanker.fit, ``feval=`` of lgb.train."""

    def __call__(
        self, y_true: Array, y_pred: Any, weight: Array | None = None, group: Array | None = None
    ) -> Any:
        """Return ``(name, value, True)``; True says that more is better."""
        labels, scores, _, groups = _arguments(y_true, y_pred, weight, group)
        return self.label, self._evaluate(labels, scores, groups), True


def objective(
    loss: RankingLoss,
    list_scale: ListScale = "sum",
    hessian: Curvature = "positive",
    min_hessian: float = 1e-16,
) -> LightGBMObjective:
    """Make a LightGBM objective of a loss, for ``LGBMRanker`` and ``lgb.train``.

    The result can be pickled, copied and compared. Gradients are computed in the dtype of LightGBM's scores,
    float64, or of ``loss.dtype`` (``dtype="float32"`` is faster), and given back as the float32 that
    LightGBM keeps.

    Weights of rows are weights of the better item of each pair: a pair counts as much as its better item's
    row says, and the weight of an item that is better than no other is unused.

    Parameters
    ----------
    loss, list_scale, hessian, min_hessian
        See :class:`rankgrad._boosting.BoostingObjective`.

    Raises
    ------
    ValueError
        On a wrong option; when called: on data without groups, on non-finite scores, and on a negative label
        with a loss that has ``negative_labels="ignore"``.
    """
    return LightGBMObjective(loss, list_scale, hessian, min_hessian)


def metric(
    k: int | None = 10,
    *,
    gain: Gain = "exp2",
    ties: Ties = "first",
    empty: Empty = 0.0,
    name: str | None = None,
) -> LightGBMMetric:
    """Make a LightGBM metric of :func:`rankgrad.ndcg`, for ``eval_metric=`` and ``feval=``.

    Parameters
    ----------
    k : int or None
        Positions that count; None for all.
    gain, ties, empty
        As in :func:`rankgrad.ndcg`, with its defaults: gain 2^y - 1, ties by position, a list without
        relevant items counts 0 (LightGBM's own metric counts it 1: ``empty=1.0``).
    name : str, optional
        Default ``ndcg_rankgrad@k``.
    """
    return LightGBMMetric(k, gain, ties, empty, name)


def _arguments(y_true: Any, y_pred: Any, weight: Any, group: Any) -> tuple[Array, Array, Array | None, Array]:
    """Labels, scores, weights and list sizes from either way of calling."""
    if hasattr(y_pred, "get_label"):
        dataset = y_pred
        y_true, y_pred, weight, group = dataset.get_label(), y_true, dataset.get_weight(), dataset.get_group()
    if group is None:
        raise ValueError(
            "group: missing; give LGBMRanker.fit or lgb.Dataset the sizes of the lists as group="
        )
    return (
        _per_row(y_true, "labels (y_true)", "fiub"),
        as_array(y_pred, "scores (y_pred)"),
        None if weight is None else _per_row(weight, "weight"),
        as_integers(group, "group"),
    )


def _per_row(x: Any, name: str, kinds: str = "fiu") -> Array:
    array = as_array(x, name, kinds=kinds)
    if array.ndim == 0:
        raise ValueError(f"{name}: one number per row is wanted, got {shown(x)}")
    return array
