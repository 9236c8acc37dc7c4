"""Listwise losses against Rax and keras-rs on jax: 256 lists of 128 items, float32, one thread.

Run ``pytest bench/bench_listwise.py --benchmark-only --benchmark-group-by=group``. Each figure is one value and its
gradient. rankgrad's labels are bound once, as in training; "one-off" binds in every call. The peers are compiled by
``jax.jit`` before the clock starts and take arrays that jax already holds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

B, N = 256, 128
LOSSES = {
    "softmax": rg.SoftmaxLoss,
    "poly1_softmax": rg.Poly1SoftmaxLoss,
    "unique_softmax": rg.UniqueSoftmaxLoss,
    "list_mle": rg.ListMLELoss,
    "approx_ndcg": rg.ApproxNDCGLoss,
    "xendcg": rg.XENDCGLoss,
    "sigmoid_cross_entropy": rg.SigmoidCrossEntropyLoss,
    "squared_error": rg.PointwiseMeanSquaredError,
}
RAX = {
    "softmax": "softmax_loss",
    "poly1_softmax": "poly1_softmax_loss",
    "unique_softmax": "unique_softmax_loss",
    "list_mle": "listmle_loss",
    "sigmoid_cross_entropy": "pointwise_sigmoid_loss",
    "squared_error": "pointwise_mse_loss",
}


@pytest.fixture
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 5, (B, N)).astype(np.float32), rng.normal(size=(B, N)).astype(np.float32)


@pytest.fixture
def jax() -> Any:
    """jax on one thread; both variables are read when it starts."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}"
    return pytest.importorskip("jax", reason="the peers need jax: pip install jax rax keras-rs")


def jax_step(jax: Any, loss: Callable[[Any, Any], Any], data: tuple[Any, Any]) -> Callable[[], Any]:
    """Value and gradient of ``loss(scores, labels)``, compiled."""
    labels, scores = (jax.numpy.asarray(x) for x in data)
    step = jax.jit(jax.value_and_grad(loss))
    return lambda: jax.block_until_ready(step(scores, labels))


@pytest.mark.parametrize("name", LOSSES)
def test_rankgrad(benchmark: Any, data: tuple[Any, Any], name: str) -> None:
    benchmark.group = name
    objective = LOSSES[name]().bind(data[0])
    value, grad = benchmark(objective.value_and_grad, data[1], n_threads=1)
    assert np.isfinite(value)
    assert grad.shape == (B, N)


def test_rankgrad_one_off(benchmark: Any, data: tuple[Any, Any]) -> None:
    benchmark.group = "softmax"
    labels, scores = data
    value, _ = benchmark(rg.ranking_softmax_loss.value_and_grad, scores, labels, n_threads=1)
    assert value == pytest.approx(rg.SoftmaxLoss()(labels, scores), rel=1e-12)


@pytest.mark.parametrize("name", RAX)
def test_rax(benchmark: Any, data: tuple[Any, Any], jax: Any, name: str) -> None:
    benchmark.group = name
    rax = pytest.importorskip("rax", reason="pip install rax")
    value, grad = benchmark(jax_step(jax, getattr(rax, RAX[name]), data))
    ours, our_grad = LOSSES[name]().value_and_grad(*data)
    assert ours == pytest.approx(float(value), rel=1e-4)
    np.testing.assert_allclose(our_grad, grad, rtol=1e-2, atol=1e-5)


def test_keras_rs(benchmark: Any, data: tuple[Any, Any], jax: Any) -> None:
    """keras-rs's ListMLE, compiled by jax; uncompiled it takes several times as long."""
    benchmark.group = "list_mle"
    keras_rs = pytest.importorskip("keras_rs", reason="pip install keras keras-rs")
    loss = keras_rs.losses.ListMLELoss()
    value, grad = benchmark(jax_step(jax, lambda scores, labels: loss(labels, scores), data))
    ours, our_grad = rg.ListMLELoss().value_and_grad(*data)
    assert ours == pytest.approx(float(value), rel=1e-4)
    np.testing.assert_allclose(our_grad, grad, rtol=1e-2, atol=1e-5)
