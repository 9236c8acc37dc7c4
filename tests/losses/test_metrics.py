"""NDCG and DCG: values by hand, a plain definition, and what scikit-learn, LightGBM and XGBoost compute."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from decimal import Decimal, localcontext
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
    assert rg.dcg(labels, scores, negative_labels="use") == pytest.approx(-0.5 + 3.0 / LOG3, rel=1e-15)


def exact_gain(y):
    """2^y - 1 in 60 digits and more."""
    with localcontext() as context:
        context.prec = 400
        return (Decimal(2).ln() * Decimal(y)).exp() - 1


@pytest.mark.parametrize(
    "label",
    [*range(-3, 70), -1075, 0.5, -0.5, 0.999, -0.999, 1.0001, -1.0001, 1e-3, -1e-9, 1e-16, 1e-20, -1e-20, -1e-300,
     1e-300, 2.2e-308, 62.5, 63, 64, 1000.25, 1023, 1023.9],
)  # fmt: skip
def test_the_gain_of_any_finite_label_is_right(label):
    got = rg.dcg([float(label)], [0.0], negative_labels="use")
    assert got == pytest.approx(float(exact_gain(float(label))), rel=1e-15)


def random_gains(rng, n):
    """Labels of either sign and any size whose gains are finite."""
    size = 10.0 ** rng.uniform(-300, 3.01) if rng.random() < 0.3 else rng.choice([1.0, 5.0, 60.0, 1023.0])
    labels = rng.choice([-1.0, 1.0, 0.0, 0.5, 0.25], n) * size
    return np.where(labels == 1, rng.integers(-2, 5, n), labels)


@pytest.mark.parametrize("gain", ["exp2", "linear"])
@pytest.mark.parametrize("ties", ["first", "average", "worst"])
def test_ndcg_is_from_0_to_1_whatever_the_labels(gain, ties):
    """In 60 digits; `terms` of a sum of 20 gains carry a few rounding errors each."""
    rng = np.random.default_rng(7)
    for _ in range(60):
        n = int(rng.integers(1, 20))
        labels, scores = random_gains(rng, n), rng.permutation(n) * 1.0
        if gain == "linear":
            labels = labels * 10.0 ** rng.integers(-15, 300)
        k = int(rng.integers(1, n + 1))
        got = rg.ndcg(labels, scores, k=k, gain=gain, ties=ties, empty=0.25, negative_labels="use")
        assert 0.0 <= got <= 1.0
        with localcontext() as context:
            context.prec = 60
            gains = [exact_gain(y) if gain == "exp2" else Decimal(y) for y in labels]
            discounts = [Decimal(2).ln() / Decimal(r + 2).ln() for r in range(k)]
            dcg = sum(gains[i] * d for i, d in zip(np.argsort(-scores), discounts, strict=False))
            ideal = sum(g * d for g, d in zip(sorted(gains, reverse=True), discounts, strict=False))
            terms = sum(abs(g) for g in gains)
            if abs(ideal) <= terms / 10**10:
                continue  # whether it is positive is up to rounding
            want = max(0.0, float(dcg / ideal)) if ideal > 0 else 0.25
            assert got == pytest.approx(want, abs=1e-14 * max(1.0, float(terms / abs(ideal))))


@pytest.mark.parametrize("labels", [[1023, 1023, 1023], [1023.5, 1023, 1022], [1e-310, 2e-310], [5e-324] * 3])
@pytest.mark.parametrize("k", [None, 1])
def test_sums_of_extreme_gains(labels, k):
    labels = np.array(labels, dtype=float)
    gain = "exp2" if labels[0] > 1 else "linear"
    assert rg.ndcg(labels, labels, gain=gain, k=k) == 1.0
    assert 0 < rg.ndcg(labels, -labels, gain=gain, k=k) <= 1.0
    weight = rg.NDCGWeight(gain=gain, k=k)
    labels[0] *= 0.5
    reference = labels / labels.max() if gain == "linear" else labels
    scaled = reference if gain == "linear" else np.exp2(labels - labels.max())
    loss = rg.PairwiseLogisticLoss(reduction="sum", lambda_weight=weight)
    want = rg.PairwiseLogisticLoss(reduction="sum", lambda_weight=rg.NDCGWeight(gain="linear", k=k))
    scores = np.arange(len(labels)) * 0.5
    assert loss(labels, scores) == pytest.approx(want(scaled, scores), rel=1e-12)


def test_the_losses_gains_are_scaled_too():
    scores = np.array([0.3, -0.2, 0.9])
    for low, high in (([5.0] * 3, [1023.0] * 3), ([60.0, 61, 60], [1021.0, 1022, 1021])):
        for loss in (rg.ApproxNDCGLoss(), rg.ApproxNDCGLoss(k=1), rg.XENDCGLoss()):
            assert loss(high, scores) == pytest.approx(loss(low, scores), rel=0.2 if low[0] == 5 else 1e-14)
    value = rg.XENDCGLoss()([1023.0] * 3, scores)  # the noise is nothing beside such gains
    assert value == pytest.approx(rg.SoftmaxLoss(normalize_labels=True)([1.0] * 3, scores), rel=1e-14)
    listnet = rg.SoftmaxLoss(normalize_labels=True)
    assert listnet([1e308] * 3, scores) == pytest.approx(value, rel=1e-14)
    assert listnet([1e308] * 3, scores, [5e307] * 3) == pytest.approx(value, rel=1e-14)


def test_lambda_weights_keep_small_differences_of_labels():
    """|2^a - 2^b| for labels that 2^y does not tell apart."""
    scores = [0.1, 0.4, 0.2]
    plain = rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(gain="linear", normalize=False))
    for unit, centre in ((1e-20, 0.0), (1e-18, 0.0), (1e-9, 0.7), (1e-9, -30.25)):
        labels = centre + np.array([1.0, 2.0, 4.0]) * unit
        loss = rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(normalize=False), negative_labels="use")
        want = plain((labels - labels[0]) * np.log(2.0), scores) * np.exp2(labels[0])
        assert loss(labels, scores) == pytest.approx(
            want, rel=1e-8
        )  # beyond the derivative: half the label gap


@pytest.mark.parametrize("empty", [0.0, 1.0, "skip"])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_weights_of_lists(empty, shape):
    labels, scores, groups = ragged_case(3)
    weights = np.random.default_rng(3).choice([0.0, 0.5, 2.0, 1e-300], 40)
    for metric in (rg.ndcg, rg.dcg):
        values = metric(labels, scores, groups=groups, empty=empty, per_list=True)
        counted = ~np.isnan(values)
        want = np.average(values[counted], weights=weights[counted])
        options = {"groups": groups, "empty": empty}
        for scale in (1.0, 1e-300, 1e300):
            got = metric(labels, scores, sample_weight=scale * weights.reshape(shape), **options)
            assert got == pytest.approx(want, rel=1e-13)
        assert metric(labels, scores, sample_weight=0.5, **options) == metric(labels, scores, **options)
        assert np.isnan(metric(labels, scores, sample_weight=0 * weights, **options))


def test_a_list_of_weight_0_does_not_matter():
    labels, scores, groups = [1, 0, 0, 0], [1.0, 2.0, 1.0, 2.0], [2, 2]
    assert rg.ndcg(labels, scores, groups=groups, empty=np.nan, sample_weight=[2, 0]) == 1.0 / LOG3
    overflow = rg.dcg([1023] * 3 + [1, 0], [0.0] * 5, groups=[3, 2], sample_weight=[0, 1])
    assert overflow == 1.0


def test_means_are_finite_where_their_values_are():
    value = float(np.exp2(1023.0))
    got = rg.dcg([1023] * 4, [0.0] * 4, groups=[1] * 4, sample_weight=[1e308] * 4)
    assert got == pytest.approx(value, rel=1e-15)
    assert rg.dcg([1023] * 3, [0.0] * 3) == np.inf  # as the exact sum


@pytest.mark.parametrize("ties", ["first", "average", "worst"])
@pytest.mark.parametrize("n", [40, 30_000])
def test_several_cut_offs_are_those_one_by_one(ties, n):
    rng = np.random.default_rng(n)
    labels, scores = rng.integers(0, 5, n) * 1.0, np.round(rng.normal(size=n), 2)
    cutoffs = [5, None, 1, 10, 5, 4096, 10_000, 2**70]
    for metric in (rg.ndcg, rg.dcg):
        for lists in ({}, {"groups": [n // 4, 0, n - n // 4]}):
            options = {"ties": ties, **lists}
            one_by_one = [metric(labels, scores, k=k, **options) for k in cutoffs]
            np.testing.assert_array_equal(metric(labels, scores, k=cutoffs, **options), one_by_one)
            per_list = metric(labels, scores, k=np.array([5, 7]), per_list=True, **options)
            for column, k in enumerate([5, 7]):
                np.testing.assert_array_equal(
                    per_list[:, column], metric(labels, scores, k=k, per_list=True, **options)
                )
    assert rg.ndcg(labels, scores, k=(3,)).shape == (1,)


@pytest.mark.parametrize("ties", ["first", "average", "worst"])
@pytest.mark.parametrize("k", [None, 7, 3000])
def test_long_lists(ties, k):
    """Lists of more items than are sorted at once, with ties, infinities and scores as far apart as can be."""
    rng = np.random.default_rng(5)
    n = 40_000
    for scores in (
        rng.normal(size=n),
        np.round(rng.normal(size=n), 1),
        np.where(
            rng.random(n) < 0.01, rng.choice([np.inf, -np.inf, 1e300, -1e300, 1e40], n), rng.normal(size=n)
        ),
        rng.choice([np.inf, -np.inf, 1e300], n),
        rng.normal(size=n) * 1e-310,
        np.zeros(n),
        1 + np.arange(n) * 1e-15,
    ):
        for labels in (rng.integers(0, 5, n) * 1.0, rng.random(n) * 3):
            gains = np.exp2(labels) - 1
            got = rg.dcg(labels, scores, k=k, ties=ties)
            assert got == pytest.approx(plain_dcg_of_many(gains, scores, k, ties), rel=1e-12)
            ideal = plain_dcg_of_many(gains, gains, k, "first")
            assert rg.ndcg(labels, scores, k=k, ties=ties) == pytest.approx(got / ideal, rel=1e-12)
            assert rg.ndcg(labels, labels, k=k, ties=ties) == pytest.approx(1.0, rel=1e-15)


def plain_dcg_of_many(gains, scores, k, ties):
    order = np.lexsort((gains if ties == "worst" else np.zeros(len(gains)), -scores))
    ranked, runs = gains[order], np.unique(-scores[order], return_inverse=True)[1]
    if ties == "average":
        ranked = (np.bincount(runs, ranked) / np.bincount(runs))[runs]
    discounts = 1.0 / np.log2(np.arange(len(gains)) + 2.0)
    return float(ranked[:k] @ discounts[:k])


def test_threads_do_not_change_a_bit():
    rng = np.random.default_rng(8)
    groups = [200_000, 3, 0, *rng.integers(1, 200, 300)]
    n = int(np.sum(groups))
    labels, scores = rng.integers(0, 5, n), np.round(rng.normal(size=n), 3)
    values = []
    for threads in (1, 2, 5):
        with rg.threads(threads):
            values.append([rg.ndcg(labels, scores, groups=groups, k=[None, 10], ties=ties, per_list=True)
                           for ties in ("first", "average", "worst")])  # fmt: skip
    np.testing.assert_array_equal(values[0], values[1])
    np.testing.assert_array_equal(values[0], values[2])


def test_the_first_bad_item_is_named_whoever_finds_it():
    scores = np.zeros(400_000)
    scores[[399_999, 7000, 250_000]] = np.nan
    for lists in ({}, {"groups": [100] * 4000}, {"groups": [5, 399_995]}):
        with pytest.raises(ValueError, match=r"scores: index 7000\b.* is NaN"):
            rg.ndcg(np.ones(400_000), scores, **lists)


@pytest.mark.skipif(sys.platform != "linux", reason="calls glibc's fesetround")
def test_the_callers_rounding_mode_does_not_matter():
    library = ctypes.CDLL("libm.so.6")
    rng = np.random.default_rng(1)
    labels, scores, weights = rng.integers(0, 4, (20, 50)), rng.normal(size=(20, 50)), rng.random(20)
    calls = [
        lambda: rg.ndcg(labels, scores),
        lambda: rg.dcg(labels * 0.3, scores, sample_weight=weights, ties="average"),
    ]
    expected = [call() for call in calls]
    for mode in (0x400, 0x800, 0xC00):
        library.fesetround(mode)
        try:
            got = [call() for call in calls]
        finally:
            library.fesetround(0)
        assert got == expected


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
@pytest.mark.parametrize("options", [{}, {"k": 10}, {"ties": "average"}, {"ties": "worst"}], ids=str)
def test_ctrl_c_in_one_long_list(options):
    """Twenty times the promise: other programs may have the processors."""
    n = 6_000_000
    labels, scores = np.arange(n) % 5 * 0.7, np.sin(np.arange(n) * 1.0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sent = []

    def send():
        time.sleep(0.03)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    try:
        sender.start()
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            for _ in range(1000):
                rg.ndcg(labels, scores, **options)
        assert time.perf_counter() - sent[0] < 2.0
    finally:
        sender.join()
        signal.signal(signal.SIGINT, before)


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
        (([1, 0], [1.0, 0.0]), {"k": []}, "k: "),
        (([1, 0], [1.0, 0.0]), {"k": [[1]]}, "k: "),
        (([1, 0], [1.0, 0.0]), {"k": [3, 0]}, "k: "),
        (([1, 0], [1.0, 0.0]), {"k": ["3"]}, "k: "),
        (([1, 0], [1.0, 0.0]), {"k": True}, "k: "),
        (([1, 0], [1.0, 0.0]), {"sample_weight": [1, 2]}, r"sample_weight: one weight per list.*\(1,\)"),
        (([1, 0], [1.0, 0.0]), {"groups": [1, 1], "sample_weight": [1, -2]}, "sample_weight: list 1.*-2"),
        (
            ([1, 0], [1.0, 0.0]),
            {"groups": [1, 1], "sample_weight": [np.inf, 1]},
            "sample_weight: list 0.*inf",
        ),
        (([1, 0], [1.0, 0.0]), {"sample_weight": ["a"]}, "sample_weight: "),
    ],
)
def test_errors_name_the_argument(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        rg.ndcg(*arguments, **options)


def test_a_huge_gain_takes_no_digits_of_others() -> None:
    assert rg.dcg([1e-17, 1023.9], [3.0, 2.0], k=1) == pytest.approx(1e-17 * np.log(2), rel=1e-14)
    use = {"gain": "linear", "negative_labels": "use"}
    assert rg.dcg([1e-20, 0, -1e300], [3.0, 2.0, 1.0], k=1, **use) == 1e-20
    assert rg.ndcg([1e-300, 2e-300], [2.0, 1.0], k=1, gain="linear") == pytest.approx(0.5, rel=1e-14)


def test_errors_say_what_a_metric_calls_its_arguments() -> None:
    for labels, message in (
        (["a"], "^labels: numbers are wanted"),
        ({"label": [1]}, '^labels: "labels" is wanted in the dict'),
        ([np.nan], "^labels: .*nan.*mask"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            rg.ndcg(labels, [1.0])
