"""The XGBoost bridge, by the real XGBoost."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import rankgrad as rg
from rankgrad.datasets import make_ranking
from rankgrad.xgboost import XGBoostObjective, metric, objective

xgb = pytest.importorskip("xgboost", reason="xgboost is not installed")

pytestmark = pytest.mark.usefixtures("isa")

SETTINGS = {"eta": 0.1, "nthread": 1, "base_score": 0, "disable_default_eval_metric": True}
NAME = "ndcg_rankgrad@5"


@pytest.fixture(scope="module")
def data():
    return make_ranking(60, max_length=40, seed=3)


def matrix(x, y, groups, **options):
    return xgb.DMatrix(x, y, qid=np.repeat(np.arange(len(groups)), groups), **options)


@pytest.mark.parametrize("list_scale", ["sum", "pairs"])
def test_weights_are_per_list(data, list_scale):
    x, y, groups = data
    weight = np.linspace(0.5, 2.0, len(groups)).astype(np.float32)
    scores = x[:, 0].astype(np.float32)
    call = objective(rg.PairwiseLogisticLoss(reduction="mean"), list_scale=list_scale)
    grad, hess = call(scores, matrix(x, y, groups, weight=weight))
    assert grad.dtype == hess.dtype == np.float32
    assert grad.shape == hess.shape == y.shape

    loss = rg.PairwiseLogisticLoss(reduction="sum", dtype="float64")
    n_pairs = np.maximum(loss.bind(y, groups=groups).pairs_per_list, 1.0)
    per_list = weight / (n_pairs if list_scale == "pairs" else 1.0)
    expected_grad, expected_hess = loss.grad_and_hess(y, scores, groups=groups)
    # float32 sums of up to 39 pairs of either sign
    np.testing.assert_allclose(grad, np.repeat(per_list, groups) * expected_grad, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        hess, np.repeat(per_list, groups) * expected_hess, rtol=1e-5, atol=2e-16
    )  # the floor


def test_empty_lists_and_empty_partitions():
    empty = xgb.DMatrix(np.ones((4, 1)), [0, 1, 1, 0], group=[2, 0, 2])
    grad, _ = objective(rg.PairwiseHingeLoss())(np.zeros(4, np.float32), empty)
    np.testing.assert_array_equal(grad, [1.0, -1.0, -1.0, 1.0])
    nothing = xgb.DMatrix(np.ones((0, 1)), label=np.zeros(0))
    grad, hess = objective(rg.PairwiseHingeLoss())(np.zeros(0, np.float32), nothing)
    assert grad.shape == hess.shape == (0,)
    assert grad.dtype == hess.dtype == np.float32


@pytest.mark.parametrize(
    "loss", [rg.PairwiseLogisticLoss(), rg.PairwiseHingeLoss()], ids=["logistic", "hinge"]
)
def test_training_learns_and_binds_once(data, loss):
    x, y, groups = data
    dmatrix = matrix(x, y, groups)
    call = objective(loss)
    bound = []

    def recording(predt, dtrain):
        result = call(predt, dtrain)
        bound.append(call._cache._last.objective)
        return result

    booster = xgb.train(SETTINGS, dmatrix, 10, obj=recording)
    assert len(bound) == 10
    assert all(each is bound[0] for each in bound)
    ndcg = rg.ndcg(y, booster.predict(dmatrix), groups=groups, k=10)
    assert ndcg > rg.ndcg(y, np.zeros(len(y)), groups=groups, k=10) + 0.2
    again = xgb.train(SETTINGS, dmatrix, 10, obj=objective(loss))
    np.testing.assert_array_equal(booster.predict(dmatrix), again.predict(dmatrix))


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, lambda call: pickle.loads(pickle.dumps(call))])
def test_copies_carry_the_parameters_and_no_data(data, copier):
    dmatrix = matrix(*data)
    scores = data[0][:, 0].astype(np.float32)
    call = objective(rg.PairwiseSquaredHingeLoss(), hessian="exact", min_hessian=1e-6)
    expected = call(scores, dmatrix)
    copied = copier(call)
    assert copied == call
    assert type(copied) is XGBoostObjective
    assert copied._cache._last is None
    np.testing.assert_array_equal(copied(scores, dmatrix), expected)


def test_early_stopping_by_the_metric(data):
    x, y, groups = data
    row = groups[:40].sum()
    train, valid = matrix(x[:row], y[:row], groups[:40]), matrix(x[row:], y[row:], groups[40:])
    evals: dict[str, dict[str, list[float]]] = {}
    booster = xgb.train(
        SETTINGS, train, 300, obj=objective(rg.PairwiseHingeLoss()), custom_metric=metric(5),
        evals=[(valid, "valid")], early_stopping_rounds=5, evals_result=evals, verbose_eval=False,
    )  # fmt: skip
    values = evals["valid"][NAME]  # its name tells XGBoost that more is better
    assert len(values) < 300
    assert booster.best_iteration == np.argmax(values)
    best = booster.predict(valid, iteration_range=(0, booster.best_iteration + 1))
    # XGBoost hands metrics back through a printed number of 5 or more digits
    assert max(values) == pytest.approx(rg.ndcg(y[row:], best, groups=groups[40:], k=5), abs=1e-5)


def test_early_stopping_with_negative_labels(data):
    x, y, groups = data
    train = matrix(x, y - 2, groups)
    evals: dict[str, dict[str, list[float]]] = {}
    loss = rg.PairwiseLogisticLoss(negative_labels="use")
    booster = xgb.train(
        SETTINGS, train, 40, obj=objective(loss), custom_metric=metric(5), evals=[(train, "train")],
        early_stopping_rounds=5, evals_result=evals, verbose_eval=False,
    )  # fmt: skip
    values = evals["train"][NAME]
    assert all(0 <= value <= 1 for value in values)
    assert values[booster.best_iteration] > values[0]


def test_weighted_metric_is_xgboosts_own(data):
    x, y, groups = data
    weight = np.random.default_rng(1).random(len(groups)) ** 4
    train = matrix(x, y, groups, weight=weight)
    evals: dict[str, dict[str, list[float]]] = {}
    xgb.train(
        SETTINGS | {"disable_default_eval_metric": False, "eval_metric": ["ndcg@5", "ndcg@5-"]}, train, 5,
        obj=objective(rg.PairwiseLogisticLoss()), evals=[(train, "train")], evals_result=evals, verbose_eval=False,
        custom_metric=metric(5),
    )  # fmt: skip
    history = evals["train"]  # printed numbers, of 6 digits
    np.testing.assert_allclose(history["ndcg_rankgrad@5"], history["ndcg@5-"], atol=2e-6)
    # "ndcg@5" adds 1 for a list without relevant items, whatever its weight.
    n_empty = sum(part.max() == 0 for part in np.split(y, np.cumsum(groups)[:-1]))
    np.testing.assert_allclose(
        np.array(history["ndcg_rankgrad@5"]) + n_empty / weight.sum(), history["ndcg@5"], atol=2e-6
    )
    unweighted = rg.ndcg(y, np.zeros(len(y)), groups=groups, k=5)
    assert metric(5)(np.zeros(len(y), np.float32), train)[1] != pytest.approx(unweighted, rel=1e-3)


def test_several_cut_offs(data):
    x, y, groups = data
    train = matrix(x, y, groups)
    evals: dict[str, dict[str, list[float]]] = {}
    booster = xgb.train(
        SETTINGS, train, 200, obj=objective(rg.PairwiseHingeLoss()), custom_metric=metric([10, 5]),
        evals=[(train, "train")], evals_result=evals, early_stopping_rounds=3, verbose_eval=False,
    )  # fmt: skip
    assert list(evals["train"]) == ["ndcg_rankgrad@10", NAME]
    assert booster.best_iteration == np.argmax(evals["train"][NAME])  # the last one
    results = xgb.cv(
        SETTINGS, train, 2, nfold=3, obj=objective(rg.PairwiseHingeLoss()), as_pandas=False,
        custom_metric=metric([3, None], name="ndcg-mine"),
    )  # fmt: skip
    assert [name for name in results if name.startswith("test") and name.endswith("mean")] == [
        "test-ndcg-mine@3-mean",
        "test-ndcg-mine-mean",
    ]


@pytest.mark.parametrize("wrong", ["a b", "a:b", "a\tb", "", "a\n", ":"])
def test_names_that_xgboost_cannot_read_are_refused(wrong):
    with pytest.raises(ValueError, match="name: a name without spaces and ':' is wanted"):
        metric(name=wrong)


def test_every_default_name_is_one_that_xgboost_reads(data):
    x, y, groups = data
    train = matrix(x, np.minimum(y, 2), groups)
    settings = [
        {},
        {"gain": [0, 1, 3]},
        {"empty": -0.5, "ties": "average"},
        {"empty": "skip"},
        {"gain": "linear"},
    ]
    metrics = [metric(**options) for options in settings]
    evals: dict[str, dict[str, list[float]]] = {}
    xgb.train(
        SETTINGS, train, 2, obj=objective(rg.PairwiseHingeLoss()), evals=[(train, "train")], evals_result=evals,
        custom_metric=lambda predt, data: [each(predt, data) for each in metrics], verbose_eval=False,
    )  # fmt: skip
    assert list(evals["train"]) == [name for each in metrics for name in each.labels]


def test_noise_is_a_function_of_seed_and_scores(data):
    train = matrix(*data)
    scores = data[0][:, 0].astype(np.float32)
    call = objective(rg.XENDCGLoss(seed=1))
    first = call(scores, train)[0]
    np.testing.assert_array_equal(copy.deepcopy(call)(scores.copy(), train)[0], first)
    assert not np.allclose(first, call(scores + np.float32(0.25), train)[0], atol=1e-3)
    assert not np.allclose(first, objective(rg.XENDCGLoss(seed=2))(scores, train)[0], atol=1e-3)


def test_cross_validation_keeps_lists_whole(data):
    x, y, groups = data
    call, seen = objective(rg.PairwiseLogisticLoss()), set()

    def recording(predt, dtrain):
        seen.update(np.diff(dtrain.get_uint_info("group_ptr").astype(np.int64)).tolist())
        return call(predt, dtrain)

    xgb.cv(SETTINGS, matrix(x, y, groups), 2, nfold=3, obj=recording, custom_metric=metric(), as_pandas=False)
    assert seen
    assert seen <= set(groups.tolist())


def test_errors_say_what_to_do(data):
    x, y, _ = data
    call = objective(rg.PairwiseHingeLoss())
    with pytest.raises(ValueError, match="dtrain: has no lists"):
        call(np.zeros(len(y), np.float32), xgb.DMatrix(x, y))
    with pytest.raises(TypeError, match=r"dtrain: an xgboost\.DMatrix is wanted, got ndarray"):
        call(y, np.zeros(len(y), np.float32))
    negative = xgb.DMatrix(np.ones((3, 1)), [0, 1, -2], group=[3])
    with pytest.raises(ValueError, match=r'row 2 has the negative label -2.*negative_labels="use"'):
        call(np.zeros(3, np.float32), negative)
    grad, _ = objective(rg.PairwiseHingeLoss(negative_labels="use"))(np.zeros(3, np.float32), negative)
    np.testing.assert_array_equal(grad, [0.0, -2.0, 2.0])
    with pytest.raises(ValueError, match="list_scale"):
        objective(rg.PairwiseHingeLoss(), list_scale="lists")
    with pytest.raises(ValueError, match='list_scale: "pairs"'):
        objective(rg.SoftmaxLoss(), list_scale="pairs")
    two = xgb.DMatrix(x, np.c_[y, y], qid=np.zeros(len(y), int))
    for each in (call, metric()):
        with pytest.raises(ValueError, match=r"dtrain \(label\): one label per row is wanted"):
            each(np.zeros((len(y), 2), np.float32), two)
        with pytest.raises(ValueError, match=r"predt \(scores\): .*index 1"):
            each(np.array([0, np.nan, 0], np.float32), xgb.DMatrix(np.ones((3, 1)), [0, 1, 2], group=[3]))


@pytest.mark.parametrize("weight", [rg.NDCGWeight(k=5), rg.LabelDifferenceWeight()])
def test_training_with_a_lambda_weight(data, weight):
    x, y, groups = data
    call = objective(rg.PairwiseLogisticLoss(lambda_weight=weight))
    train = matrix(x, y, groups)
    booster = xgb.train(SETTINGS | {"min_child_weight": 0.01}, train, 30, obj=call)
    ranked = rg.ndcg(y, booster.predict(train), groups=groups, k=5)
    assert ranked > rg.ndcg(y, np.zeros(len(y)), groups=groups, k=5) + 0.2
