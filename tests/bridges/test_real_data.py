"""A real data set: rankgrad's best pairwise objective ranks as well as the built-in LambdaMART objectives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import rankgrad as rg
from rankgrad import lightgbm, xgboost
from rankgrad.datasets import load_svmlight

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

ROUNDS = 100
ALLOWED_LOSS = 0.01
LOSSES = (rg.PairwiseHingeLoss(), rg.PairwiseSquaredHingeLoss(), rg.PairwiseLogisticLoss())
OBJECTIVES = [(loss, list_scale) for loss in LOSSES for list_scale in ("sum", "pairs")]
LAMBDA_MART = rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight())


@pytest.fixture(scope="module")
def data():
    folder = os.environ.get("RANKGRAD_DATA")
    if not folder:
        pytest.skip("RANKGRAD_DATA does not name the folder that holds rank.train and rank.test")
    home = next(Path(folder).rglob("rank.train")).parent
    train = load_svmlight(home / "rank.train")
    return train, load_svmlight(home / "rank.test", n_features=train[0].shape[1])


def ndcg_of(scores, test):
    return rg.ndcg(test[1], scores, groups=test[2], k=10)


def test_lightgbm(data):
    lgb = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    (x, y, groups), test = data

    def train(objective):
        parameters = {"objective": objective, "learning_rate": 0.1, "verbosity": -1, "num_threads": 1}
        return ndcg_of(lgb.train(parameters, lgb.Dataset(x, y, group=groups), ROUNDS).predict(test[0]), test)

    built_in = train("lambdarank")
    best = max(train(lightgbm.objective(*choice)) for choice in OBJECTIVES)
    lambda_mart = train(lightgbm.objective(LAMBDA_MART))
    print(
        f"NDCG@10: lambdarank {built_in:.4f}, delta NDCG x logistic {lambda_mart:.4f}, best plain loss {best:.4f}"
    )
    assert built_in > 0.7
    assert best >= built_in - ALLOWED_LOSS
    assert lambda_mart >= built_in - ALLOWED_LOSS


def test_xgboost(data):
    xgb = pytest.importorskip("xgboost", reason="xgboost is not installed")
    (x, y, groups), test = data
    train_matrix, test_matrix = xgb.DMatrix(x, y, group=groups), xgb.DMatrix(test[0])

    def train(parameters, objective=None):
        booster = xgb.train({"eta": 0.1, "nthread": 1, **parameters}, train_matrix, ROUNDS, obj=objective)
        return ndcg_of(booster.predict(test_matrix), test)

    built_in = train({"objective": "rank:ndcg"})
    best = max(train({"base_score": 0}, xgboost.objective(*choice)) for choice in OBJECTIVES)
    assert built_in > 0.7
    assert best >= built_in - ALLOWED_LOSS
