"""The gradients inside LightGBM and XGBoost, seen through boosting rounds that do little else.

A round grows a stump on one feature of few values; the same round with squared error, whose gradient costs next to
nothing, is the overhead to subtract. The leaves of the first stump, -G / H each, tell whether the gradient is ours.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bench.peers.libraries import Peer
from bench.workloads import Array, Step, Work, data, rankgrad_step


def feature(work: Work) -> Array:
    """One column of few values."""
    return np.random.default_rng(1).integers(0, 15, (data(work).scores[0].size, 1)).astype(np.float32)


def flat(work: Work) -> tuple[Array, Array, Array]:
    """Labels, scores and sizes of the lists in a row."""
    given = data(work)
    scores, labels = (np.ravel(x) for x in given.arrays)
    return labels, scores, np.full(work.lists, work.length) if given.groups is None else given.groups


class Booster(Peer):
    """A boosting round."""

    losses = frozenset(["delta_ndcg"])
    quadratic = False
    comparable: ClassVar[bool] = True  #: the same pairs, weights and scale as rankgrad's
    hessian_factor: ClassVar[float] = 1.0

    def check(self, work: Work, result: Any) -> None:
        """-G / H of both leaves of a first stump, with rankgrad's G and H."""
        if not self.comparable:
            return
        leaf, value = self.first_stump(work)
        grad, hess = (np.ravel(x).astype(np.float64) for x in rankgrad_step(work)())
        for one in np.unique(leaf):
            want = -grad[leaf == one].sum() / hess[leaf == one].sum() / self.hessian_factor
            error = np.abs(value[leaf == one] - want).max() / abs(want)
            if not error <= 1e-3:
                raise ArithmeticError(f"a leaf differs from rankgrad's -G/H by {error:.1e} of it")

    def first_stump(self, work: Work) -> tuple[Array, Array]:
        """The leaf of each item and what it adds to its score, at learning rate 1."""
        raise NotImplementedError


class LightGBM(Booster):
    """lambdarank over all pairs, without its normalisation by score gaps."""

    name = "LightGBM lambdarank, all pairs"
    packages = "lightgbm"
    ranking: ClassVar[dict[str, Any]] = {"lambdarank_truncation_level": 10_000, "lambdarank_norm": False}

    def start(self) -> None:
        import lightgbm  # noqa: F401

    def booster(self, work: Work, **parameters: Any) -> Any:
        import lightgbm as lgb

        labels, scores, groups = flat(work)
        fixed = {"num_leaves": 2, "max_bin": 15, "num_threads": 1, "verbosity": -1, "learning_rate": 0.01}
        fixed |= {"feature_pre_filter": False, "boost_from_average": False}
        fixed |= {"min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0}
        rows = lgb.Dataset(feature(work), labels, group=groups, init_score=scores, params=fixed | parameters)
        return lgb.Booster(fixed | parameters, rows)

    def prepare(self, work: Work) -> Step:
        booster = self.booster(work, objective="lambdarank", **self.ranking)
        return lambda: booster.update()

    def overhead(self, work: Work) -> Step:
        booster = self.booster(work, objective="regression")
        return lambda: booster.update()

    def first_stump(self, work: Work) -> tuple[Array, Array]:
        booster = self.booster(work, objective="lambdarank", **{**self.ranking, "learning_rate": 1.0})
        booster.update()
        column = feature(work)
        return np.ravel(booster.predict(column, pred_leaf=True)), booster.predict(column)


class LightGBMDefault(LightGBM):
    """lambdarank as it comes: pairs with one of the best 30, normalised."""

    name = "LightGBM lambdarank, default"
    comparable = False
    ranking: ClassVar[dict[str, Any]] = {}


class XGBoost(Booster):
    """rank:ndcg over all pairs, without its normalisations; its Hessian has a factor 2."""

    name = "XGBoost rank:ndcg, all pairs"
    packages = "xgboost-cpu"
    hessian_factor = 2.0
    ranking: ClassVar[dict[str, Any]] = {
        "objective": "rank:ndcg",
        "lambdarank_pair_method": "topk",
        "lambdarank_num_pair_per_sample": 10_000,
        "lambdarank_normalization": False,
        "lambdarank_score_normalization": False,
    }

    def start(self) -> None:
        import xgboost  # noqa: F401

    def booster(self, work: Work, **parameters: Any) -> tuple[Any, Any]:
        import xgboost as xgb

        labels, scores, groups = flat(work)
        rows = xgb.DMatrix(feature(work), labels, base_margin=scores)
        if "lambdarank_pair_method" in parameters:
            rows.set_group(groups)
        fixed = {"max_depth": 1, "tree_method": "hist", "max_bin": 16, "nthread": 1, "eta": 0.01}
        fixed |= {"base_score": 0, "lambda": 0, "min_child_weight": 0}
        return xgb.Booster(fixed | parameters, [rows]), rows

    def rounds(self, work: Work, **parameters: Any) -> Step:
        booster, rows = self.booster(work, **parameters)
        return lambda: booster.update(rows, booster.num_boosted_rounds())

    def prepare(self, work: Work) -> Step:
        return self.rounds(work, **self.ranking)

    def overhead(self, work: Work) -> Step:
        return self.rounds(work, objective="reg:squarederror")

    def first_stump(self, work: Work) -> tuple[Array, Array]:
        booster, rows = self.booster(work, **self.ranking, eta=1.0)
        booster.update(rows, 0)
        _, scores, _ = flat(work)
        return booster.predict(rows, pred_leaf=True), booster.predict(rows, output_margin=True) - scores
