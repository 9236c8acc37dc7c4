"""JAX: the implicit losses, `ranking_softmax_loss` and the metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy

from jax_cases import assert_like_numpy, x64  # noqa: E402

RNG = np.random.default_rng(11)
P, N = RNG.normal(size=5).astype(np.float32), RNG.normal(size=(4, 5)).astype(np.float32)
IMPLICIT = {
    "bpr": (rg.bpr_loss, {}),
    "log bpr": (rg.bpr_loss, {"form": "log", "reduction": "mean"}),
    "hinge": (rg.hinge_loss, {"margin": 0.7, "sample_weight": np.linspace(0.5, 2, 5)}),
    "adaptive bpr": (rg.adaptive_bpr_loss, {}),
    "adaptive hinge": (rg.adaptive_hinge_loss, {"reduction": "sum"}),
    "warp": (rg.warp_loss, {"num_items": 30}),
}


@pytest.mark.parametrize("name", IMPLICIT)
def test_implicit_losses(name: str, way: str) -> None:
    loss, options = IMPLICIT[name]
    want = loss.value_and_grad(P, N, **options)
    by_jax = jax.value_and_grad(lambda p, n: loss(p, n, **options), argnums=(0, 1))
    for call in (by_jax, jax.jit(by_jax), jax.jit(lambda p, n: loss.value_and_grad(p, n, **options))):
        assert_like_numpy(call(P, N), want)
    hess = loss.grad_and_hess(P, N, **options)
    assert_like_numpy(jax.jit(lambda p, n: loss.grad_and_hess(p, n, **options))(P, N), hess)
    assert_like_numpy(loss.grad_and_hess(jnp.asarray(P), N, **options), hess)
    only = jax.jit(jax.grad(lambda p: loss(p, N, **options)))
    assert_like_numpy(only(P), want[1][0])


@pytest.mark.parametrize("name", IMPLICIT)
def test_implicit_losses_unreduced(name: str, way: str) -> None:
    loss, options = IMPLICIT[name]
    options = options | {"reduction": "none"}
    c = np.linspace(-1, 1, 5).astype(np.float32)
    value, grads = loss.value_and_grad(P, N, cotangent=c, **options)
    assert_like_numpy(jax.jit(lambda p, n: loss(p, n, **options))(P, N), value)
    pull = jax.grad(lambda p, n: jnp.vdot(c, loss(p, n, **options)), argnums=(0, 1))
    assert_like_numpy(jax.jit(pull)(P, N), grads)
    assert_like_numpy(jax.jit(lambda p, n: loss.value_and_grad(p, n, cotangent=c, **options)[1])(P, N), grads)


def test_implicit_losses_of_ragged_negatives_and_items(way: str) -> None:
    flat, groups = N.ravel(), np.array([3, 0, 8, 5, 4], np.int32)
    want = rg.bpr_loss.value_and_grad(P, flat, groups=groups, cotangent=2.0)
    call = jax.jit(lambda p, n, g, c: rg.bpr_loss.value_and_grad(p, n, groups=g, cotangent=c))
    assert_like_numpy(call(P, flat, groups, 2.0), want)
    items = {"positive_items": np.arange(5), "negative_items": RNG.integers(0, 9, (4, 5))}
    items |= {"metadata": {"genre": RNG.integers(0, 3, 9)}, "metadata_weights": {"genre": 0.25}}
    want = rg.hinge_loss.value_and_grad(P, N, **items)
    by_jax = jax.value_and_grad(
        lambda p, n, i: rg.hinge_loss(p, n, **(items | {"positive_items": i})), (0, 1)
    )
    assert_like_numpy(jax.jit(by_jax)(P, N, items["positive_items"]), want)


def test_implicit_losses_of_two_types(way: str) -> None:
    """Each gradient has the type of its scores."""
    with x64():
        want = rg.bpr_loss.value_and_grad(P.astype(np.float64), N.astype(np.float64))
        for call in (rg.bpr_loss.value_and_grad, jax.jit(rg.bpr_loss.value_and_grad)):
            value, (p, n) = call(jnp.asarray(P), jnp.asarray(N, np.float64))
            assert (p.dtype, n.dtype) == (np.float32, np.float64)
            assert_like_numpy((value, p, n), (want[0], *want[1]))


def test_batches_of_implicit_losses(way: str) -> None:
    many = np.stack([N, -N, N[::-1]])
    both = jax.jit(jax.vmap(jax.value_and_grad(lambda n: rg.bpr_loss(P, n))))
    value, grad = both(many)
    for k, n in enumerate(many):
        want = rg.bpr_loss.value_and_grad(P, n)
        assert_like_numpy((value[k], grad[k]), (want[0], want[1][1]))


X, Y = RNG.normal(size=(2, 3, 4)).astype(np.float32), RNG.integers(0, 3, (3, 4)).astype(np.float32)
WHERE, WEIGHTS = RNG.random((2, 3, 4)) < 0.7, RNG.random((3, 1)).astype(np.float32)
SOFTMAX: dict[str, dict[str, Any]] = {
    "mean": {},
    "sum": {"reduction": "sum", "where": WHERE},
    "weights": {"weights": WEIGHTS, "nan": "raise"},
    "none": {"reduction": "none", "where": WHERE, "weights": WEIGHTS},
    "jnp.mean": {"reduce_fn": jnp.mean},
}


@pytest.mark.parametrize("name", SOFTMAX)
def test_ranking_softmax_loss(name: str, way: str) -> None:
    options, loss = SOFTMAX[name], rg.ranking_softmax_loss
    value, grad = loss.value_and_grad(X, Y, **options)
    assert_like_numpy(jax.jit(lambda x: loss(x, Y, **options))(X), np.float32(value))
    assert_like_numpy(loss(jnp.asarray(X), Y, **options), np.float32(value))
    total = jax.grad(lambda x, y, o: jnp.sum(loss(x, y, **{**options, **o})))
    arrays = {key: x for key, x in options.items() if isinstance(x, np.ndarray)}
    assert_like_numpy(jax.jit(total)(X, Y, arrays), grad)
    assert_like_numpy(jax.jit(lambda x: loss.value_and_grad(x, Y, **options)[1])(X), grad)
    hess = loss.grad_and_hess(X, Y, **options)
    assert_like_numpy(jax.jit(lambda x: loss.grad_and_hess(x, Y, **options))(X), hess)


def test_ranking_softmax_loss_broadcasts_the_logits(way: str) -> None:
    loss, row = rg.ranking_softmax_loss, X[0, :1]
    want = loss.value_and_grad(row, Y, where=WHERE)
    assert_like_numpy(jax.jit(jax.value_and_grad(lambda x: loss(x, Y, where=WHERE)))(row), want)
    assert_like_numpy(jax.jit(lambda x: loss.value_and_grad(x, Y, where=WHERE))(row), want)
    bound = loss.bind(Y)
    assert_like_numpy(jax.jit(bound.value_and_grad)(X[0]), bound.value_and_grad(X[0]))


def test_ranking_softmax_loss_by_a_function_of_the_users(way: str) -> None:
    """It gets the values of the lists with a valid item, and is differentiated as any function of JAX."""
    loss, where = rg.ranking_softmax_loss, WHERE.copy()
    where[0, 1] = False
    want = loss(X, Y, where=where, reduce_fn=np.max)
    worst = jax.value_and_grad(lambda x: loss(x, Y, where=where, reduce_fn=jnp.max))
    value, grad = jax.jit(worst)(X)
    assert_like_numpy(value, want)
    values, of_sum = loss.value_and_grad(X, Y, where=where, reduction="none")
    of_sum[values < values.max()] = 0
    assert_like_numpy(grad, of_sum)
    with pytest.raises(TypeError, match="where: cannot be made an array"):
        jax.jit(lambda w: loss(X + jnp.float32(0), Y, where=w, reduce_fn=jnp.max))(where)


@pytest.mark.parametrize("metric", [rg.ndcg, rg.dcg])
def test_metrics(metric: Any, way: str) -> None:
    labels, scores, groups = Y.ravel(), X[0].ravel(), np.array([3, 9], np.int32)
    for options in ({}, {"k": [1, 3]}, {"per_list": True, "k": 2}, {"sample_weight": np.array([1.0, 3.0])}):
        want = metric(labels, scores, groups=groups, **options)
        for compiled in (lambda f: f, jax.jit):
            call = compiled(lambda s, y, g, o=options: metric(y, s, groups=g, **o))
            assert_like_numpy(call(jnp.asarray(scores), labels, groups), want)
    assert not jax.grad(lambda s: metric(labels, s))(scores).any()
    both = jax.jit(jax.vmap(lambda s: metric(Y[0], s)))(X[0])
    assert_like_numpy(both, np.array([metric(Y[0], s) for s in X[0]]))
