"""`ranking_softmax_loss` against braintools (see goldens/data/README.md) and its own laws."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from golden_files import array, load

pytestmark = pytest.mark.usefixtures("isa")

CASES = load("braintools_documented.json") + load("braintools_ranking_softmax.json")


def keywords(case: dict[str, Any]) -> dict[str, Any]:
    given = dict(case["kwargs"])
    if given.get("reduce_fn") == "max":
        given["reduce_fn"] = np.max
    for name in ("where", "weights"):
        if name in given:
            given[name] = np.array(given[name])
    return given


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_braintools(case: dict[str, Any]) -> None:
    """Executed in float32; documented float64 values to 1e-12. A custom `reduce_fn` has no gradient here."""
    logits, labels = array(case["logits"], np.float32), array(case["labels"], np.float32)
    options = keywords(case)
    if "error" in case:
        with pytest.raises(ValueError, match=r"reduction|labels"):
            rg.ranking_softmax_loss(logits, labels, **options)
        return
    value = rg.ranking_softmax_loss(logits, labels, **options)
    assert list(np.shape(value)) == case["shape"]
    np.testing.assert_allclose(value, array(case["output"]), rtol=1e-6, atol=1e-6)
    if case.get("float64") is not None:
        exact = rg.ranking_softmax_loss(array(case["logits"]), array(case["labels"]), **options)
        assert exact == pytest.approx(case["float64"], rel=1e-12)
    if case["name"] == "max":
        with pytest.raises(ValueError, match="reduce_fn"):
            rg.ranking_softmax_loss.value_and_grad(logits, labels, **options)
        return
    same, grad = rg.ranking_softmax_loss.value_and_grad(logits, labels, **options)
    np.testing.assert_array_equal(same, value)
    assert grad.dtype == np.float32
    np.testing.assert_allclose(grad, array(case["grad"]).reshape(grad.shape), rtol=1e-5, atol=1e-6)


def test_any_rank_and_broadcasting(rng: np.random.Generator) -> None:
    logits, labels = rng.normal(size=(2, 3, 5)), rng.integers(0, 3, (3, 5)).astype(float)
    where, weights = rng.random((2, 3, 5)) < 0.7, rng.random((2, 1, 1))
    options = {"where": where, "weights": weights}
    values = rg.ranking_softmax_loss(logits, labels, **options, reduction="none")
    assert values.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        y = {"labels": labels[j], "mask": where[i, j]}
        want = rg.SoftmaxLoss(reduction="sum")(y, logits[i, j]) * weights[i, 0, 0]
        assert values[i, j] == pytest.approx(want, rel=1e-14)
    assert rg.ranking_softmax_loss(logits, labels, **options) == pytest.approx(values[where.any(-1)].mean())
    value, grad = rg.ranking_softmax_loss.value_and_grad(logits, labels, **options, reduction="sum")
    assert value == pytest.approx(values.sum(), rel=1e-14)
    objective = rg.ranking_softmax_loss.bind(labels, **options, reduction="sum")
    np.testing.assert_array_equal(objective.value_and_grad(logits)[1], grad)


def test_derivatives_of_broadcast_logits(rng: np.random.Generator) -> None:
    """One list of logits for many lists of labels: the derivatives are sums over them."""
    logits, labels = rng.normal(size=4), rng.integers(0, 3, (6, 4))
    grad, hess = rg.ranking_softmax_loss.grad_and_hess(logits, labels, reduction="sum")
    whole, whole_hess = rg.ranking_softmax_loss.grad_and_hess(
        np.tile(logits, (6, 1)), labels, reduction="sum"
    )
    np.testing.assert_allclose(grad, whole.sum(0), rtol=1e-13)
    np.testing.assert_allclose(hess, whole_hess.sum(0), rtol=1e-13)
    column = rg.ranking_softmax_loss.value_and_grad(logits[None], labels, reduction="sum")[1]
    np.testing.assert_array_equal(column, grad[None])


def test_reduce_fn() -> None:
    logits, labels = np.array([[1.0, 2.0], [0.0, 3.0], [5.0, 5.0]]), np.array([[1.0, 0], [0, 1], [1, 1]])
    where = np.array([[True, True], [True, True], [False, False]])
    values = rg.ranking_softmax_loss(logits, labels, where=where, reduce_fn=None)
    assert values[2] == 0
    mean = rg.ranking_softmax_loss(logits, labels, where=where)
    assert mean == pytest.approx(values[:2].mean(), rel=1e-15)
    for same in (functools.partial(np.mean), lambda v: sum(v) / len(v)):
        assert rg.ranking_softmax_loss(logits, labels, where=where, reduce_fn=same) == pytest.approx(mean)
    assert rg.ranking_softmax_loss(logits, labels, where=where, reduce_fn=np.sum) == pytest.approx(2 * mean)
    assert rg.ranking_softmax_loss(logits, labels, where=where, reduce_fn=np.min) == values[:2].min()
    assert rg.ranking_softmax_loss(logits, labels, reduction="sum", reduce_fn=np.min) > values.sum() - 1e-12
    grad = rg.ranking_softmax_loss.value_and_grad(logits, labels, where=where)[1]
    np.testing.assert_array_equal(
        grad, rg.ranking_softmax_loss.value_and_grad(logits, labels, where=where, reduction="mean")[1]
    )


def test_refusals() -> None:
    one = np.array([1.0, 2.0])
    with pytest.raises(TypeError, match="logits: floating-point"):
        rg.ranking_softmax_loss(np.array([1, 2]), one)
    with pytest.raises(ValueError, match="where: booleans"):
        rg.ranking_softmax_loss(one, one, where=np.array([1, 0]))
    with pytest.raises(ValueError, match="list_size"):
        rg.ranking_softmax_loss(np.float64(1.0), one)
    with pytest.raises(ValueError, match="do not broadcast"):
        rg.ranking_softmax_loss(one, np.ones(3))
    with pytest.raises(ValueError, match="lists of 2 items"):
        rg.ranking_softmax_loss(np.ones((2, 1)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"NaN at index 0"):
        rg.ranking_softmax_loss(np.array([np.nan, 1.0]), one, nan="raise")
    with pytest.raises(ValueError, match="weights: NaN"):
        rg.ranking_softmax_loss(one, one, weights=np.array([np.nan, 1.0]), nan="raise")
    with pytest.raises(TypeError, match="reduce_fn"):
        rg.ranking_softmax_loss(one, one, reduce_fn="max")
    assert repr(rg.ranking_softmax_loss) == "<function rankgrad.ranking_softmax_loss>"
