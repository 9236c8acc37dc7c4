"""Pair weights: every loss with every weight against the reference, other libraries' values, derivatives and laws."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st

import reference
from golden_files import load
from helpers import LOSSES, PADDING_PROOF, REDUCTIONS, bind, check
from reference import Array
from reference_lists import Lists
from strategies import offsets_of, ragged, random_lists, to_padded
from test_derivatives import STEP, along, away_from_kinks, central_difference, close

pytestmark = pytest.mark.usefixtures("isa")

TABLE = (0.0, 3.0, 1.0, 7.5, 5.0)  # gains need not rise with the labels

#: name -> the weight and what makes the reference's matrix
WEIGHTS: dict[str, tuple[Any, Any]] = {
    "label difference": (rg.LabelDifferenceWeight(), reference.label_difference_weight),
    **{
        str(options): (rg.NDCGWeight(**options), partial(reference.ndcg_weight, **options))
        for options in (
            {},
            {"k": 3},
            {"gain": "linear", "normalize": False},
            {"gain": TABLE, "k": 40},
            {"truncation": 2},
            {"truncation": 30, "normalize": False},
        )
    },
}
NDCG = [name for name in WEIGHTS if name != "label difference"]


@pytest.fixture(params=WEIGHTS)
def weight(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return WEIGHTS[request.param]


# --- against the reference ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_takes_every_weight(
    name: str, dtype: Any, weight: tuple[Any, Any], rng: np.random.Generator
) -> None:
    """Lists that are ranked by counting and by sorting, with tied scores."""
    lists = random_lists(rng, [6, 0, 1, 47, 130, 250], spread=1.0)
    lists = replace(
        lists, scores=np.round(lists.scores * 64) / 64, sample_weight=rng.random(len(lists.scores))
    )
    vector = np.round(rng.normal(size=len(lists.scores)) * 8) / 8
    options = {"lambda_weight": weight[0], "pair_weight": weight[1], "temperature": 0.5}
    check(name, lists, dtype=dtype, vector=vector, **options)


@given(data=st.data())
def test_hypothesis_lists(data: st.DataObject) -> None:
    """Masks, ignored and negative labels, all kinds of sample weights, reductions and cotangents."""
    lists = data.draw(ragged())
    name = data.draw(st.sampled_from(list(LOSSES)))
    lambda_weight, pair_weight = WEIGHTS[
        data.draw(
            st.sampled_from([w for w in WEIGHTS if str(TABLE) not in w or lists.negative_labels != "use"])
        )
    ]
    reduction = data.draw(st.sampled_from(REDUCTIONS))
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    cotangent = 2.0 if reduction != "none" else np.linspace(-1, 2, len(lists.scores))
    options = {"lambda_weight": lambda_weight, "pair_weight": pair_weight, "cotangent": cotangent}
    check(name, lists, dtype=dtype, reduction=reduction, **options)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_wide_scores(dtype: Any, weight: tuple[Any, Any], rng: np.random.Generator) -> None:
    """Beyond what exponentials of single scores can hold in float32, and in float64."""
    for spread in (60.0, 3000.0):
        lists = random_lists(rng, [40], spread=spread)
        lists = replace(lists, scores=np.round(lists.scores))
        for name in ("logistic", "soft_zero_one", "hinge"):
            check(name, lists, dtype=dtype, lambda_weight=weight[0], pair_weight=weight[1])


def test_gains_beyond_the_range_of_float32(rng: np.random.Generator) -> None:
    """2^y of labels from 0 to 1000 in one list; real labels too."""
    for y in (rng.integers(0, 1000, 60).astype(np.float64), rng.random(60) * 30):
        lists = Lists(y, rng.normal(size=60), np.array([0, 60]))
        for dtype in (np.float64, np.float32):
            check(
                "logistic",
                lists,
                dtype=dtype,
                lambda_weight=rg.NDCGWeight(),
                pair_weight=reference.ndcg_weight,
            )


def test_neighbouring_ranks_far_down_keep_their_digits_in_float32() -> None:
    """The discounts of ranks 2000 and 2001 differ by 5e-6: float32 alone would know that to 3 digits."""
    n = 2100
    labels, scores = np.zeros(n), -np.arange(n) / 64
    labels[2000] = 1
    lists = Lists(labels, scores, np.array([0, n]), mask=np.isin(np.arange(n), [*range(2000), 2000, 2001]))
    mask = lists.mask
    assert mask is not None
    mask[:2000] = True
    options = {"lambda_weight": rg.NDCGWeight(normalize=False), "reduction": "none"}
    loss = rg.PairwiseHingeLoss(**options)
    grad = loss.bind({"labels": labels, "mask": mask}, algorithm="direct").value_and_grad(
        scores.astype(np.float32)
    )[1]
    gap = 1 / np.log2(2002.0) - 1 / np.log2(2003.0)
    assert grad[2001] == pytest.approx(gap, rel=1e-6)


# --- other libraries' values --------------------------------------------------------------------------

RAX = load("rax_lambda_weights.json")
RAX_CLASSES = {"pairwise_logistic_loss": rg.PairwiseLogisticLoss, "pairwise_hinge_loss": rg.PairwiseHingeLoss}


def rax_weight(name: str, options: dict[str, Any]) -> Any:
    if name == "labeldiff_lambdaweight":
        return rg.LabelDifferenceWeight()
    return rg.NDCGWeight(k=options.get("topn"), normalize=options.get("normalize", False))


@pytest.mark.parametrize(
    "case", [c for c in RAX if "output_flat_pairs" not in c], ids=lambda c: c.get("name", "")
)
def test_rax(case: dict[str, Any]) -> None:
    """Rax multiplies its DCG weights by the padded length of the lists, which is left out here."""
    name = case.get("lambdaweight_fn") or case["lambdaweight"]
    labels, scores = np.array(case["labels"]), np.array(case["scores"])
    factor = scores.shape[-1] if name == "dcg_lambdaweight" else 1
    reduction = {"sum": "sum", "mean": "mean_over_pairs"}[case.get("reduction") or case["reduce"]]
    loss = RAX_CLASSES[case.get("loss") or case["fn"]](
        reduction=reduction, lambda_weight=rax_weight(name, case.get("lw_kwargs", {}))
    )
    y_true = labels if case.get("where") is None else {"labels": labels, "mask": np.array(case["where"])}
    value, grad = loss.value_and_grad(y_true, scores)
    assert value * factor == pytest.approx(case.get("value", case.get("output")), rel=1e-12)
    np.testing.assert_allclose(grad * factor, case["grad"], rtol=1e-10, atol=1e-13)
    if "hess_diag" in case:
        np.testing.assert_allclose(
            loss.grad_and_hess(y_true, scores)[1] * factor, case["hess_diag"], rtol=1e-10
        )


def test_the_pair_weights_of_rax() -> None:
    (case,) = (c for c in RAX if "output_flat_pairs" in c)
    for labels, scores, flat in zip(case["labels"], case["scores"], case["output_flat_pairs"], strict=True):
        weights = np.array(flat).reshape(len(labels), -1) / len(labels)
        options = {"k": case["kwargs"]["topn"], "normalize": case["kwargs"]["normalize"]}
        y, s = np.array(labels), np.array(scores)
        np.testing.assert_allclose(reference.ndcg_weight(y, s, **options), weights, rtol=1e-12)
        # hinge of scores so close that it is 1 for each pair, in the same order
        close_scores = s * 2.0**-60
        loss = rg.PairwiseHingeLoss(reduction="none", lambda_weight=rg.NDCGWeight(**options))
        np.testing.assert_allclose(loss(y, close_scores), (weights * (y[:, None] > y)).sum(1), rtol=1e-12)


# --- derivatives --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
def test_derivatives_with_the_weights_held_constant(
    name: str, weight: tuple[Any, Any], rng: np.random.Generator
) -> None:
    """Steps so small that no two scores change places leave the ranks and so the weights as they are."""
    lists = away_from_kinks(random_lists(rng, [7, 12], levels=4), 0.5, rng)
    for part in lists.slices:
        assert np.diff(np.sort(lists.scores[part])).min() > 4 * STEP
    objective = bind(name, lists, temperature=0.5, lambda_weight=weight[0])
    grad, hess = objective.grad_and_hess(lists.scores)
    scale = max(1.0, np.abs(grad).max(), np.abs(hess).max())
    n = len(lists.scores)
    for k in range(n):
        at = along(lists.scores, np.eye(n)[k])
        close(grad[k], central_difference(lambda t, at=at: objective.value(at(t))), scale)
        close(hess[k], central_difference(lambda t, at=at, k=k: objective.value_and_grad(at(t))[1][k]), scale)
    matrix = np.stack([objective.hessp(lists.scores, row) for row in np.eye(n)])
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_allclose(np.diag(matrix), hess, rtol=1e-11, atol=1e-12 * scale)
    assert np.abs(objective.hessp(lists.scores, np.ones(n))).max() <= 1e-12 * scale


# --- laws ---------------------------------------------------------------------------------------------


def results(objective: Any, scores: Array) -> list[Array]:
    return [np.asarray(objective.value(scores)), *objective.grad_and_hess(scores, curvature="positive")]


@pytest.mark.parametrize("name", LOSSES)
def test_laws(name: str, weight: tuple[Any, Any], rng: np.random.Generator) -> None:
    """Shifts, permutations (no ties), splitting into lists, and linear sample weights."""
    sizes = [5, 33, 1, 2, 100]
    lists = random_lists(rng, sizes)
    lists = replace(
        lists, scores=np.round(lists.scores * 2**20) / 2**20, sample_weight=rng.random(sum(sizes))
    )
    here = bind(name, lists, lambda_weight=weight[0])
    value, grad, hess = results(here, lists.scores)
    for part in lists.slices:
        assert len(np.unique(lists.scores[part])) == part.stop - part.start
        assert abs(grad[part].sum()) <= 1e-12 * np.abs(grad[part]).sum()
    near = {"rtol": 1e-11, "atol": 1e-12 * max(1.0, np.abs(grad).max(), np.abs(hess).max())}
    for a, b in zip((value, grad, hess), results(here, lists.scores + 16), strict=True):
        np.testing.assert_allclose(b, a, **near)
    order = np.concatenate([part.start + rng.permutation(part.stop - part.start) for part in lists.slices])
    moved = bind(
        name,
        replace(lists, labels=lists.labels[order], sample_weight=np.asarray(lists.sample_weight)[order]),
        lambda_weight=weight[0],
    )
    other = results(moved, lists.scores[order])
    np.testing.assert_allclose(other[0], value, **near)
    np.testing.assert_allclose(other[1], grad[order], **near)
    np.testing.assert_allclose(other[2], hess[order], **near)
    total = 0.0
    for part in lists.slices:
        alone = Lists(lists.labels[part], lists.scores[part], np.array([0, part.stop - part.start]))
        alone = replace(alone, sample_weight=np.asarray(lists.sample_weight)[part])
        v, g, h = results(bind(name, alone, lambda_weight=weight[0]), alone.scores)
        total += float(v)
        assert np.array_equal(g, grad[part])
        assert np.array_equal(h, hess[part])
    assert total == pytest.approx(float(value), rel=1e-12)
    double = bind(
        name, replace(lists, sample_weight=2 * np.asarray(lists.sample_weight)), lambda_weight=weight[0]
    )
    assert np.array_equal(results(double, lists.scores)[1], 2 * grad)


@pytest.mark.parametrize("reduction", PADDING_PROOF)
def test_padding_is_invisible(reduction: str, weight: tuple[Any, Any], rng: np.random.Generator) -> None:
    lists = random_lists(rng, [3, 8, 1, 6])
    loss = rg.PairwiseLogisticLoss(reduction=reduction, lambda_weight=weight[0])
    value, grad = loss.value_and_grad(lists.labels, lists.scores, offsets=lists.offsets)
    labels, scores, mask, _ = to_padded(lists, width=40, fill=1e9)
    wide, wide_grad = loss.value_and_grad({"labels": np.where(mask, labels, 0), "mask": mask}, scores)
    assert wide == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(wide_grad[mask], grad, rtol=1e-12, atol=1e-14)
    assert not wide_grad[~mask].any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_same_bits_for_any_number_of_threads(
    dtype: Any, weight: tuple[Any, Any], rng: np.random.Generator
) -> None:
    sizes = [3, 2500, 0, 400, 1, 90, 1500, 700]
    lists = random_lists(rng, sizes)
    scores = lists.scores.astype(dtype)
    objective = bind("logistic", lists, lambda_weight=weight[0])
    value, grad = objective.value_and_grad(scores, n_threads=1)
    for n_threads in (2, 3, 8):
        again, same = objective.value_and_grad(scores, n_threads=n_threads)
        assert again == value
        assert np.array_equal(same, grad)


def test_swapping_two_items_changes_ndcg_by_the_weight(rng: np.random.Generator) -> None:
    """The hinge of two scores next to each other is 1: the gradient of a list of two levels is made of the weights."""
    y, s = rng.integers(0, 4, 12), rng.permutation(12).astype(np.float64)
    for k in (None, 5):
        weights = reference.ndcg_weight(y.astype(np.float64), s, k=k)
        before = rg.ndcg(y, s, k=k)
        for i, j in ((0, 1), (3, 7), (2, 11)):
            swapped = s.copy()
            swapped[[i, j]] = s[[j, i]]
            assert abs(rg.ndcg(y, swapped, k=k) - before) == pytest.approx(weights[i, j], abs=1e-14)


def test_ties_are_ranked_in_the_order_of_the_input() -> None:
    loss = rg.PairwiseLogisticLoss(reduction="sum", lambda_weight=rg.NDCGWeight(normalize=False))
    gap = 1 - 1 / np.log2(3.0)
    assert loss([0, 1], [5.0, 5.0]) == pytest.approx(gap * np.log(2.0))
    for n in (40, 400):  # counted, sorted
        y = np.arange(n) % 3
        check(
            "hinge",
            Lists(y, np.zeros(n), offsets_of([n])),
            lambda_weight=rg.NDCGWeight(),
            pair_weight=partial(reference.ndcg_weight),
        )


def test_lists_without_gain() -> None:
    """No ideal DCG: weight 0. Equal gains: weight 0."""
    for weight, y in (
        (rg.NDCGWeight(gain=[0, 0, 0]), [0, 1, 2]),
        (rg.NDCGWeight(gain="linear"), [-1.0, -2.0, -3.0]),
    ):
        loss = rg.PairwiseLogisticLoss(reduction="sum", lambda_weight=weight, negative_labels="use")
        value, grad = loss.value_and_grad(y, [0.3, 0.1, 0.2])
        assert value == 0
        assert not grad.any()


# --- the records --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 0}, ValueError, "k: .* from 1"),
        ({"k": -3}, ValueError, "k: .* from 1"),
        ({"k": 2.5}, TypeError, "k: a whole number"),
        ({"k": True}, TypeError, "k: a whole number"),
        ({"truncation": 0}, ValueError, "truncation: .* from 1"),
        ({"truncation": -1}, ValueError, "truncation: .* from 1"),
        ({"truncation": "30"}, TypeError, "truncation: a whole number"),
        ({"gain": "log"}, ValueError, "gain"),
        ({"gain": [0, np.nan]}, ValueError, "gain"),
        ({"gain": [0, np.inf]}, ValueError, "gain"),
        ({"gain": []}, ValueError, "gain"),
        ({"gain": [[0, 1]]}, ValueError, "gain"),
        ({"normalize": "yes"}, TypeError, "normalize"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rg.NDCGWeight(**options)


def test_labels_without_a_gain_are_named() -> None:
    loss = rg.PairwiseHingeLoss(lambda_weight=rg.NDCGWeight(gain=[0, 1, 3]))
    with pytest.raises(ValueError, match=r"labels.*index 2.*holds 3, but gain knows the labels 0 to 2"):
        loss([0, 1, 3], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match=r"holds 0.5, but gain knows"):
        loss([0, 0.5], [0.1, 0.2])
    with pytest.raises(ValueError, match=r"gain of the label at index 1 .*not finite"):
        rg.PairwiseHingeLoss(lambda_weight=rg.NDCGWeight())([0, 2000], [0.1, 0.2])
    assert loss({"labels": [0, 9, 1], "mask": [1, 0, 1]}, [0.1, 0.2, 0.3]) > 0  # masked: never matters


def test_a_weight_is_a_weight() -> None:
    for wrong in ("ndcg", 3, rg.NDCGWeight):
        with pytest.raises(TypeError, match="lambda_weight"):
            rg.PairwiseHingeLoss(lambda_weight=wrong)
    with pytest.raises(TypeError):
        rg.PairwiseHingeLoss(1.0, rg.NDCGWeight())


@pytest.mark.parametrize("name", WEIGHTS)
def test_records(name: str) -> None:
    """Equality, hash, pickle, repr and keras-rs's configuration as plain data."""
    weight = WEIGHTS[name][0]
    loss = rg.PairwiseQuantileLoss(tau=0.3, lambda_weight=weight)
    assert pickle.loads(pickle.dumps(loss)) == loss
    assert hash(replace(loss)) == hash(loss)
    assert loss != replace(loss, lambda_weight=None)
    config = json.loads(json.dumps(loss.get_config()))
    assert rg.PairwiseQuantileLoss.from_config(config) == loss
    assert eval(repr(weight), {**vars(rg)}) == weight
    with pytest.raises(ValueError, match="lambda_weight"):
        rg.PairwiseHingeLoss.from_config({"lambda_weight": {"class_name": "Other"}})


def test_nan_scores_make_one_list_nan() -> None:
    loss = rg.PairwiseLogisticLoss(reduction="sum", nan="propagate", lambda_weight=rg.NDCGWeight())
    grad = loss.value_and_grad([0, 1, 0, 1], [0.0, np.nan, 0.5, 0.1], groups=[2, 2])[1]
    assert np.isnan(grad[:2]).all()
    assert np.isfinite(grad[2:]).all()
    labels = np.array([0, np.nan, 0, 1])
    grad = loss.value_and_grad(labels, [0.0, 1.0, 0.5, 0.1], groups=[2, 2])[1]
    assert np.isnan(grad[:2]).all()
    np.testing.assert_array_equal(grad[2:], loss.value_and_grad([0, 1], [0.5, 0.1])[1])


@pytest.mark.parametrize("largest", [1.0, 1e-318])
def test_ranks_of_scores_that_are_hard_to_sort(largest: float, rng: np.random.Generator) -> None:
    """Ranks of a long list decide the weights, also where nearly all differences are subnormal."""
    n = 140_000
    order = rng.permutation(n)
    scores = order * 5e-324
    scores[order == n - 1] = largest
    y = rng.integers(0, 3, n)
    objective = rg.PairwiseLogisticLoss(lambda_weight=rg.NDCGWeight(), reduction="sum").bind(y)
    grad = objective.value_and_grad(np.where(order == n - 1, max(largest, n * 1e-12), order * 1e-12))[1]
    np.testing.assert_allclose(objective.value_and_grad(scores)[1], grad, rtol=1e-5, atol=1e-12)


def test_labels_that_only_the_gains_bring_into_float32() -> None:
    """Gains are divided by the largest, the gaps between labels are not."""
    loss = rg.PairwiseQuantileLoss(reduction="sum", lambda_weight=rg.LabelDifferenceWeight())
    labels, scores = [0, 2.0**130, 2.0**131, 3], np.array([0.5, 1.0, -2.0, 4.0])
    value = loss(labels, scores)
    assert np.isfinite(value)
    assert loss(labels, scores.astype(np.float32)) == value


def test_labels_that_a_table_of_gains_does_not_know() -> None:
    weight = rg.NDCGWeight(gain=[0, 1, 3])
    loss = rg.PairwiseLogisticLoss(
        reduction="none", negative_labels="use", nan="propagate", lambda_weight=weight
    )
    for label in (-1, 3, 0.5):
        with pytest.raises(ValueError, match=f"index 1 .*holds {label}, but gain knows the labels 0 to 2"):
            loss([0, label, 2], [1.0, 2.0, 3.0], groups=[2, 1])
    values = loss([0, np.nan, 2, 0], [1.0, 2.0, 3.0, 4.0], groups=[2, 2])
    assert np.isnan(values[:2]).all()
    assert values[2:].tolist() == loss([2, 0], [3.0, 4.0]).tolist()


def test_float32_scores_too_far_apart_for_float32() -> None:
    loss = rg.PairwiseLogisticLoss(reduction="sum", lambda_weight=rg.NDCGWeight())
    objective, scores = loss.bind([0, 1, 2, 2], algorithm="direct"), np.array([-100, 200, 0.5, 1])
    value, grad = objective.value_and_grad(scores.astype(np.float32))
    assert value == objective.value(scores)
    np.testing.assert_allclose(grad, objective.value_and_grad(scores)[1], rtol=1e-6, atol=1e-44)
