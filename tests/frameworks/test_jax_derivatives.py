"""JAX: derivatives of derivatives, batches, and how often the core is called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy

from jax.test_util import check_grads  # noqa: E402
from rankgrad._frameworks.jax import programs  # noqa: E402

from jax_cases import LOSSES, SMOOTH, WEIGHTED, assert_like_numpy, cases, x64  # noqa: E402

CASES = cases()
Y, S = (
    np.array([[2.0, 0, 1, 1], [0, 1, 3, 2], [1, 1, 0, 2]], np.float32),
    np.asarray(CASES["padded"].scores[:, :4]),
)
V = np.linspace(-1, 1, 12).reshape(3, 4).astype(np.float32)


def same(actual: Any, want: Any) -> None:
    """Numbers of one kind of call and of another."""
    jax.tree.map(
        lambda a, w: np.testing.assert_allclose(a, w, rtol=3e-6, atol=3e-6 * np.abs(w).max()), actual, want
    )


def test_smooth_losses_are_named() -> None:
    assert set(LOSSES) >= SMOOTH


@pytest.mark.parametrize("name", sorted(SMOOTH))
def test_derivatives_by_differences(name: str, way: str) -> None:
    """Of first and second order, forwards and backwards in every order."""
    with x64():
        loss, (labels, scores, lists) = LOSSES[name](1.3), CASES["groups"]
        check_grads(
            lambda s: loss(labels, s, **lists), (scores.astype(np.float64),), order=2, modes=["fwd", "rev"]
        )


def test_derivatives_of_unreduced_values_by_differences(way: str) -> None:
    with x64():
        loss, (labels, scores, lists) = rg.PairwiseLogisticLoss(reduction="none"), CASES["groups"]
        check_grads(lambda s: loss(labels, s, **lists), (scores.astype(np.float64),), order=1, modes=["rev"])


@pytest.mark.parametrize("name", LOSSES)
def test_products_with_the_hessian(name: str, way: str) -> None:
    """By forwards over backwards, backwards over backwards and the objective's own: one matrix."""
    loss = LOSSES[name]()
    grad, want = jax.grad(lambda s: loss(Y, s)), loss.bind(Y).hessp(S, V)
    for compiled in (lambda f: f, jax.jit):
        assert_like_numpy(compiled(lambda s: jax.jvp(grad, (s,), (V,))[1])(S), want)
        assert_like_numpy(compiled(jax.grad(lambda s: jnp.vdot(grad(s), V)))(S), want)
        assert_like_numpy(compiled(jax.grad(lambda s: jnp.vdot(loss.value_and_grad(Y, s)[1], V)))(S), want)
    hessian = jax.jit(jax.hessian(lambda s: loss(Y, s)))(S).reshape(12, 12)
    np.testing.assert_allclose(hessian @ V.ravel(), want.ravel(), rtol=1e-5, atol=1e-5 * np.abs(want).max())


def test_lambda_weights_are_held_constant(way: str) -> None:
    loss = rg.PairwiseLogisticLoss(lambda_weight=WEIGHTED["label_difference"])
    want = loss.bind(Y).hessp(S, V)
    assert_like_numpy(jax.jit(lambda s: jax.jvp(jax.grad(lambda s: loss(Y, s)), (s,), (V,))[1])(S), want)


def test_the_core_is_called_once(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """For a value with its gradient; twice for a product with the Hessian; for a gradient alone once."""
    loss, n = rg.PairwiseLogisticLoss(), []
    value = lambda s: loss(Y, s)  # noqa: E731
    by_calls = {
        1: (value, jax.grad(value), jax.value_and_grad(value), lambda s: loss.value_and_grad(Y, s)),
        2: (lambda s: jax.jvp(jax.grad(value), (s,), (V,)),),
    }
    if way == "callback":
        in_batches = programs._in_batches
        monkeypatch.setattr(programs, "_in_batches", lambda *x: n.append(1) or in_batches(*x))
    for calls, functions in by_calls.items():
        for function in functions:
            program = jax.jit(function).lower(S).compile()
            n.clear()
            jax.block_until_ready(program(S))
            seen = (
                len(n)
                if way == "callback"
                else program.as_text().count('custom_call_target="rankgrad_objective"')
            )
            assert seen == calls


def over(function: Any, *arguments: Any) -> Any:
    """What `vmap` is to give: the function's results for each place of the first axis."""
    results = [function(*each) for each in zip(*arguments, strict=True)]
    return jax.tree.map(lambda *x: np.stack(x), *results)


@pytest.mark.parametrize("name", LOSSES)
def test_batches(name: str, way: str) -> None:
    """Of scores, of scores and labels, of labels alone."""
    loss = LOSSES[name](reduction="sum")
    both = jax.value_and_grad(lambda s, y: loss(y, s))
    want = over(lambda s, y: loss.value_and_grad(y, s), S, Y)
    for compiled in (lambda f: f, jax.jit):
        same(compiled(jax.vmap(both))(S, Y), want)
        same(compiled(jax.vmap(lambda s: both(s, Y[0])))(S), over(lambda s: loss.value_and_grad(Y[0], s), S))
        same(compiled(jax.vmap(lambda y: both(S[0], y)))(Y), over(lambda y: loss.value_and_grad(y, S[0]), Y))


def test_batches_in_batches(way: str) -> None:
    """(2, 3) places, of which one has the labels and the other the weights; along axes that are not the first."""
    loss, rng = rg.PairwiseLogisticLoss(reduction="mean_with_sample_weight"), np.random.default_rng(1)
    scores, labels = rng.normal(size=(2, 4, 3)).astype("f"), rng.integers(0, 3, (3, 4)).astype("f")
    weight, mask = rng.random((2, 4)).astype("f"), rng.random((2, 4)) < 0.8

    def both(s: Any, y: Any, w: Any, m: Any) -> Any:
        return jax.value_and_grad(lambda s: loss({"labels": y, "mask": m}, s, w))(s)

    nested = jax.vmap(jax.vmap(both, (1, 0, None, None)), (0, None, 0, 0))
    want = over(
        lambda s, w, m: over(lambda s, y: loss.value_and_grad({"labels": y, "mask": m}, s, w), s.T, labels),
        scores, weight, mask,
    )  # fmt: skip
    same(nested(scores, labels, weight, mask), want)
    same(jax.jit(nested)(scores, labels, weight, mask), want)


def test_batches_of_groups_and_steps(way: str) -> None:
    loss, rng = rg.XENDCGLoss(), np.random.default_rng(1)
    scores, groups = rng.normal(size=(2, 4)).astype("f"), np.array([[1, 3], [2, 2]], np.int32)
    steps = np.arange(2, dtype=np.int32)

    def both(s: Any, g: Any, i: Any) -> Any:
        return jax.value_and_grad(lambda s: loss(Y[1], s, groups=g, iteration=i))(s)

    want = over(
        lambda s, g, i: loss.value_and_grad(Y[1], s, groups=g, iteration=int(i)), scores, groups, steps
    )  # fmt: skip
    same(jax.jit(jax.vmap(both))(scores, groups, steps), want)


def test_batches_of_all_else(way: str) -> None:
    """Unreduced values, Hessians, bound objectives."""
    none, bound = rg.PairwiseLogisticLoss(reduction="none"), rg.SoftmaxLoss().bind(Y[0])
    pull = jax.vmap(lambda s, y, c: jax.grad(lambda s: jnp.vdot(c, none(y, s)))(s))
    same(jax.jit(pull)(S, Y, V), over(lambda s, y, c: none.value_and_grad(y, s, cotangent=c)[1], S, Y, V))
    same(jax.jit(jax.vmap(bound.grad_and_hess))(S), over(bound.grad_and_hess, S))
    same(jax.jit(jax.vmap(bound.hessp))(S, V), over(bound.hessp, S, V))
    hessians = jax.jit(jax.vmap(jax.hessian(bound.value)))(S)
    same(np.einsum("bij,bj->bi", hessians, V), over(bound.hessp, S, V))
    backwards = jax.vmap(jax.grad(lambda s, v: jnp.vdot(jax.grad(bound.value)(s), v)))
    same(jax.jit(backwards)(S, V), over(bound.hessp, S, V))


def test_a_batch_of_many_lists_is_one_call(way: str) -> None:
    loss, rng = rg.PairwiseHingeLoss(), np.random.default_rng(2)
    scores, labels = rng.normal(size=(100, 300)).astype("f"), rng.integers(0, 3, (100, 300)).astype("f")
    both = jax.jit(jax.vmap(jax.value_and_grad(lambda s, y: loss(y, s))))
    same(both(scores, labels), over(lambda s, y: loss.value_and_grad(y, s), scores, labels))
    if way == "ffi":
        text = both.lower(scores, labels).compile().as_text()
        assert text.count('custom_call_target="rankgrad_objective"') == 1
        assert "while" not in text


def test_scans_and_checkpoints(way: str) -> None:
    loss = rg.PairwiseLogisticLoss(reduction="sum")

    def total(s: Any) -> Any:
        return jax.lax.scan(lambda c, x: (c + loss(x[0], x[1]), None), jnp.float32(0), (Y, s))[0]

    want = loss.value_and_grad(Y, S)
    assert_like_numpy(jax.jit(jax.value_and_grad(total))(S), want)
    assert_like_numpy(jax.jit(jax.value_and_grad(jax.checkpoint(lambda s: loss(Y, s))))(S), want)
