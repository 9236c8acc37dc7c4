"""Batches of lists that are long and have few levels: masks, weights of lists, and a bad number in one of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from reference import Array

LENGTHS = [3000, 2000, 40]


def batch(rng: np.random.Generator) -> dict[str, Array]:
    """The first list has items that do not count; scores, weights and labels of all lists are finite."""
    n = sum(LENGTHS)
    mask = np.ones(n, dtype=bool)
    mask[5 : LENGTHS[0] : 7] = False
    return {
        "labels": rng.integers(0, 4, n).astype(float),
        "mask": mask,
        "scores": rng.normal(size=n),
        "vector": rng.normal(size=n),
        "per_list": rng.uniform(0.5, 2, (len(LENGTHS), 1)),
        "per_item": rng.uniform(0.5, 2, n),
    }


def results(x: dict[str, Array], weights: str, algorithm: str) -> list[Any]:
    """Unreduced values, gradient, Hessian and the Hessian times a vector."""
    loss = rg.PairwiseLogisticLoss(reduction="none", nan="propagate")
    labels = {"labels": x["labels"], "mask": x["mask"]}
    objective = loss.bind(labels, x[weights], groups=LENGTHS, algorithm=algorithm)
    values, grad = objective.value_and_grad(x["scores"])
    return [values, grad, objective.grad_and_hess(x["scores"])[1], objective.hessp(x["scores"], x["vector"])]


@pytest.mark.parametrize("weights", ["per_list", "per_item"])
def test_the_near_linear_sums_are_those_of_pairs(weights: str, rng: np.random.Generator) -> None:
    x = batch(rng)
    for fast, direct in zip(results(x, weights, "fast"), results(x, weights, "direct"), strict=True):
        assert not fast[~x["mask"]].any()
        np.testing.assert_allclose(fast, direct, rtol=1e-10, atol=1e-10 * np.abs(direct).max())


@pytest.mark.parametrize("what", ["scores", "vector", "labels", "per_list", "per_item"])
@pytest.mark.parametrize("list_index", [0, 1])
def test_a_bad_number_spoils_its_list_alone(what: str, list_index: int, rng: np.random.Generator) -> None:
    x = batch(rng)
    weights = "per_list" if what == "per_list" else "per_item"
    good = results(x, weights, "fast")
    first = sum(LENGTHS[:list_index])
    x[what][list_index if what == "per_list" else first + 11] = np.nan
    bad = results(x, weights, "fast")
    own = np.zeros(len(x["mask"]), dtype=bool)
    own[first : first + LENGTHS[list_index]] = True
    for before, after, derivative in zip(good, bad, ("value", "grad", "hess", "hessp"), strict=True):
        assert np.array_equal(before[~own], after[~own])
        assert not after[own & ~x["mask"]].any()
        spoilt = derivative == "hessp" if what == "vector" else True
        if derivative == "value" and what == "per_item":  # values are multiplied item by item
            assert np.isnan(after[first + 11])
        else:
            assert np.isnan(after[own & x["mask"]]).all() == spoilt


@pytest.mark.parametrize("what", ["weights", "vector"])
@pytest.mark.parametrize("loss", [rg.SoftmaxLoss, rg.ListMLELoss, rg.ApproxNDCGLoss])
def test_a_bad_argument_spoils_its_list_of_a_listwise_loss(
    loss: Any, what: str, rng: np.random.Generator
) -> None:
    x = batch(rng)

    def derivatives() -> list[Any]:
        objective = loss(reduction="sum", nan="propagate").bind(x["labels"], x["per_list"], groups=LENGTHS)
        grad, hess = objective.grad_and_hess(x["scores"])
        return [grad, hess, objective.hessp(x["scores"], x["vector"])]

    good = derivatives()
    x["per_list" if what == "weights" else what][1] = np.inf
    spoilt = slice(LENGTHS[0], LENGTHS[0] + LENGTHS[1]) if what == "weights" else slice(LENGTHS[0])
    for k, (before, after) in enumerate(zip(good, derivatives(), strict=True)):
        bad = np.zeros(len(after), dtype=bool)
        bad[spoilt] = what == "weights" or k == 2
        assert np.isnan(after[bad]).all()
        assert np.array_equal(after[~bad], before[~bad])


@pytest.mark.parametrize("label", [np.nan, np.inf])
@pytest.mark.parametrize(
    "loss", [rg.SoftmaxLoss, rg.ListMLELoss, rg.ApproxNDCGLoss, rg.PairwiseMeanSquaredError]
)
def test_bad_labels_spoil_their_lists(loss: Any, label: float, rng: np.random.Generator) -> None:
    """The first and the last list; for ListMLE an infinite label is the best of all."""
    x = batch(rng)
    labels = x["labels"].copy()
    labels[[7, -3]] = label
    with pytest.raises(ValueError, match=r"labels \(y_true\): .*index 7"):
        loss().bind(np.where(labels == np.inf, np.nan, labels), groups=LENGTHS)
    if label == np.inf and loss is rg.ListMLELoss:
        finite = np.where(labels == np.inf, 9, labels)
        assert loss()(labels, x["scores"], groups=LENGTHS) == loss()(finite, x["scores"], groups=LENGTHS)
        return
    with pytest.raises(ValueError, match=r"labels \(y_true\): .*index 7"):
        loss().bind(labels, groups=LENGTHS)
    options: dict[str, Any] = {"reduction": "sum", "nan": "propagate"}
    good = loss(**options).value_and_grad(x["labels"], x["scores"], groups=LENGTHS)[1]
    grad = loss(**options).value_and_grad(labels, x["scores"], groups=LENGTHS)[1]
    second = slice(LENGTHS[0], LENGTHS[0] + LENGTHS[1])
    assert np.array_equal(grad[second], good[second])
    assert np.isnan(grad[: LENGTHS[0]]).all()
    assert np.isnan(grad[-LENGTHS[2] :]).all()


@pytest.mark.parametrize("labels", [[5, 3, 2, 1], [5, 1, 2, 3]])
def test_the_first_bad_score_by_position(labels: list[int]) -> None:
    """Whatever the order of the labels; what is masked does not count."""
    y_true = {"labels": labels, "mask": [False, True, True, True]}
    with pytest.raises(ValueError, match="infinity at index 1;"):
        rg.PairwiseHingeLoss()(y_true, [np.nan, np.inf, 0.0, np.nan])
