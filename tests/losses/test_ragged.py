"""Ragged lists of every shape against the reference, and every way to say where a list begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import DTypeLike

from helpers import LOSSES, REDUCTIONS, bind, check, labels_of
from reference_lists import Lists, pairs_per_list
from strategies import offsets_of, ragged, random_lists, to_padded

pytestmark = pytest.mark.usefixtures("isa")

names = st.sampled_from(sorted(LOSSES))
exact_temperatures = st.sampled_from([0.5, 1.0, 2.0])  # margins stay on the grid, so kinks are exact
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@dtypes
@pytest.mark.parametrize("name", LOSSES)
@given(data=st.data(), lists=ragged(), reduction=st.sampled_from(REDUCTIONS), temperature=exact_temperatures)
def test_equals_the_reference(
    name: str, dtype: DTypeLike, data: st.DataObject, lists: Lists, reduction: str, temperature: float
) -> None:
    n = len(lists.scores)
    small = st.lists(st.integers(-4, 4), min_size=n, max_size=n).map(lambda v: np.array(v, dtype=np.float64))
    cotangent: Any = (
        data.draw(small) if reduction == "none" else data.draw(st.sampled_from([None, 0.5, -3.0]))
    )
    vector = data.draw(small)
    check(
        name,
        lists,
        dtype=dtype,
        reduction=reduction,
        temperature=temperature,
        cotangent=cotangent,
        vector=vector,
    )


@dtypes
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "exponential"])  # e^10000 is infinite
@given(lists=ragged(huge=True), temperature=exact_temperatures)
def test_huge_scores(name: str, dtype: DTypeLike, lists: Lists, temperature: float) -> None:
    """+-1e4: no overflow, no NaN, and the safe path equals the reference."""
    check(name, lists, dtype=dtype, temperature=temperature)


@given(lists=ragged(), name=names)
def test_pairs_per_list(lists: Lists, name: str) -> None:
    counts = bind(name, lists).pairs_per_list
    assert counts.dtype == np.float64
    np.testing.assert_array_equal(counts, pairs_per_list(name, lists))


@given(lists=ragged(min_items=1), name=names, reduction=st.sampled_from(["sum", "mean_over_pairs", "none"]))
def test_every_way_to_give_the_lists(lists: Lists, name: str, reduction: str) -> None:
    """groups == offsets == qid == padded with mask == list by list."""
    sizes = np.diff(lists.offsets)
    if len(sizes) == 0:
        return
    loss = LOSSES[name](reduction=reduction, negative_labels=lists.negative_labels)
    flat = labels_of(lists), lists.scores, lists.sample_weight
    value, grad = loss.value_and_grad(*flat, offsets=lists.offsets)
    qid = np.repeat((np.arange(len(sizes)) * 7 + 3)[::-1], sizes)  # decreasing ids are as good as any
    for form in (
        {"groups": sizes},
        {"groups": sizes.tolist()},
        {"groups": sizes.astype(np.int32)},
        {"offsets": lists.offsets.tolist()},
        {"qid": qid},
        {"qid": qid.tolist()},
    ):
        again, grad_again = loss.value_and_grad(*flat, **form)
        np.testing.assert_array_equal(value, again)
        np.testing.assert_array_equal(grad, grad_again)

    labels, scores, mask, weights = to_padded(lists)
    real = np.arange(mask.shape[1]) < sizes[:, None]
    wide_value, wide_grad = loss.value_and_grad({"labels": labels, "mask": mask}, scores, weights)
    bound = 1e-12 * (np.abs(grad).max(initial=0) + np.abs(value).max(initial=0))
    np.testing.assert_allclose(wide_grad[real], grad, rtol=1e-12, atol=bound)
    if reduction == "none":
        np.testing.assert_allclose(wide_value[real], value, rtol=1e-12, atol=bound)
    else:
        assert wide_value == pytest.approx(value, rel=1e-12, abs=1e-300)

    by_list = LOSSES[name](reduction="sum", negative_labels=lists.negative_labels)
    total = 0.0
    for part in lists.slices:
        y = {"labels": lists.labels[part], "mask": lists.valid[part]}
        total += by_list(y, lists.scores[part], lists.weights[part])
    whole = by_list(*flat, offsets=lists.offsets)
    assert total == pytest.approx(whole, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("sizes", [[], [0], [0, 0, 0], [1], [1, 1], [0, 1, 0], [0, 3, 0, 0, 2, 0]])
def test_empty_lists_and_lists_of_one_item(name: str, sizes: list[int], rng: np.random.Generator) -> None:
    lists = random_lists(rng, sizes)
    for reduction in REDUCTIONS:
        check(name, lists, reduction=reduction)
    value, grad = LOSSES[name](reduction="sum").value_and_grad(lists.labels, lists.scores, groups=sizes)
    assert grad.shape == (sum(sizes),)
    if max(sizes, default=0) < 2:
        assert value == 0.0
        assert not grad.any()


@pytest.mark.parametrize("name", LOSSES)
def test_lists_of_one_item_as_a_column(name: str) -> None:
    """(N, 1) is N lists of one item: nothing to rank."""
    value, grad = LOSSES[name]().value_and_grad(np.ones((4, 1)), np.arange(4.0)[:, None])
    assert value == 0.0
    assert grad.tolist() == [[0.0]] * 4


@pytest.mark.parametrize("name", LOSSES)
def test_one_flat_array_is_one_list(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, [7])
    alone = LOSSES[name](reduction="sum").value_and_grad(lists.labels, lists.scores)
    listed = LOSSES[name](reduction="sum").value_and_grad(lists.labels, lists.scores, groups=[7])
    batch = LOSSES[name](reduction="sum").value_and_grad(lists.labels[None], lists.scores[None])
    assert alone[0] == listed[0] == batch[0]
    np.testing.assert_array_equal(alone[1], listed[1])
    np.testing.assert_array_equal(alone[1][None], batch[1])


@dtypes
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["score", "weight"])
def test_propagate_spoils_one_list_only(
    name: str, dtype: DTypeLike, bad: float, where: str, rng: np.random.Generator
) -> None:
    """nan="propagate": NaN for all valid items of that list, the same bits as ever for the others."""
    sizes = [4, 6, 1, 5, 40]
    for spoiled in (0, 1, 2, 4):
        lists = random_lists(rng, sizes)
        lists = replace(
            lists,
            scores=lists.scores.astype(dtype),
            sample_weight=rng.uniform(0.5, 2, sum(sizes)),
            mask=rng.random(sum(sizes)) < 0.8,
        )
        at = lists.offsets[spoiled]
        lists.mask[at] = True
        clean = _unreduced(name, lists)
        target = lists.scores if where == "score" else lists.sample_weight
        target[at] = bad
        dirty = _unreduced(name, lists)
        inside = np.zeros(sum(sizes), dtype=bool)
        inside[lists.slices[spoiled]] = True
        for left, right in zip(clean, dirty, strict=True):
            np.testing.assert_array_equal(right[~inside], left[~inside])
            assert np.isnan(right[inside & lists.valid]).all()
            assert not right[~lists.valid].any()
        assert np.isnan(bind(name, lists, nan="propagate").value(lists.scores))


def _unreduced(name: str, lists: Lists) -> list[Any]:
    objective = bind(name, lists, reduction="none", nan="propagate")
    vector = np.ones_like(lists.scores)
    vector[::2] = 2
    return [
        *objective.value_and_grad(lists.scores),
        *objective.grad_and_hess(lists.scores),
        objective.grad_and_hess(lists.scores, curvature="positive")[1],
        objective.hessp(lists.scores, vector),
    ]


@pytest.mark.parametrize("name", LOSSES)
def test_a_nan_label_propagates_as_a_nan_score_does(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, [4, 6, 3])
    clean = _unreduced(name, lists)
    lists.labels[5] = np.nan
    dirty = _unreduced(name, lists)
    others = np.array(
        [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    )  # whether item 5 itself is valid, its label does not say
    inside = others[(others >= 4) & (others < 10)]
    outside = others[(others < 4) | (others >= 10)]
    for left, right in zip(clean, dirty, strict=True):
        np.testing.assert_array_equal(right[outside], left[outside])
        assert np.isnan(right[inside]).all()
    assert np.isnan(bind(name, lists, nan="propagate").value(lists.scores))


def test_propagate_and_masked_scores() -> None:
    """A masked NaN is no NaN."""
    y_true = {"labels": [1.0, 0.0, 2.0], "mask": [True, True, False]}
    assert rg.PairwiseHingeLoss(nan="propagate", reduction="sum")(y_true, [0.5, 0.0, np.nan]) == 0.5


def test_many_short_lists_and_a_long_one(rng: np.random.Generator) -> None:
    """Lists of 0 to 3 items by the hundred, and one of 500 among them."""
    sizes = [*rng.integers(0, 4, 150), 500, *rng.integers(0, 4, 150)]
    check("logistic", random_lists(rng, sizes), reduction="mean_over_pairs")
    assert offsets_of(sizes)[-1] == sum(sizes)
