"""Values written out as arithmetic, so that a reader checks them by eye."""

from __future__ import annotations

from math import exp, inf, log, nan
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from numpy.typing import DTypeLike

from helpers import LOSSES

pytestmark = pytest.mark.usefixtures("isa")

# item 0 is better than both others, item 2 better than item 1:
#   d(0,1) = 1.0 - 0.5 = 0.5    d(0,2) = 1.0 - 2.0 = -1.0    d(2,1) = 2.0 - 0.5 = 1.5
LABELS = [2.0, 0.0, 1.0]
SCORES = [1.0, 0.5, 2.0]


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


ROWS = {
    "hinge": [(1 - 0.5) + (1 + 1.0), 0, 0],
    "squared_hinge": [(1 - 0.5) ** 2 + (1 + 1.0) ** 2, 0, 0],
    "logistic": [log(1 + exp(-0.5)) + log(1 + exp(1.0)), 0, log(1 + exp(-1.5))],
    "soft_zero_one": [sigmoid(-0.5) + sigmoid(1.0), 0, sigmoid(-1.5)],
    "exponential": [exp(-0.5) + exp(1.0), 0, exp(-1.5)],
    # s - y = -1.0, 0.5, 1.0; every ordered pair
    "mean_squared_error": [1.5**2 + 2.0**2, 1.5**2 + 0.5**2, 2.0**2 + 0.5**2],
    # tau = 0.3; (y_i - y_j) - d = 2 - 0.5, 1 + 1.0, 1 - 1.5
    "quantile": [0.3 * 1.5 + 0.3 * 2.0, 0, 0.7 * 0.5],
    "squared_quantile": [0.3 * 1.5**2 + 0.3 * 2.0**2, 0, 0.7 * 0.5**2],
}


@pytest.mark.parametrize("name", ROWS)
def test_rows(name: str) -> None:
    np.testing.assert_allclose(
        LOSSES[name](reduction="none")(LABELS, SCORES), ROWS[name], rtol=1e-13, atol=1e-15
    )
    np.testing.assert_allclose(LOSSES[name]().call(LABELS, SCORES), ROWS[name], rtol=1e-13, atol=1e-15)
    assert LOSSES[name](reduction="sum")(LABELS, SCORES) == pytest.approx(sum(ROWS[name]), rel=1e-13)


def test_hinge_derivatives() -> None:
    """(0,1) and (0,2) are within the margin: each pulls the better item up by 1 / T, the worse one down."""
    grad, hess = rg.PairwiseHingeLoss(reduction="sum").grad_and_hess(LABELS, SCORES)
    assert grad.tolist() == [-2, 1, 1]
    assert hess.tolist() == [0, 0, 0]
    grad, hess = rg.PairwiseHingeLoss(2.0, reduction="sum").grad_and_hess(LABELS, SCORES)
    assert grad.tolist() == [-2 / 2, (1 + 1) / 2, (1 - 1) / 2]  # d(2,1) = 1.5 / 2 is active too


def test_squared_hinge_derivatives() -> None:
    grad, hess = rg.PairwiseSquaredHingeLoss(reduction="sum").grad_and_hess(LABELS, SCORES)
    assert grad.tolist() == [-2 * 0.5 - 2 * 2.0, 2 * 0.5, 2 * 2.0]
    assert hess.tolist() == [2 + 2, 2, 2]


def test_logistic_derivatives() -> None:
    a, b, c = sigmoid(-0.5), sigmoid(1.0), sigmoid(-1.5)
    grad, hess = rg.PairwiseLogisticLoss(reduction="sum").grad_and_hess(LABELS, SCORES)
    np.testing.assert_allclose(grad, [-a - b, a + c, b - c], rtol=1e-13)
    np.testing.assert_allclose(
        hess, [a * (1 - a) + b * (1 - b), a * (1 - a) + c * (1 - c), b * (1 - b) + c * (1 - c)]
    )


def test_soft_zero_one_curvature_is_negative_for_a_misordered_pair() -> None:
    p, q = sigmoid(-1.0), sigmoid(1.0)
    loss = rg.PairwiseSoftZeroOneLoss(reduction="sum")
    assert loss.grad_and_hess([1, 0], [0.0, 1.0])[1] == pytest.approx([p * q * (p - q)] * 2, rel=1e-13)
    hess = loss.bind([1, 0]).grad_and_hess([0.0, 1.0], curvature="positive")[1]
    assert hess == pytest.approx([p * q] * 2, rel=1e-13)


def test_positive_curvature_of_hinge_counts_active_pairs() -> None:
    objective = rg.PairwiseHingeLoss(2.0, reduction="sum").bind([2, 0, 1])
    hess = objective.grad_and_hess([2.0, 1.0, 4.0], curvature="positive")[1]
    assert hess.tolist() == [(1 + 1) / 2**2, 1 / 2**2, 1 / 2**2]  # d = 0.5 and -1; d(2,1) = 1.5 is beyond
    hess = objective.grad_and_hess([2.0, -6.0, 4.0], curvature="positive", min_hessian=0.125)[1]
    assert hess.tolist() == [1 / 2**2, 0.125, 1 / 2**2]  # only (0,2) is active; item 1 gets the floor


def test_mean_squared_error_ignores_the_temperature() -> None:
    for temperature in (0.1, 1.0, 3.0):
        value, grad = rg.PairwiseMeanSquaredError(temperature, reduction="sum").value_and_grad(
            [1, 0], [0.5, 0.2]
        )
        assert value == pytest.approx(2 * (1 - 0.3) ** 2, rel=1e-14)
        assert grad == pytest.approx([4 * (0.3 - 1), -4 * (0.3 - 1)], rel=1e-14)


# hinge rows without weights: [[3, 0, 2, 0], [0, 0.2, 0, 0]]; list 1 has two valid items
BATCH_LABELS = {
    "labels": [[1.0, 0.0, 1.0, 3.0], [0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 0.0, 0.0]],
    "mask": [[True, True, True, True], [True, True, False, False], [False, False, False, False]],
}
BATCH_SCORES = [[1.0, 3.0, 2.0, 4.0], [1.0, 1.8, 2.0, 3.0], [5.0, 5.0, 5.0, 5.0]]
ITEM_WEIGHTS = [[2.0, 3.0, 1.0, 1.0], [2.0, 1.0, 0.5, 0.25], [1.0, 1.0, 1.0, 1.0]]
LIST_WEIGHTS = [[2.0], [0.5], [7.0]]
N_ITEMS, N_VALID, N_LISTS, N_PAIRS = 12, 6, 2, 5 + 1


@pytest.mark.parametrize(
    ("weights", "weighted", "given"),
    [
        (None, 3 + 2 + 0.2, N_ITEMS),
        (3.0, 3 * (3 + 2 + 0.2), 3.0),
        (ITEM_WEIGHTS, 2 * 3 + 1 * 2 + 1 * 0.2, (2 + 3 + 1 + 1) + (2 + 1 + 0.5 + 0.25) + 4),
        (LIST_WEIGHTS, 2 * (3 + 2) + 0.5 * 0.2, 2 + 0.5 + 7),
    ],
    ids=["unweighted", "number", "item", "list"],
)
@pytest.mark.parametrize(
    ("reduction", "count"),
    [
        ("sum", 1),
        ("sum_over_batch_size", N_ITEMS),
        ("mean", N_ITEMS),
        ("mean_with_sample_weight", "given"),
        ("mean_over_pairs", N_PAIRS),
        ("mean_over_lists", N_LISTS),
        ("mean_over_items", N_VALID),
    ],
)
def test_reductions(weights: Any, weighted: float, given: float, reduction: str, count: Any) -> None:
    divisor = given if count == "given" else count
    value = rg.PairwiseHingeLoss(reduction=reduction)(BATCH_LABELS, BATCH_SCORES, weights)
    assert isinstance(value, float)
    assert value == pytest.approx(weighted / divisor, rel=1e-14)


@pytest.mark.parametrize("reduction", ["none", None])
def test_reduction_none_has_the_shape_of_the_items(reduction: str | None) -> None:
    loss = rg.PairwiseHingeLoss(reduction=reduction)
    expected = [[3 * 2, 0, 2 * 1, 0], [0, (1 - 0.8) * 1, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(loss(BATCH_LABELS, BATCH_SCORES, ITEM_WEIGHTS), expected, rtol=1e-14)
    assert loss([1, 0], [0.5, 0.2]).tolist() == [1 - (0.5 - 0.2), 0]  # one unbatched list: (N,)


def test_mean_over_pairs_of_squared_error_counts_every_pair_of_a_list() -> None:
    """m^2 for m valid items, the diagonal too, as Rax: 16 + 4."""
    rows = rg.PairwiseMeanSquaredError(reduction="sum")(BATCH_LABELS, BATCH_SCORES)
    mean = rg.PairwiseMeanSquaredError(reduction="mean_over_pairs")(BATCH_LABELS, BATCH_SCORES)
    assert mean == pytest.approx(rows / (4**2 + 2**2), rel=1e-14)


@pytest.mark.parametrize("reduction", ["mean_over_pairs", "mean_over_lists", "mean_over_items", "mean"])
def test_nothing_valid_is_zero(reduction: str) -> None:
    value, grad = rg.PairwiseLogisticLoss(reduction=reduction).value_and_grad(
        [[-1, -1], [-1, -1]], np.ones((2, 2))
    )
    assert value == 0.0
    assert not grad.any()
    assert rg.PairwiseLogisticLoss(reduction=reduction)(np.ones((0, 3)), np.ones((0, 3))) == 0.0


def test_weights_that_sum_to_zero_give_zero() -> None:
    loss = rg.PairwiseHingeLoss(reduction="mean_with_sample_weight")
    assert loss(BATCH_LABELS, BATCH_SCORES, np.zeros((3, 4))) == 0.0


# --- kinks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("n", [2, 3, 40])
def test_hinge_slope_at_an_exact_kink_is_zero(dtype: DTypeLike, temperature: float, n: int) -> None:
    scores = np.array([3 * temperature] + [2 * temperature] * (n - 1), dtype=dtype)  # d = 1 for every pair
    value, grad = rg.PairwiseHingeLoss(temperature, reduction="sum").value_and_grad(
        [1] + [0] * (n - 1), scores
    )
    assert value == 0.0
    assert grad.tolist() == [0.0] * n


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [2, 3, 40])
def test_quantile_slope_at_an_exact_kink_is_zero(dtype: DTypeLike, n: int) -> None:
    scores = np.array([3.5] + [1.5] * (n - 1), dtype=dtype)  # d = label gap = 2
    for squared in (False, True):
        loss = rg.PairwiseQuantileLoss(tau=0.75, squared=squared, reduction="sum")
        value, grad = loss.value_and_grad([2] + [0] * (n - 1), scores)
        assert value == 0.0
        assert grad.tolist() == [0.0] * n


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("temperature", [0.1, 0.3, 0.7, 1.0])
def test_hinge_slope_near_a_kink_is_one_of_the_two(
    dtype: type[np.floating[Any]], temperature: float, rng: np.random.Generator
) -> None:
    """Where |1 - d| is within 4 ulp of max|s| / T, either one-sided slope is right."""
    n = 64
    worse = rng.uniform(1, 2, n).astype(dtype)
    better = (worse.astype(np.float64) + temperature).astype(dtype)
    steps = rng.integers(-6, 7, n)
    better = better + steps.astype(dtype) * np.spacing(better)
    labels, scores = np.tile([1, 0], n), np.stack([better, worse], axis=1).ravel()
    loss = rg.PairwiseHingeLoss(temperature, reduction="sum")
    grad = loss.value_and_grad(labels, scores, groups=np.full(n, 2))[1].astype(np.float64) * temperature
    d = (better.astype(np.float64) - worse) / temperature
    ulp = np.spacing((np.maximum(better, worse) / dtype(temperature)).astype(dtype)).astype(np.float64)
    low, high = np.where(d < 1 + 4 * ulp, -1.0, 0.0), np.where(d < 1 - 4 * ulp, -1.0, 0.0)
    on_better = grad[::2]
    tolerance = 4 * np.finfo(dtype).eps
    assert np.all((np.abs(on_better - low) <= tolerance) | (np.abs(on_better - high) <= tolerance))
    np.testing.assert_array_equal(grad[1::2], -on_better)


@pytest.mark.parametrize("n", [2, 9, 64, 130, 400])
@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize(
    ("unit", "shift"), [(1e-6, 0), (1, 0), (1, 1e6), (1, 1e30), (1e3, 1e8), (1e5, 0), (1e7, 0)]
)
@pytest.mark.parametrize("algorithm", ["direct", "fast"])
def test_hinge_value_made_of_counts(
    algorithm: str, unit: float, shift: float, levels: int, n: int, rng: np.random.Generator
) -> None:
    """In float32 the value of unweighted lists comes from scores and whole numbers, at any distance from zero."""
    y, s = rng.integers(0, levels, n), (rng.normal(size=n) * unit + shift).astype(np.float32)
    d = s.astype(np.float64)[:, None] - s
    counts = (y[:, None] > y) & (d < 1)
    value, grad = rg.PairwiseHingeLoss(reduction="sum").bind(y, algorithm=algorithm).value_and_grad(s)
    assert value == pytest.approx((1 - d)[counts].sum(), rel=1e-13 if np.ptp(s) <= 1e6 else 1e-7)
    np.testing.assert_array_equal(grad, counts.sum(axis=0) - counts.sum(axis=1))


# --- what is masked never matters ---------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("bad", [nan, inf, -inf])
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_masked_items_never_matter(name: str, reduction: str, bad: float) -> None:
    mask = np.array(BATCH_LABELS["mask"])
    scores, weights, labels = np.array(BATCH_SCORES), np.array(ITEM_WEIGHTS), np.array(BATCH_LABELS["labels"])
    loss = LOSSES[name](reduction=reduction)
    good = {"labels": labels, "mask": mask}
    clean = *loss.value_and_grad(good, scores, weights), *loss.grad_and_hess(good, scores, weights)
    scores[~mask], weights[~mask], labels[~mask] = bad, bad, bad
    for y_true in ({"labels": labels, "mask": mask}, np.where(mask, labels, -1)):
        again = *loss.value_and_grad(y_true, scores, weights), *loss.grad_and_hess(y_true, scores, weights)
        for left, right in zip(clean, again, strict=True):
            np.testing.assert_array_equal(left, right)
        assert not again[1][~mask].any()
        assert not again[3][~mask].any()


def test_a_masked_weight_counts_in_the_sum_of_weights_unless_it_is_not_finite() -> None:
    y_true = {"labels": [1.0, 0.0, 0.0], "mask": [True, True, False]}
    loss = rg.PairwiseHingeLoss(reduction="mean_with_sample_weight")
    assert loss(y_true, [0.5, 0.0, 9.0], [2.0, 1.0, 5.0]) == 2 * (1 - 0.5) / (2 + 1 + 5)
    for bad in (nan, inf, -inf):
        assert loss(y_true, [0.5, 0.0, 9.0], [2.0, 1.0, bad]) == 2 * (1 - 0.5) / (2 + 1 + 0)


@pytest.mark.parametrize("bad", [nan, inf, -inf])
@pytest.mark.parametrize("reduction", ["sum", "none", "mean_with_sample_weight"])
def test_the_weight_of_a_list_without_valid_items_never_matters(reduction: str, bad: float) -> None:
    loss = rg.PairwiseHingeLoss(reduction=reduction)
    clean = loss.value_and_grad(BATCH_LABELS, BATCH_SCORES, np.array([[2.0], [0.5], [0.0]]))
    again = loss.value_and_grad(BATCH_LABELS, BATCH_SCORES, np.array([[2.0], [0.5], [bad]]))
    for left, right in zip(clean, again, strict=True):
        np.testing.assert_array_equal(left, right)


def test_negative_labels_are_ignored_or_used() -> None:
    labels, scores = [1.0, -1.0, -0.5], [0.5, 0.25, 0.0]
    assert rg.PairwiseHingeLoss(reduction="sum")(labels, scores) == 0.0
    used = rg.PairwiseHingeLoss(reduction="none", negative_labels="use")(labels, scores)
    assert used.tolist() == [(1 - 0.25) + (1 - 0.5), 0, 1 + 0.25]


def test_a_mask_may_be_numbers() -> None:
    """Any nonzero number means valid, as in keras-rs."""
    for mask in ([1, 0, 1], [0.5, 0.0, 2.0], np.array([True, False, True])):
        value = rg.PairwiseHingeLoss(reduction="none")({"labels": [1, 0, 0], "mask": mask}, [0.5, 0.0, 0.25])
        assert value.tolist() == [1 - 0.25, 0, 0]


# --- dtypes -------------------------------------------------------------------------------------------


def test_labels_are_compared_in_their_own_dtype() -> None:
    big = 2**53
    labels = np.array([big, big + 1, big + 1], dtype=np.int64)  # all equal in float64
    rows = rg.PairwiseHingeLoss(reduction="none")(labels, np.array([0, 0.25, 0.5], dtype=np.float32))
    assert rows.tolist() == [0, 1 - 0.25, 1 - 0.5]
    labels = np.array([1.0, 1.0 + 1e-12])  # equal in float32
    rows = rg.PairwiseHingeLoss(reduction="none")(labels, np.array([0, 0.25], dtype=np.float32))
    assert rows.tolist() == [0, 1 - 0.25]
    labels = np.array([2**64 - 1, 2**64 - 2], dtype=np.uint64)
    assert rg.PairwiseHingeLoss(reduction="none")(labels, [0.25, 0.0]).tolist() == [1 - 0.25, 0]


def test_an_infinite_label_is_a_label() -> None:
    rows = rg.PairwiseSoftZeroOneLoss(reduction="none")([1.0, inf, 0.0], [0.0, 0.0, 0.0])
    assert rows.tolist() == [0.5, 0.5 + 0.5, 0]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(np.float64, np.float64), (np.float32, np.float32), (np.float16, np.float32)]
    + [(kind, np.float64) for kind in (np.int8, np.int32, np.int64, np.uint8, np.uint64)],
)
def test_dtype_of_the_result_is_that_of_the_scores(given: DTypeLike, wanted: DTypeLike) -> None:
    scores = np.array([2, 1, 4], dtype=given)
    loss = rg.PairwiseHingeLoss(reduction="none")
    value, grad = loss.value_and_grad([2, 0, 1], scores)
    assert value.dtype == grad.dtype == wanted
    assert value.tolist() == [1 + 2, 0, 0]  # d = 1, -2, 3
    assert all(part.dtype == wanted for part in loss.grad_and_hess([2, 0, 1], scores))
    assert isinstance(rg.PairwiseHingeLoss()([2, 0, 1], scores), float)


def test_dtype_argument_casts_the_scores_first() -> None:
    loss = rg.PairwiseLogisticLoss(reduction="none", dtype="float32")
    scores = np.array([0.1, 0.7, -0.3])
    value, grad = loss.value_and_grad(LABELS, scores)
    assert value.dtype == grad.dtype == np.float32
    np.testing.assert_array_equal(
        value, rg.PairwiseLogisticLoss(reduction="none")(LABELS, scores.astype(np.float32))
    )
    wide = rg.PairwiseLogisticLoss(reduction="none", dtype="float64")(LABELS, scores.astype(np.float32))
    assert wide.dtype == np.float64


def test_tails_keep_their_digits() -> None:
    """log(1 + e^-d) for large d is e^-d, not 0."""
    for dtype, d, rel in ((np.float64, 40.0, 1e-12), (np.float32, 20.0, 1e-6), (np.float32, 60.0, 1e-6)):
        scores = np.array([d, 0], dtype=dtype)
        value, grad = rg.PairwiseLogisticLoss(reduction="none").value_and_grad([1, 0], scores)
        assert value[0] == pytest.approx(exp(-d), rel=rel)
        assert grad == pytest.approx([-exp(-d), exp(-d)], rel=rel)


def test_exponential_overflows_to_infinity_not_to_nan() -> None:
    value, grad = rg.PairwiseExponentialLoss(reduction="sum").value_and_grad([1, 0], [0.0, 1000.0])
    assert value == inf
    assert grad.tolist() == [-inf, inf]


@pytest.mark.parametrize("weight", [1e308, 1e-320, 3.0])
def test_a_mean_by_weights_of_any_size(weight: float) -> None:
    """Equal weights are the mean over the unreduced values, also where their sum is no number."""
    y, s = [1, 0, 1, 0], [0.1, 0.3, 0.2, 0.5]
    mean = rg.PairwiseLogisticLoss(reduction="mean_with_sample_weight")
    plain = rg.PairwiseLogisticLoss(reduction="mean")
    for data, weights in (((y, s), [weight] * 4), (([y, y], [s, s]), [[weight] * 4] * 2)):
        got, want = mean.value_and_grad(*data, weights), plain.value_and_grad(*data)
        np.testing.assert_allclose(got[0], want[0], rtol=1e-14)
        np.testing.assert_allclose(got[1], want[1], rtol=1e-14, atol=1e-16)
