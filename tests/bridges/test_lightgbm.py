"""The LightGBM bridge, by the real LightGBM through both of its interfaces."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest
import rankgrad as rg
from rankgrad.datasets import make_ranking
from rankgrad.lightgbm import LightGBMObjective, metric, objective

lgb = pytest.importorskip("lightgbm", reason="lightgbm is not installed")

pytestmark = pytest.mark.usefixtures("isa")

LABELS = np.array([2, 0, 1, 1, 0, 3], np.float32)
GROUPS = np.array([4, 0, 2], np.int32)
SCORES = np.array([0.3, -0.4, 1.1, 0.0, 0.2, -0.7])
SETTINGS = {"learning_rate": 0.1, "verbosity": -1, "deterministic": True, "num_threads": 1, "num_leaves": 7}


@pytest.fixture(scope="module")
def data():
    return make_ranking(60, max_length=40, seed=3)


def pairs_of(labels, groups):
    """Every (better, worse) pair of rows."""
    ends = np.cumsum(groups)
    for begin, end in zip(ends - groups, ends, strict=True):
        rows = range(begin, end)
        yield from ((i, j) for i in rows for j in rows if labels[i] > labels[j])


def logistic_by_hand(pair_weight):
    """Gradient and Hessian of sum over pairs of pair_weight(i, j) log(1 + exp(s_j - s_i))."""
    grad, hess = np.zeros(6), np.zeros(6)
    for i, j in pairs_of(LABELS, GROUPS):
        p = 1.0 / (1.0 + np.exp(SCORES[i] - SCORES[j]))
        weight = pair_weight(i, j)
        grad += weight * p * (np.eye(6)[j] - np.eye(6)[i])
        hess += weight * p * (1.0 - p) * (np.eye(6)[j] + np.eye(6)[i])
    return grad, hess


def test_lightgbm_sees_exactly_four_parameters():
    for call in (objective(rg.PairwiseHingeLoss()), metric()):
        assert list(inspect.signature(call).parameters) == ["y_true", "y_pred", "weight", "group"]


@pytest.mark.parametrize("reduction", ["mean", "none", "sum", "mean_over_pairs"])
def test_gradient_is_that_of_the_sum_over_lists(reduction):
    grad, hess = objective(rg.PairwiseLogisticLoss(reduction=reduction))(LABELS, SCORES, None, GROUPS)
    expected_grad, expected_hess = logistic_by_hand(lambda i, j: 1.0)
    for array in (grad, hess):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert array.shape == (6,)
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-6, atol=1e-7)  # float32 results
    np.testing.assert_allclose(hess, expected_hess, rtol=1e-6)


def test_weights_are_those_of_the_better_item():
    weight = np.array([0.5, 9.0, 2.0, 3.0, 9.0, 0.25], np.float32)  # rows 1 and 4 are better than none
    grad, hess = objective(rg.PairwiseLogisticLoss())(LABELS, SCORES, weight, GROUPS)
    expected_grad, expected_hess = logistic_by_hand(lambda i, j: weight[i])
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(hess, expected_hess, rtol=1e-6)


@pytest.mark.parametrize("weight", [None, np.arange(1, 7, dtype=np.float32)])
def test_list_scale_pairs_divides_by_the_pairs_of_each_list(weight):
    grad, hess = objective(rg.PairwiseLogisticLoss(), list_scale="pairs")(LABELS, SCORES, weight, GROUPS)
    n_pairs = [5.0] * 4 + [1.0] * 2
    expected_grad, expected_hess = logistic_by_hand(
        lambda i, j: (1.0 if weight is None else weight[i]) / n_pairs[i]
    )
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(hess, expected_hess, rtol=1e-6)


def test_hinge_hessian_is_the_number_of_active_pairs():
    _, hess = objective(rg.PairwiseHingeLoss())(LABELS, SCORES, None, GROUPS)
    active = [(i, j) for i, j in pairs_of(LABELS, GROUPS) if SCORES[i] - SCORES[j] < 1.0]
    expected = np.bincount(np.ravel(active), minlength=6).astype(np.float32)
    assert (expected > 0).any()
    np.testing.assert_array_equal(hess, np.maximum(expected, np.float32(1e-16)))


def test_exact_hessian_of_the_hinge_is_the_floor():
    _, hess = objective(rg.PairwiseHingeLoss(), hessian="exact", min_hessian=1e-3)(
        LABELS, SCORES, None, GROUPS
    )
    np.testing.assert_array_equal(hess, np.full(6, 1e-3, np.float32))


def test_every_hessian_is_positive():
    flat = np.zeros(6, np.float32)  # no pairs at all
    _, hess = objective(rg.PairwiseLogisticLoss())(flat, SCORES, None, GROUPS)
    np.testing.assert_array_equal(hess, np.full(6, 1e-16, np.float32))


def test_loss_is_bound_once_and_anew_when_the_data_differ():
    call = objective(rg.PairwiseLogisticLoss())
    labels, groups = LABELS.copy(), GROUPS.copy()
    first = call(labels, SCORES, None, groups)[0]
    bound = call._cache._last.objective
    call(labels.copy(), SCORES + 1.0, None, groups.copy())
    assert call._cache._last.objective is bound
    labels[0] = 1.0  # the caller's array changes: the private copy does not
    second = call(labels, SCORES, None, groups)[0]
    assert call._cache._last.objective is not bound
    np.testing.assert_array_equal(
        second, objective(rg.PairwiseLogisticLoss())(labels, SCORES, None, groups)[0]
    )
    assert not np.array_equal(first, second)
    for weight, sizes in ((np.ones(6, np.float32), groups), (None, np.array([2, 4], np.int32))):
        bound = call._cache._last.objective
        call(labels, SCORES, weight, sizes)
        assert call._cache._last.objective is not bound


def test_inputs_are_left_alone():
    arrays = [LABELS.copy(), SCORES.copy(), np.ones(6, np.float32), GROUPS.copy()]
    for array in arrays:
        array.flags.writeable = False
    objective(rg.PairwiseHingeLoss())(*arrays)
    np.testing.assert_array_equal(arrays[0], LABELS)
    np.testing.assert_array_equal(arrays[1], SCORES)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, lambda call: pickle.loads(pickle.dumps(call))])
def test_copies_carry_the_parameters_and_no_data(copier):
    call = objective(rg.PairwiseHingeLoss(temperature=2.0), list_scale="pairs", min_hessian=1e-8)
    expected = call(LABELS, SCORES, None, GROUPS)
    copied = copier(call)
    assert copied == call
    assert type(copied) is LightGBMObjective
    assert hash(copied) == hash(call)
    assert copied._cache._last is None
    np.testing.assert_array_equal(copied(LABELS, SCORES, None, GROUPS), expected)
    assert copier(metric(k=3, gain="linear")) == metric(k=3, gain="linear")


@pytest.mark.parametrize(
    "loss", [rg.PairwiseLogisticLoss(), rg.PairwiseHingeLoss()], ids=["logistic", "hinge"]
)
def test_both_interfaces_grow_the_same_model(data, loss):
    x, y, groups = data
    weight = np.random.default_rng(0).random(len(y))
    ranker = lgb.LGBMRanker(objective=objective(loss), n_estimators=10, metric="None", **SETTINGS)
    ranker.fit(x, y, group=groups, sample_weight=weight)
    dataset = lgb.Dataset(x, y, group=groups, weight=weight)
    booster = lgb.train({"objective": objective(loss), **SETTINGS}, dataset, 10)
    np.testing.assert_array_equal(ranker.predict(x), booster.predict(x))
    assert (
        rg.ndcg(y, booster.predict(x), groups=groups, k=10)
        > rg.ndcg(y, np.zeros(len(y)), groups=groups, k=10) + 0.2
    )


def test_fitted_ranker_pickles_and_clones(data):
    base = pytest.importorskip("sklearn.base", reason="scikit-learn is not installed")
    x, y, groups = data
    ranker = lgb.LGBMRanker(objective=objective(rg.PairwiseLogisticLoss()), n_estimators=3, **SETTINGS)
    ranker.fit(x, y, group=groups)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ranker)).predict(x), ranker.predict(x))
    cloned = base.clone(ranker)
    assert cloned.get_params()["objective"] == ranker.objective
    np.testing.assert_array_equal(cloned.fit(x, y, group=groups).predict(x), ranker.predict(x))


def test_early_stopping_by_the_metric(data):
    x, y, groups = data
    train, valid = slice(0, groups[:40].sum()), slice(groups[:40].sum(), None)
    ranker = lgb.LGBMRanker(
        objective=objective(rg.PairwiseHingeLoss()), n_estimators=300, metric="None", **SETTINGS
    )
    ranker.fit(
        x[train], y[train], group=groups[:40], eval_X=x[valid], eval_y=y[valid], eval_group=[groups[40:]],
        eval_metric=metric(k=5), callbacks=[lgb.early_stopping(5, verbose=False)],
    )  # fmt: skip
    history = ranker.evals_result_["valid_0"]
    assert list(history) == ["ndcg_rankgrad@5"]
    values = history["ndcg_rankgrad@5"]
    assert len(values) < 300
    assert ranker.best_iteration_ == np.argmax(values) + 1
    expected = rg.ndcg(y[valid], ranker.predict(x[valid]), groups=groups[40:], k=5)
    assert values[ranker.best_iteration_ - 1] == pytest.approx(expected, rel=1e-12)


def test_metric_passes_its_options_on(data):
    x, y, groups = data
    dataset = lgb.Dataset(x, y, group=groups).construct()
    scores = np.round(x[:, 0])
    for options in (
        {"ties": "average", "gain": "linear"},
        {"ties": "worst", "empty": 1.0},
        {"empty": "skip"},
    ):
        name, value, more_is_better = metric(7, name="mine", **options)(scores, dataset)
        expected = rg.ndcg(y, scores, k=7, groups=groups, **options)
        assert (name, more_is_better) == ("mine", True)
        assert value == pytest.approx(expected, rel=1e-15)
    assert metric(None)(scores, dataset)[0] == "ndcg_rankgrad"
    value = metric(gain="linear")(np.array([-1.0, 2.0]), np.array([1.0, 0.0]), None, np.array([2]))[1]
    assert value == pytest.approx(
        (-1.0 + 2.0 / np.log2(3.0)) / (2.0 - 1.0 / np.log2(3.0))
    )  # -1 is a label here


def fit_with_early_stopping(data, loss, eval_metric, rounds):
    """A ranker of the first 40 lists, the rows of the others, and the history of the metric on them."""
    x, y, groups = data
    row = groups[:40].sum()
    ranker = lgb.LGBMRanker(objective=objective(loss), n_estimators=300, metric="None", **SETTINGS)
    ranker.fit(
        x[:row], y[:row], group=groups[:40], eval_X=x[row:], eval_y=y[row:], eval_group=[groups[40:]],
        eval_metric=eval_metric, callbacks=[lgb.early_stopping(rounds, verbose=False)],
    )  # fmt: skip
    return ranker, x[row:], y[row:], groups[40:], ranker.evals_result_["valid_0"]


def test_early_stopping_with_negative_labels(data):
    """The metric follows its definition, also for the label -1, so that training goes on while it improves."""
    x, y, groups = data
    ranker, x, y, groups, history = fit_with_early_stopping(
        (x, y - 2, groups), rg.PairwiseLogisticLoss(negative_labels="use"), metric(k=5), 5
    )
    values = history["ndcg_rankgrad@5"]
    assert all(0 <= value <= 1 for value in values)
    assert ranker.best_iteration_ == np.argmax(values) + 1
    want, scores, discounts = [], ranker.predict(x), 1 / np.log2(np.arange(5) + 2)
    for label, score in zip(*(np.split(each, np.cumsum(groups)[:-1]) for each in (y, scores)), strict=True):
        gains, d = np.exp2(label) - 1, discounts[: len(label)]
        ideal = np.sort(gains)[::-1][:5] @ d
        dcg = gains[np.argsort(-score, kind="stable")][:5] @ d
        want.append(max(0.0, dcg / ideal) if ideal > 0 else 0.0)
    assert max(values) == pytest.approx(np.mean(want), rel=1e-12)
    assert max(values) > values[0] + 0.05


@pytest.mark.parametrize("k", [1, 5])
def test_weighted_metric_is_lightgbms_own(data, k):
    x, y, groups = data
    weight = np.random.default_rng(1).random(len(y)) ** 4
    dataset = lgb.Dataset(x, y, group=groups, weight=weight)
    evals = {}
    lgb.train(
        {"objective": objective(rg.PairwiseLogisticLoss()), "metric": "ndcg", "eval_at": [k], **SETTINGS},
        dataset, 5, valid_sets=[dataset], feval=metric(k=k), callbacks=[lgb.record_evaluation(evals)],
    )  # fmt: skip
    history = evals["training"]
    # It keeps weights of lists in float32, and adds 1 for a list without relevant items, whatever its weight.
    per_list = [
        part.mean(dtype=float) for part in np.split(weight.astype(np.float32), np.cumsum(groups)[:-1])
    ]
    n_empty = sum(part.max() == 0 for part in np.split(y, np.cumsum(groups)[:-1]))
    np.testing.assert_allclose(
        np.array(history[f"ndcg_rankgrad@{k}"]) + n_empty / sum(per_list), history[f"ndcg@{k}"], rtol=1e-6
    )
    unweighted = rg.ndcg(y, np.zeros(len(y)), groups=groups, k=k)
    got = metric(k)(y, np.zeros(len(y)), weight.astype(np.float32), groups)[1]
    assert got == pytest.approx(
        rg.ndcg(y, np.zeros(len(y)), groups=groups, k=k, sample_weight=per_list), rel=1e-12
    )
    assert got != pytest.approx(unweighted, rel=1e-3)


def test_several_cut_offs_through_both_interfaces(data):
    x, y, groups = data
    names = ["ndcg_rankgrad@5", "ndcg_rankgrad@10", "ndcg_rankgrad"]
    *_, history = fit_with_early_stopping(data, rg.PairwiseHingeLoss(), metric(k=[5, 10, None]), 3)
    assert list(history) == names
    assert len(history[names[0]]) < 300
    evals = {}
    dataset = lgb.Dataset(x, y, group=groups)
    lgb.train({"objective": objective(rg.PairwiseHingeLoss()), "metric": "None", **SETTINGS}, dataset, 4,
              valid_sets=[dataset], feval=[metric(k=(5, 10)), metric(None, name="mine"), metric([3], name="mine")],
              callbacks=[lgb.record_evaluation(evals)])  # fmt: skip
    assert list(evals["training"]) == ["ndcg_rankgrad@5", "ndcg_rankgrad@10", "mine", "mine@3"]
    assert all(len(values) == 4 for values in evals["training"].values())


def test_names_tell_settings_apart():
    settings = [
        {}, {"k": 5}, {"k": None}, {"gain": "linear"}, {"gain": [0, 1, 3]}, {"gain": [0, 1, 4]}, {"ties": "average"},
        {"ties": "worst"}, {"empty": 1.0}, {"empty": 0.5}, {"empty": "skip"}, {"empty": np.nan},
        {"gain": "linear", "ties": "worst"}, {"ties": "worst", "empty": 1},
    ]  # fmt: skip
    names = [metric(**options).labels for options in settings]
    assert len({name for each in names for name in each}) == len(settings)
    assert metric(gain=(0.0, 1.0, 3.0)).labels == metric(gain=np.array([0, 1, 3])).labels
    assert metric(k=[5, 10]) == metric(k=(5, 10))
    assert hash(metric(k=[5, 10])) == hash(metric(k=(5, 10)))
    assert pickle.loads(pickle.dumps(metric(k=[5, 10]))) == metric(k=[5, 10])
    for wrong in ("", "a b", "a\tb", " a", "a\u3000b"):
        with pytest.raises(ValueError, match="name: "):
            metric(name=wrong)
    with pytest.raises(TypeError, match="name: "):
        metric(name=5)
    with pytest.raises(ValueError, match="k: 5 is there twice"):
        metric(k=[5, 3, 5])


def test_noise_is_a_function_of_seed_and_scores():
    call = objective(rg.XENDCGLoss(seed=1))
    first = call(LABELS, SCORES, None, GROUPS)[0]
    other = [
        call(LABELS, SCORES + 0.25, None, GROUPS)[0],  # a shift changes no softmax
        objective(rg.XENDCGLoss(seed=2))(LABELS, SCORES, None, GROUPS)[0],
    ]
    for again in (call, copy.deepcopy(call), objective(rg.XENDCGLoss(seed=1))):
        np.testing.assert_array_equal(again(LABELS, SCORES, None, GROUPS)[0], first)
    assert not any(np.allclose(first, each) for each in other)


def test_training_with_noise_learns_and_repeats(data):
    x, y, groups = data
    dataset = {"X": x, "y": y, "group": groups}
    fits = [
        lgb.LGBMRanker(objective=objective(rg.XENDCGLoss()), n_estimators=20, metric="None", **SETTINGS)
        .fit(**dataset).predict(x)
        for _ in range(2)
    ]  # fmt: skip
    np.testing.assert_array_equal(*fits)
    assert rg.ndcg(y, fits[0], groups=groups, k=5) > rg.ndcg(y, np.zeros(len(y)), groups=groups, k=5) + 0.2


@pytest.mark.parametrize(
    "loss", [rg.ApproxNDCGLoss(), rg.ApproxMRRLoss(), rg.XENDCGLoss()], ids=lambda x: type(x).__name__
)
def test_losses_with_weights_per_list_take_the_mean_of_the_rows(loss):
    weight = np.array([0.5, 9.0, 2.0, 3.0, 9.0, 0.25], np.float32)
    call = objective(loss)
    grad, hess = call(LABELS, SCORES, weight, GROUPS)
    plain_grad, plain_hess = call(LABELS, SCORES, None, GROUPS)
    factor = np.repeat([weight[:4].mean(dtype=float), 0, weight[4:].mean(dtype=float)], GROUPS)
    np.testing.assert_allclose(grad, factor * plain_grad, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(hess, factor * plain_hess, rtol=1e-6, atol=1e-7)


def test_options_that_would_fail_in_the_first_round_are_refused_at_once():
    for loss in (rg.SoftmaxLoss(), rg.XENDCGLoss(), rg.ApproxNDCGLoss(), rg.PointwiseMeanSquaredError()):
        with pytest.raises(ValueError, match='list_scale: "pairs"'):
            objective(loss, list_scale="pairs")
    with pytest.raises(ValueError, match='loss: nan="propagate"'):
        objective(rg.PairwiseHingeLoss(nan="propagate"))


def test_what_lightgbm_does_of_itself_with_bags_of_queries(data):
    """As the module's docstring warns: with any callable it trains nothing. If this fails, LightGBM has mended it."""
    x, y, groups = data
    bags = {"bagging_fraction": 0.5, "bagging_freq": 1, "bagging_by_query": True, "metric": "None"}

    def plain(scores, dataset):
        return scores - dataset.get_label(), np.ones_like(scores)

    for call in (plain, objective(rg.PairwiseLogisticLoss())):
        booster = lgb.train({"objective": call, **bags, **SETTINGS}, lgb.Dataset(x, y, group=groups), 5)
        assert np.ptp(booster.predict(x)) == 0


def test_labels_and_lists_that_lambdarank_refuses():
    rng = np.random.default_rng(0)
    n = 10_050
    x = rng.standard_normal((n, 3))
    y = (
        np.round(40 * np.tanh(x[:, 0])) + 0.5
    )  # fractions, negative, more than 31 levels, one list of over 10,000 rows
    dataset = lgb.Dataset(x, y, group=[n])
    booster = lgb.train(
        {"objective": objective(rg.PairwiseLogisticLoss(negative_labels="use")), **SETTINGS}, dataset, 5
    )
    assert np.corrcoef(booster.predict(x), y)[0, 1] > 0.9


def test_cross_validation_by_lists(data):
    selection = pytest.importorskip("sklearn.model_selection", reason="scikit-learn is not installed")
    x, y, groups = data
    call = objective(rg.PairwiseLogisticLoss())
    seen = set()

    def recording(scores, dataset):
        seen.update(dataset.get_group().tolist())
        return call(scores, dataset)

    def cross_validate(**how):
        seen.clear()
        lgb.cv(
            {"objective": recording, **SETTINGS}, lgb.Dataset(x, y, group=groups), 2, feval=metric(), **how
        )
        return seen <= set(groups.tolist())

    assert cross_validate(folds=selection.GroupKFold(n_splits=3))
    assert not cross_validate(nfold=3, stratified=False)  # as the module's docstring warns


def test_errors_say_what_to_do():
    call = objective(rg.PairwiseHingeLoss())
    with pytest.raises(ValueError, match="group: missing"):
        call(LABELS, SCORES)
    with pytest.raises(ValueError, match=r'row 1 has the negative label -1.*negative_labels="use"'):
        call(np.array([0, -1, 1], np.float32), np.zeros(3), None, np.array([3]))
    with pytest.raises(ValueError, match=r"NaN|finite"):
        call(LABELS, np.where(LABELS == 3, np.nan, SCORES), None, GROUPS)
    for each in (call, metric()):
        for arguments, message in (
            ((LABELS, SCORES, None, np.array([4, 1])), "^group: sizes add up to 5"),
            ((LABELS, SCORES, None, np.array([7, -1])), "^group: index 0"),
            ((LABELS[:, None], SCORES, None, GROUPS), "^label: one label and one score per row"),
            ((LABELS, np.zeros((6, 2)), None, GROUPS), "^scores: one score per row"),
            ((LABELS, SCORES, np.ones((2, 1)), GROUPS), "^weight: one weight per row, 6 of them"),
            ((LABELS, SCORES, np.array([1, 1, np.nan, 1, 1, 1]), GROUPS), "^weight: NaN at row 2"),
            ((np.where(LABELS == 3, np.nan, LABELS), SCORES, None, GROUPS), "^label: NaN in row 5"),
            ((LABELS, np.where(LABELS == 3, np.nan, SCORES), None, GROUPS), "^scores: .*index 5"),
            ((LABELS, SCORES, np.ma.ones(6), GROUPS), "^weight: masked arrays"),
            ((LABELS, SCORES.astype(str), None, GROUPS), "^scores: numbers are wanted"),
        ):
            with pytest.raises((ValueError, TypeError), match=message):
                each(*arguments)
    with pytest.raises(ValueError, match=r"^weight: list 0 has the weight -1"):
        metric()(LABELS, SCORES, -np.ones(6), GROUPS)
    for wrong, match in (
        ({"list_scale": "mean"}, "list_scale"),
        ({"hessian": "abs"}, "hessian"),
        ({"min_hessian": -1.0}, "min_hessian"),
        ({"min_hessian": np.nan}, "min_hessian"),
        ({"min_hessian": "0"}, "min_hessian"),
    ):
        with pytest.raises((ValueError, TypeError), match=match):
            objective(rg.PairwiseHingeLoss(), **wrong)
    for wrong in ({"k": 0}, {"gain": "exp"}, {"ties": "random"}, {"empty": "zero"}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}: "):
            metric(**wrong)
    with pytest.raises(TypeError, match="loss"):
        objective("lambdarank")
    with pytest.raises(TypeError, match="loss"):
        objective(rg.PairwiseHingeLoss)


def test_a_loss_without_curvature_is_refused() -> None:
    with pytest.raises(ValueError, match="curvature"):
        objective(rg.PairwiseQuantileLoss())
    assert objective(rg.PairwiseQuantileLoss(squared=True)).loss.squared


@pytest.mark.parametrize("truncation", [5, 100])
def test_ndcg_weight_is_lambdarank(truncation):
    """One tree of LightGBM's own objective, without its normalisation by score gaps, is our tree.

    It divides by the ideal of the first `truncation` ranks: here each list's weight does.
    """
    x, y, groups = make_ranking(60, max_length=40, seed=3)
    ideal = rg.dcg(y, y, groups=groups, k=truncation, per_list=True)
    per_list = np.divide(1.0, ideal, out=np.zeros_like(ideal), where=ideal > 0)
    loss = rg.PairwiseLogisticLoss(
        reduction="sum", lambda_weight=rg.NDCGWeight(truncation=truncation, normalize=False)
    )
    bound = loss.bind(y, per_list[:, None], groups=groups)
    init = x[:, 0] - x[:, 1]

    def tree(objective):
        parameters = SETTINGS | {"lambdarank_truncation_level": truncation, "lambdarank_norm": False}
        data = lgb.Dataset(x, y, group=groups, init_score=init)
        return lgb.train(parameters | {"objective": objective}, data, 1).predict(x)

    ours = tree(lambda scores, _: bound.grad_and_hess(scores))
    np.testing.assert_allclose(ours, tree("lambdarank"), rtol=1e-4, atol=1e-7)  # a table of sigmoids there
    assert np.ptp(ours) > 0


@pytest.mark.parametrize(
    "weight", [rg.NDCGWeight(k=5), rg.NDCGWeight(truncation=30), rg.LabelDifferenceWeight()]
)
@pytest.mark.parametrize("list_scale", ["sum", "pairs"])
def test_training_with_a_lambda_weight(data, weight, list_scale):
    x, y, groups = data
    ranker = lgb.LGBMRanker(
        objective=objective(rg.PairwiseHingeLoss(lambda_weight=weight), list_scale),
        n_estimators=30,
        metric="None",
        **SETTINGS,
    )
    ranker.fit(x, y, group=groups)
    copied = pickle.loads(pickle.dumps(ranker.objective))
    assert copied == ranker.objective
    assert (
        rg.ndcg(y, ranker.predict(x), groups=groups, k=5)
        > rg.ndcg(y, np.zeros(len(y)), groups=groups, k=5) + 0.2
    )
