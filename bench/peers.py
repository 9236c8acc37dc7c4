"""What rankgrad is measured against, and the data of that comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def lists_of_grades(n_lists: int = 2000, seed: int = 0) -> tuple[Array, Array, Array]:
    """Labels, scores and sizes of ragged lists: about 100 items, labels 0 to 4 with shares .5, .25, .15, .07, .03."""
    rng = np.random.default_rng(seed)
    groups = np.clip(rng.lognormal(np.log(85), 0.55, n_lists), 10, 310).astype(np.int64)
    labels = rng.choice(5, size=groups.sum(), p=(0.5, 0.25, 0.15, 0.07, 0.03))
    return labels, rng.normal(size=labels.size), groups


LISTS_OF_GRADES = lists_of_grades()


def long_list_of_grades(n: int = 10_000, seed: int = 0) -> tuple[Array, Array, Array]:
    """One list with the same labels and scores."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(5, size=n, p=(0.5, 0.25, 0.15, 0.07, 0.03))
    return labels, rng.normal(size=n), np.array([n])


def numpy_value_and_grad(loss: str, labels: Array, scores: Array, groups: Array) -> tuple[float, Array]:
    """The sum of a pairwise loss and its gradient by the n x n matrix of each list's margins."""
    value, grad, start = 0.0, np.empty_like(scores), 0
    for size in groups:
        part = slice(start, start + size)
        y, s = labels[part], scores[part]
        margin = s[:, None] - s[None, :]
        counts = y[:, None] > y[None, :]
        if loss == "hinge":
            active = counts & (margin < 1)
            value += float((1 - margin)[active].sum())
            slope = -active.astype(s.dtype)
        else:
            value += float(np.logaddexp(0, -margin)[counts].sum())
            slope = np.where(counts, -1 / (1 + np.exp(margin)), 0)
        grad[part] = slope.sum(axis=1) - slope.sum(axis=0)
        start += size
    return value, grad


Data = tuple[Array, Array, Array]


def _stump_booster(lists: Data, **parameters: Any) -> Any:
    """A booster whose rounds cost little beside the gradient: one feature of few values, two leaves, one thread."""
    import lightgbm as lgb

    labels, scores, groups = lists
    feature = np.random.default_rng(1).integers(0, 15, (labels.size, 1)).astype(float)
    fixed = {"num_leaves": 2, "max_bin": 15, "num_threads": 1, "verbosity": -1, "learning_rate": 0.01}
    fixed |= {"feature_pre_filter": False, "boost_from_average": False}
    data = lgb.Dataset(feature, labels, group=groups, init_score=scores, params=fixed)
    return lgb.Booster(fixed | parameters, data)


def lambdarank_booster(truncation: int, lists: Data = LISTS_OF_GRADES) -> Any:
    """LightGBM's own pairwise objective; a truncation above the longest list takes all pairs."""
    return _stump_booster(lists, objective="lambdarank", lambdarank_truncation_level=truncation)


def squared_error_booster(lists: Data = LISTS_OF_GRADES) -> Any:
    """The same without a pairwise gradient."""
    return _stump_booster(lists, objective="regression")


def xgboost_round(objective: str, lists: Data = LISTS_OF_GRADES) -> Any:
    """A function that does one round of XGBoost with a stump on one feature; `rank:ndcg` takes all pairs."""
    import xgboost as xgb

    labels, scores, groups = lists
    feature = np.random.default_rng(1).integers(0, 15, (labels.size, 1)).astype(float)
    data = xgb.DMatrix(feature, labels, group=groups, base_margin=scores)
    parameters = {"objective": objective, "max_depth": 1, "max_bin": 15, "nthread": 1, "eta": 0.01}
    if objective == "rank:ndcg":
        parameters |= {"lambdarank_pair_method": "topk", "lambdarank_num_pair_per_sample": int(groups.max())}
    booster = xgb.Booster({**parameters, "tree_method": "hist"}, [data])
    rounds = iter(range(10**9))
    return lambda: booster.update(data, next(rounds))
