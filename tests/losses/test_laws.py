"""Laws that hold for any numbers: shifts, permutations, splits, weights, padding, threads, cotangents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike

from helpers import LOSSES, PADDING_PROOF, PARAMETERS, REDUCTIONS, assert_equals_sum, bind, check
from reference import ALL_PAIRS, Array
from reference_lists import Lists, evaluate
from strategies import offsets_of, random_lists, to_padded

pytestmark = [pytest.mark.usefixtures("isa"), pytest.mark.parametrize("name", LOSSES)]

SIZES = [5, 0, 33, 1, 2, 17, 64, 100]


def everything(objective: Any, scores: Array, **options: Any) -> list[Array]:
    """Value, gradient, the gradient again as it comes with the Hessian, Hessian, surrogate Hessian.

    The two gradients are compiled apart and may differ in their last bits; of each the laws hold.
    """
    value, grad = objective.value_and_grad(scores, **options)
    positive = objective.grad_and_hess(scores, curvature="positive", **options)[1]
    return [np.asarray(value), grad, *objective.grad_and_hess(scores, **options), positive]


def assert_close(
    left: list[Array],
    right: list[Array],
    name: str,
    lists: Lists,
    reduction: str = "sum",
    factor: float = 1.0,
) -> None:
    """Two ways to sums of at most `factor` times the lists' own agree to float64's bound."""
    want = evaluate(name, lists, reduction=reduction, **PARAMETERS.get(name, {}))
    sums = [want.value, want.grad, want.grad, want.hess, want.positive_hess]
    margin_error = 4 * np.finfo(np.float64).eps * np.abs(lists.scores).max()
    for a, b, total in zip(left, right, sums, strict=True):
        assert np.all(np.abs(a - b) <= factor * (1e-12 * total.terms + margin_error * total.drift))


def test_a_shift_of_all_scores_changes_nothing(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, SIZES)
    lists = replace(lists, scores=np.round(lists.scores * 64) / 64)  # so that adding 16 is exact
    objective = bind(name, lists)
    left = everything(objective, lists.scores)
    assert_close(left, everything(objective, lists.scores + 16), name, lists)
    grad, terms = left[1], evaluate(name, lists, **PARAMETERS.get(name, {})).grad.terms
    for part in lists.slices:
        assert abs(grad[part].sum()) <= 1e-12 * terms[part].sum()
    shifted = objective.hessp(lists.scores, np.ones(len(lists.scores)))
    assert np.abs(shifted).max() <= 1e-12 * np.abs(left[3]).max()


def test_permuting_items_permutes_the_results(name: str, rng: np.random.Generator) -> None:
    lists = replace(random_lists(rng, SIZES), sample_weight=rng.uniform(0, 2, sum(SIZES)))
    order = np.concatenate([part.start + rng.permutation(part.stop - part.start) for part in lists.slices])
    permuted = replace(
        lists, labels=lists.labels[order], scores=lists.scores[order], sample_weight=lists.weights[order]
    )
    left = everything(bind(name, lists), lists.scores)
    right = everything(bind(name, permuted), permuted.scores)
    assert_close([left[0], *(part[order] for part in left[1:])], right, name, permuted)


def test_splitting_a_batch_adds(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, SIZES)
    whole = everything(bind(name, lists), lists.scores)
    parts = [
        Lists(lists.labels[part], lists.scores[part], offsets_of([part.stop - part.start]))
        for part in lists.slices
    ]
    alone = [everything(bind(name, part), part.scores) for part in parts]
    value = np.asarray(sum(one[0] for one in alone))
    assert_close(
        whole, [value, *(np.concatenate([one[k] for one in alone]) for k in (1, 2, 3, 4))], name, lists
    )


def test_weights_are_linear(name: str, rng: np.random.Generator) -> None:
    n = sum(SIZES)
    lists = random_lists(rng, SIZES)
    first, second = rng.uniform(0, 1, n), rng.uniform(0, 1, n)
    one, two, sum_of_both = (
        everything(bind(name, replace(lists, sample_weight=w)), lists.scores)
        for w in (first, second, 2 * first + 0.5 * second)
    )
    combined = [2 * a + 0.5 * b for a, b in zip(one, two, strict=True)]
    assert_close(sum_of_both, combined, name, lists, factor=4)


def test_weights_of_lists_numbers_and_items_agree(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, SIZES)
    per_list = rng.uniform(0, 2, (len(SIZES), 1))
    left = everything(bind(name, replace(lists, sample_weight=per_list)), lists.scores)
    spread = np.repeat(per_list[:, 0], SIZES)
    right = everything(bind(name, replace(lists, sample_weight=spread)), lists.scores)
    assert_close(left, right, name, lists, factor=2)
    plain = everything(bind(name, lists), lists.scores)
    tripled = everything(bind(name, replace(lists, sample_weight=3.0)), lists.scores)
    assert_close(tripled, [3 * part for part in plain], name, lists, factor=3)


@pytest.mark.parametrize("reduction", PADDING_PROOF)
@pytest.mark.parametrize("how", ["mask", "negative label"])
def test_padding_is_invisible(name: str, reduction: str, how: str, rng: np.random.Generator) -> None:
    lists = replace(random_lists(rng, SIZES), sample_weight=rng.uniform(0, 2, sum(SIZES)))
    flat = everything(bind(name, lists, reduction=reduction), lists.scores)
    labels, scores, mask, weights = to_padded(lists, width=max(SIZES) + 3, fill=7.0)
    y_true = {"labels": labels, "mask": mask} if how == "mask" else np.where(mask, labels, -1)
    wide = everything(LOSSES[name](reduction=reduction).bind(y_true, weights), scores)
    assert_close(flat, [wide[0], *(part[mask] for part in wide[1:])], name, lists, reduction)
    assert all(not part[~mask].any() for part in wide[1:])


def test_padding_enters_the_divisor_of_sum_over_batch_size(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, [4, 6])
    labels, scores, mask, _ = to_padded(lists, width=8)
    total = LOSSES[name](reduction="sum")({"labels": labels, "mask": mask}, scores)
    mean = LOSSES[name]()({"labels": labels, "mask": mask}, scores)
    assert mean == pytest.approx(total / (2 * 8), rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_same_bits_for_any_number_of_threads(name: str, dtype: DTypeLike, rng: np.random.Generator) -> None:
    """Many lists, and one so long that its pairs are cut into blocks."""
    lists = random_lists(rng, [*rng.integers(0, 60, 300), 6000], levels=3)
    lists = replace(lists, sample_weight=rng.uniform(0, 2, len(lists.scores)))
    scores = lists.scores.astype(dtype)
    objective = bind(name, lists)
    expected = everything(objective, scores, n_threads=1)
    vector = rng.normal(size=len(scores)).astype(dtype)
    product = objective.hessp(scores, vector, n_threads=1)
    for n_threads in (2, 3, 5, 8):
        for left, right in zip(expected, everything(objective, scores, n_threads=n_threads), strict=True):
            np.testing.assert_array_equal(left, right)
        np.testing.assert_array_equal(product, objective.hessp(scores, vector, n_threads=n_threads))


def test_calls_with_other_scores_between_leave_no_trace(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, SIZES)
    objective = bind(name, lists)
    first = everything(objective, lists.scores)
    everything(objective, -3 * lists.scores)
    for left, right in zip(first, everything(objective, lists.scores), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_one_off_calls_equal_bound_ones(name: str, reduction: str, rng: np.random.Generator) -> None:
    lists = replace(random_lists(rng, SIZES), sample_weight=rng.uniform(0, 2, sum(SIZES)))
    loss = LOSSES[name](reduction=reduction)
    objective = loss.bind(lists.labels, lists.sample_weight, offsets=lists.offsets)
    arguments = lists.labels, lists.scores, lists.sample_weight
    np.testing.assert_array_equal(loss(*arguments, offsets=lists.offsets), objective.value(lists.scores))
    for method in ("value_and_grad", "grad_and_hess"):
        once = getattr(loss, method)(*arguments, offsets=lists.offsets)
        for left, right in zip(once, getattr(objective, method)(lists.scores), strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_out_equals_fresh_results(name: str, dtype: DTypeLike, rng: np.random.Generator) -> None:
    lists = random_lists(rng, SIZES)
    scores = lists.scores.astype(dtype)
    objective = bind(name, lists)
    one, two = np.full_like(scores, np.nan), np.full_like(scores, np.nan)

    grad, hess = objective.grad_and_hess(scores)
    given = objective.grad_and_hess(scores, out=(one, two))
    assert given[0] is one
    assert given[1] is two
    np.testing.assert_array_equal(one, grad)
    np.testing.assert_array_equal(two, hess)

    value, grad = objective.value_and_grad(scores)
    given_value, given_grad = objective.value_and_grad(scores, out=two)
    assert given_grad is two
    assert given_value == value
    np.testing.assert_array_equal(two, grad)

    product = objective.hessp(scores, scores)
    assert objective.hessp(scores, scores, out=one) is one
    np.testing.assert_array_equal(one, product)


@pytest.mark.parametrize("temperature", [0.3, 1.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_long_lists_equal_the_reference(
    name: str, dtype: DTypeLike, temperature: float, rng: np.random.Generator
) -> None:
    """Lists longer than a block of any kernel, with many label levels, few levels and all scores apart."""
    for levels in (2, 5, 10**6):
        lists = random_lists(rng, [300, 3, 77], levels=levels)
        lists = replace(
            lists, labels=lists.labels / levels * 4, sample_weight=rng.uniform(0, 2, len(lists.scores))
        )
        check(name, lists, dtype=dtype, temperature=temperature, vector=rng.normal(size=len(lists.scores)))


def test_cotangent_of_reduction_none_is_a_weight(name: str, rng: np.random.Generator) -> None:
    lists = replace(random_lists(rng, SIZES), sample_weight=rng.uniform(0, 2, sum(SIZES)))
    cotangent = rng.normal(size=sum(SIZES))
    left = bind(name, lists, reduction="none")
    right = bind(name, replace(lists, sample_weight=lists.weights * cotangent))
    grad, hess = left.grad_and_hess(lists.scores, cotangent=cotangent)
    grad_weighted, hess_weighted = right.grad_and_hess(lists.scores)
    value, grad_too = left.value_and_grad(lists.scores, cotangent=cotangent)
    want = evaluate(name, lists, cotangent=cotangent, **PARAMETERS.get(name, {}))
    for actual, expected in ((grad, want.grad), (grad_weighted, want.grad), (grad_too, want.grad)):
        assert_equals_sum(name, actual, expected, lists)
    assert_equals_sum(name, hess, want.hess, lists)
    assert_equals_sum(name, hess_weighted, want.hess, lists)
    np.testing.assert_allclose(value, left.value(lists.scores), rtol=1e-13)  # without the cotangent
    ones = left.grad_and_hess(lists.scores, cotangent=np.ones(sum(SIZES)))
    for actual, expected in zip(ones, left.grad_and_hess(lists.scores), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("reduction", [r for r in REDUCTIONS if r != "none"])
def test_a_scalar_cotangent_scales_the_derivatives(
    name: str, reduction: str, rng: np.random.Generator
) -> None:
    lists = random_lists(rng, SIZES)
    objective = bind(name, lists, reduction=reduction)
    value, grad = objective.value_and_grad(lists.scores)
    value_too, scaled = objective.value_and_grad(lists.scores, cotangent=-2.0)
    assert value_too == pytest.approx(value, rel=1e-13)  # the cotangent is the derivatives' only
    np.testing.assert_array_equal(scaled, -2 * grad)
    hess = objective.grad_and_hess(lists.scores)[1]
    np.testing.assert_array_equal(objective.grad_and_hess(lists.scores, cotangent=4.0)[1], 4 * hess)
    vector = rng.normal(size=len(grad))
    product = objective.hessp(lists.scores, vector)
    np.testing.assert_array_equal(objective.hessp(lists.scores, vector, cotangent=4.0), 4 * product)


def test_temperature_is_a_scale_of_the_scores(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, SIZES)
    for temperature in (0.25, 4.0):  # powers of two: s / T is exact
        value, grad = bind(name, lists, temperature=temperature).value_and_grad(lists.scores)
        scale = 1.0 if name in ALL_PAIRS else temperature
        expected, expected_grad = bind(name, lists).value_and_grad(lists.scores / scale)
        assert value == pytest.approx(expected, rel=1e-14)
        np.testing.assert_allclose(grad, expected_grad / scale, rtol=1e-13, atol=1e-15)


def test_only_the_order_of_labels_matters(name: str, rng: np.random.Generator) -> None:
    if name in ALL_PAIRS or "quantile" in name:
        pytest.skip("this loss uses the label gap")
    lists = random_lists(rng, SIZES)
    left = everything(bind(name, lists), lists.scores)
    for labels in (
        np.exp(lists.labels),
        (lists.labels * 1000).astype(np.int64),
        2 + lists.labels.astype(np.uint8),
    ):
        right = everything(bind(name, replace(lists, labels=labels)), lists.scores)
        for a, b in zip(left, right, strict=True):
            np.testing.assert_array_equal(a, b)


def test_algorithms_agree(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, [700, 10])
    loss = LOSSES[name](reduction="sum")
    direct = loss.bind(lists.labels, offsets=lists.offsets, algorithm="direct")
    auto = loss.bind(lists.labels, offsets=lists.offsets, algorithm="auto")
    assert_close(everything(direct, lists.scores), everything(auto, lists.scores), name, lists)
