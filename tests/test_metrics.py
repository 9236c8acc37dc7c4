"""NDCG and DCG: values by hand, a plain definition, and what scikit-learn, LightGBM and XGBoost compute."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
import rankgrad as rg
from rankgrad.datasets import make_ranking

LOG3 = np.log2(3.0)  # discounts are 1, 1/LOG3, 1/2, ...


def plain_dcg(gains, scores, k, ties):
    """The definition, one list at a time."""
    order = np.lexsort((gains if ties == "worst" else np.zeros(len(gains)), -scores))
    ranked = gains[order]
    if ties == "average":
        ranked = np.array([gains[scores == score].mean() for score in scores[order]])
    discounts = 1.0 / np.log2(np.arange(len(gains)) + 2.0)
    discounts[len(gains) if k is None else k :] = 0.0
    return float(ranked @ discounts)


def ragged_case(seed):
    """Short lists with ties in labels and scores, some empty, some without relevant items."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 12, 40)
    n = int(groups.sum())
    labels = rng.integers(0, 5, n).astype(np.float64) * np.repeat(rng.random(40) < 0.8, groups)
    return labels, rng.integers(-3, 4, n) / 2.0, groups


def test_values_by_hand():
    # ranked by score: labels 1, 3, 0; ideally 3, 1, 0
    labels, scores = [3, 0, 1], [0.5, 0.1, 0.9]
    dcg, ideal = 1.0 + 7.0 / LOG3, 7.0 + 1.0 / LOG3
    assert rg.dcg(labels, scores) == pytest.approx(dcg, rel=1e-15)
    assert rg.ndcg(labels, scores) == pytest.approx(dcg / ideal, rel=1e-15)
    assert rg.ndcg(labels, scores, k=1) == pytest.approx(1.0 / 7.0, rel=1e-15)
    assert rg.ndcg(labels, scores, gain="linear") == pytest.approx(
        (1.0 + 3.0 / LOG3) / (3.0 + 1.0 / LOG3), rel=1e-15
    )
    assert rg.dcg(labels, scores, gain=[0.0, 5.0, 0.0, 2.0]) == pytest.approx(5.0 + 2.0 / LOG3, rel=1e-15)


def test_ties_by_hand():
    labels, scores = [0, 1, 3], [0.0, -0.0, 0.0]  # one run of three: 0.0 equals -0.0
    discounts = 1.0 + 1.0 / LOG3 + 0.5
    ideal = 7.0 + 1.0 / LOG3
    assert rg.ndcg(labels, scores, ties="first") == pytest.approx((1.0 / LOG3 + 7.0 / 2.0) / ideal, rel=1e-15)
    assert rg.ndcg(labels, scores, ties="average") == pytest.approx(8.0 / 3.0 * discounts / ideal, rel=1e-15)
    assert rg.ndcg(labels[::-1], scores, ties="worst") == pytest.approx((1.0 / LOG3 + 3.5) / ideal, rel=1e-15)


def test_average_is_the_mean_over_all_orders_of_the_tied_items():
    gains, scores = np.array([3.0, 0.0, 1.0, 2.0]), np.zeros(4)
    mean = np.mean([rg.dcg(list(order), scores, k=2, gain="linear") for order in permutations(gains)])
    assert rg.dcg(gains, scores, k=2, gain="linear", ties="average") == pytest.approx(mean, rel=1e-14)


@pytest.mark.parametrize("ties", ["first", "average", "worst"])
@pytest.mark.parametrize("k", [None, 1, 3, 100])
def test_equals_the_definition(ties, k):
    for seed in range(5):
        labels, scores, groups = ragged_case(seed)
        bounds = np.r_[0, np.cumsum(groups)]
        gains = np.exp2(labels) - 1.0
        parts = [slice(a, b) for a, b in pairwise(bounds)]
        dcg = np.array([plain_dcg(gains[part], scores[part], k, ties) for part in parts])
        ideal = np.array([plain_dcg(gains[part], gains[part], k, "first") for part in parts])
        ndcg = np.divide(dcg, ideal, out=np.full(len(parts), -1.0), where=ideal > 0)
        options = {"groups": groups, "k": k, "ties": ties, "per_list": True}
        # sums of at most 11 positive terms: a few ulp
        np.testing.assert_allclose(rg.dcg(labels, scores, **options), dcg, rtol=1e-14)
        np.testing.assert_allclose(rg.ndcg(labels, scores, empty=-1.0, **options), ndcg, rtol=1e-14)
        assert rg.ndcg(labels, scores, empty=-1.0, groups=groups, k=k, ties=ties) == pytest.approx(
            ndcg.mean(), rel=1e-14
        )


def test_lists_without_anything_relevant():
    labels, scores, groups = [0, 0, 1, 0], [2.0, 1.0, 1.0, 2.0], [2, 2, 0]
    only = (1.0 / LOG3) / 1.0
    assert rg.ndcg(labels, scores, groups=groups) == pytest.approx(only / 3.0)
    assert rg.ndcg(labels, scores, groups=groups, empty=1.0) == pytest.approx((only + 2.0) / 3.0)
    assert rg.ndcg(labels, scores, groups=groups, empty="skip") == pytest.approx(only)
    assert np.isnan(rg.ndcg(labels, scores, groups=groups, empty=np.nan))
    assert np.isnan(rg.ndcg([0, 0], [1.0, 2.0], empty="skip"))
    per_list = rg.ndcg(labels, scores, groups=groups, empty="skip", per_list=True)
    np.testing.assert_allclose(per_list, [np.nan, only, np.nan])


def test_every_form_of_lists_agrees():
    labels, scores = [3, 0, 1, 0, 2], [0.1, 0.9, 0.5, 0.3, 0.2]
    expected = rg.ndcg(labels, scores, groups=[3, 2], per_list=True)
    assert expected.shape == (2,)
    np.testing.assert_array_equal(rg.ndcg(labels, scores, offsets=[0, 3, 5], per_list=True), expected)
    np.testing.assert_array_equal(rg.ndcg(labels, scores, qid=[7, 7, 7, 1, 1], per_list=True), expected)
    padded_labels, padded_scores = [[3, 0, 1], [0, 2, -1]], [[0.1, 0.9, 0.5], [0.3, 0.2, np.nan]]
    np.testing.assert_array_equal(rg.ndcg(padded_labels, padded_scores, per_list=True), expected)
    masked = {"labels": [[3, 0, 1], [0, 2, 4]], "mask": [[True] * 3, [True, True, False]]}
    np.testing.assert_array_equal(rg.ndcg(masked, padded_scores, per_list=True), expected)
    assert rg.ndcg(padded_labels, padded_scores) == pytest.approx(expected.mean(), rel=1e-15)


def test_negative_labels_can_be_used():
    labels, scores = [-1.0, 2.0], [1.0, 0.0]
    assert rg.ndcg(labels, scores) == 1.0  # the item with label -1 is no item
    expected = (-1.0 + 2.0 / LOG3) / (2.0 - 1.0 / LOG3)
    assert rg.ndcg(labels, scores, gain="linear", negative_labels="use") == pytest.approx(expected, rel=1e-15)


def test_infinite_scores_are_ranked_and_dtypes_agree():
    assert rg.ndcg([0, 1, 2], [-np.inf, 0.0, np.inf]) == 1.0
    labels, scores, groups = ragged_case(9)  # scores are multiples of 1/2: exact in float16
    expected = rg.ndcg(labels, scores, groups=groups)
    for dtype in (np.float16, np.float32):
        assert rg.ndcg(labels.astype(np.int8), scores.astype(dtype), groups=groups) == expected


@pytest.mark.parametrize("k", [None, 3])
def test_equals_scikit_learn(k):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(4)
    labels, scores = rng.integers(0, 4, (30, 8)), rng.integers(0, 4, (30, 8)) / 4.0
    # scikit-learn takes gains, averages over ties and counts an all-zero list 0
    expected = metrics.ndcg_score(2.0**labels - 1.0, scores, k=k)
    assert rg.ndcg(labels, scores, k=k, ties="average") == pytest.approx(expected, rel=1e-13)
    assert rg.dcg(labels, scores, k=k, ties="average", gain="linear") == pytest.approx(
        metrics.dcg_score(labels, scores, k=k), rel=1e-13
    )


def some_training_data():
    """Lists of which some have no relevant item, and features that say little, so that scores tie."""
    x, y, groups = make_ranking(40, min_length=3, max_length=20, seed=2)
    return np.round(x, 0), y, groups


@pytest.mark.parametrize("k", [1, 5])
def test_equals_lightgbm(k):
    lgb = pytest.importorskip("lightgbm", reason="lightgbm is not installed")
    x, y, groups = some_training_data()
    evals: dict[str, dict[str, list[float]]] = {}
    data = lgb.Dataset(x, y, group=groups)
    parameters = {
        "objective": "lambdarank",
        "metric": "ndcg",
        "eval_at": [k],
        "verbosity": -1,
        "num_leaves": 3,
    }
    model = lgb.train(parameters, data, 3, valid_sets=[data], callbacks=[lgb.record_evaluation(evals)])
    scores = model.predict(x)
    assert (rg.ndcg(y, scores, groups=groups, k=k, empty=0.0)) < rg.ndcg(
        y, scores, groups=groups, k=k, empty=1.0
    )
    expected = evals["training"][f"ndcg@{k}"][-1]
    assert rg.ndcg(y, scores, groups=groups, k=k, empty=1.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("suffix", "empty"), [("", 1.0), ("-", 0.0)])
def test_equals_xgboost(suffix, empty):
    xgb = pytest.importorskip("xgboost", reason="xgboost is not installed")
    x, y, groups = some_training_data()
    data = xgb.DMatrix(x, y, group=groups)
    evals: dict[str, dict[str, list[float]]] = {}
    parameters = {"objective": "rank:ndcg", "eval_metric": f"ndcg@5{suffix}", "max_depth": 2}
    model = xgb.train(parameters, data, 3, evals=[(data, "train")], evals_result=evals, verbose_eval=False)
    scores = model.predict(data, output_margin=True)
    expected = evals["train"][f"ndcg@5{suffix}"][-1]  # XGBoost prints metrics with 17 digits, sums in double
    assert rg.ndcg(y, scores, groups=groups, k=5, empty=empty) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1, 0], [np.nan, 0.0]), {}, "scores.*0"),
        (([np.nan, 0], [1.0, 0.0]), {}, "labels.*0"),
        (([1, 0, 2], [1.0, 0.0]), {}, "labels|scores"),
        (([1, 0], [1.0, 0.0]), {"k": 0}, "k: "),
        (([1, 0], [1.0, 0.0]), {"k": 2.5}, "k: "),
        (([1, 0], [1.0, 0.0]), {"gain": "exp"}, "gain: "),
        (([1, 3], [1.0, 0.0]), {"gain": [0.0, 1.0]}, "labels.*1.*gain"),
        (([1, 0.5], [1.0, 0.0]), {"gain": [0.0, 1.0]}, "labels.*1.*gain"),
        (([1, 0], [1.0, 0.0]), {"gain": [[0.0, 1.0]]}, "gain: "),
        (([1, 0], [1.0, 0.0]), {"gain": [0.0, np.inf]}, "gain: "),
        (([2000, 0], [1.0, 0.0]), {}, "labels.*0.*gain"),
        (([1, 0], [1.0, 0.0]), {"ties": "random"}, "ties: "),
        (([1, 0], [1.0, 0.0]), {"empty": "zero"}, "empty: "),
        (([1, 0], [1.0, 0.0]), {"groups": [1, 2]}, "groups"),
    ],
)
def test_errors_name_the_argument(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        rg.ndcg(*arguments, **options)
