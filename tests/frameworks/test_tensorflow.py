"""TensorFlow: tensors in, tensors out, under a tape and in a function. `nox -s tensorflow` has it installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

tf = pytest.importorskip("tensorflow", reason="tensorflow is not installed")

RNG = np.random.default_rng(7)
LABELS, SCORES = RNG.integers(-1, 4, (3, 6)), RNG.normal(size=(3, 6))
LOSSES = {
    name: getattr(rg, name)()
    for name in rg.__all__
    if isinstance(getattr(rg, name), type) and issubclass(getattr(rg, name), rg._loss.RankingLoss)
} | {"delta NDCG": rg.PairwiseLogisticLoss(0.7, lambda_weight=rg.NDCGWeight(k=3))}


@pytest.fixture(params=["eager", "function"])
def run(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return tf.function if request.param == "function" else lambda f: f


def gradient(f: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = f(x)
    return value, tape.gradient(value, x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient_are_numpys(name: str, dtype: str, run: Callable[[Any], Any]) -> None:
    loss, s = LOSSES[name], SCORES.astype(dtype)
    value, grad = run(lambda x: gradient(lambda x: loss(LABELS, x), x))(tf.constant(s))
    want, want_grad = loss.value_and_grad(LABELS, s)
    assert value.dtype.name == dtype
    np.testing.assert_allclose(value.numpy(), want, rtol=1e-6 if dtype == "float32" else 1e-15)
    np.testing.assert_array_equal(grad.numpy(), want_grad)


@pytest.mark.parametrize("name", ["PairwiseHingeLoss", "SoftmaxLoss", "SigmoidCrossEntropyLoss"])
def test_unreduced_values(name: str, run: Callable[[Any], Any]) -> None:
    loss = replace(LOSSES[name], reduction=None)
    value, grad = run(lambda x: gradient(lambda x: loss(LABELS, x) ** 2, x))(tf.constant(SCORES))
    want = loss(LABELS, SCORES)
    np.testing.assert_allclose(value.numpy(), want**2, rtol=1e-14)
    np.testing.assert_allclose(
        grad.numpy(), loss.value_and_grad(LABELS, SCORES, cotangent=2 * want)[1], rtol=1e-12
    )


def test_second_derivative(run: Callable[[Any], Any]) -> None:
    loss, v = LOSSES["PairwiseLogisticLoss"], RNG.normal(size=(3, 6))

    def product(x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            slope = tf.reduce_sum(gradient(lambda x: loss(LABELS, x), x)[1] * v)
        return tape.gradient(slope, x)

    np.testing.assert_allclose(
        run(product)(tf.constant(SCORES)).numpy(), loss.bind(LABELS).hessp(SCORES, v), rtol=1e-12
    )
    rows = replace(loss, reduction=None)
    with pytest.raises(NotImplementedError, match="second derivative"):
        twice(rows)


def twice(loss: Any) -> Any:
    with tf.GradientTape() as tape:
        x = tf.constant(SCORES)
        tape.watch(x)
        slope = gradient(lambda x: loss(LABELS, x), x)[1]
    return tape.gradient(slope, x)


def test_labels_weights_and_lists_as_tensors(run: Callable[[Any], Any]) -> None:
    loss, flat, sizes = rg.SoftmaxLoss(reduction="none"), SCORES.ravel(), np.array([4, 0, 14])
    y, w = np.abs(LABELS.ravel()), RNG.random((3, 1))

    @run
    def values(y: Any, s: Any, w: Any, sizes: Any) -> Any:
        return gradient(lambda s: loss(y, s, w, groups=sizes), s)

    got = values(*map(tf.constant, (y, flat, w, sizes)))
    want = loss.value_and_grad(y, flat, w, groups=sizes)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-12)


def test_batches_of_unknown_size() -> None:
    loss = rg.ListMLELoss(reduction="none")
    y, s = np.abs(LABELS).astype(np.float64), SCORES

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float64)] * 2)
    def gradients(y: Any, s: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(s)
            value = tf.reduce_sum(loss(y, s) * [1.0, 5.0, 2.0])
        return value, tape.gradient(value, s)

    value, grad = gradients(y, s)
    want = loss.value_and_grad(y, s, cotangent=[1.0, 5.0, 2.0])
    np.testing.assert_allclose(value.numpy(), want[0] @ [1.0, 5.0, 2.0], rtol=1e-12)
    np.testing.assert_allclose(grad.numpy(), want[1], rtol=1e-12)


def test_objectives_implicit_losses_softmax_and_metrics(run: Callable[[Any], Any]) -> None:
    s, objective = tf.constant(SCORES), LOSSES["PairwiseLogisticLoss"].bind(LABELS)
    calls: list[tuple[Callable[[Any], Any], Any]] = [
        (lambda x: gradient(objective.value, x)[1], objective.value_and_grad(SCORES)[1]),
        (lambda x: objective.hessp(x, SCORES), objective.hessp(SCORES, SCORES)),
        (lambda x: objective.grad_and_hess(x)[1], objective.grad_and_hess(SCORES)[1]),
        (lambda x: rg.warp_loss.value_and_grad(x[0], x[1:], num_items=9)[1][1],
         rg.warp_loss.value_and_grad(SCORES[0], SCORES[1:], num_items=9)[1][1]),
        (lambda x: gradient(lambda n: rg.bpr_loss(SCORES[0] + 0 * x[0], n), x[1:])[1],
         rg.bpr_loss.value_and_grad(SCORES[0], SCORES[1:])[1][1]),
        (lambda x: gradient(lambda x: rg.ranking_softmax_loss(x, LABELS), x)[1],
         rg.ranking_softmax_loss.value_and_grad(SCORES, LABELS)[1]),
        (lambda x: rg.ndcg(LABELS, x, k=[1, 3]), rg.ndcg(LABELS, SCORES, k=[1, 3])),
    ]  # fmt: skip
    for call, want in calls:
        np.testing.assert_allclose(run(call)(s).numpy(), want, rtol=1e-12)


def test_refusals() -> None:
    with pytest.raises(TypeError, match=r"scores \(y_pred\): floating-point"):
        rg.PairwiseHingeLoss()(LABELS, tf.constant(LABELS))
    with pytest.raises(TypeError, match="negative_scores: a tensor"):
        rg.bpr_loss(tf.constant(SCORES[0]), SCORES)
    with pytest.raises(Exception, match=r"does not match the labels' shape"):
        rg.PairwiseHingeLoss()(LABELS, tf.constant(SCORES[:2]))
    half = tf.cast(tf.constant(SCORES), tf.bfloat16)
    assert rg.PairwiseHingeLoss()(LABELS, half).dtype == tf.bfloat16
