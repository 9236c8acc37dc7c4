"""JAX: the same objects give the same numbers as NumPy, at once and compiled, with every kind of data traced or not."""

from __future__ import annotations

import ast
import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy

from rankgrad._frameworks.jax import programs  # noqa: E402

from jax_cases import LOSSES, WEIGHTED, assert_like_numpy, cases, x64  # noqa: E402

CASES = cases()
REDUCTIONS = ("sum", "sum_over_batch_size", "mean_with_sample_weight", "mean_over_lists", "mean_over_items")


@pytest.mark.parametrize("form", CASES)
@pytest.mark.parametrize("name", LOSSES)
def test_compiled_values_and_gradients_are_numpys(name: str, form: str, way: str) -> None:
    """With the data as constants of the program, and as its arguments."""
    loss, (labels, scores, lists) = LOSSES[name](), CASES[form]
    want = loss.value_and_grad(labels, scores, **lists)
    constants = jax.jit(jax.value_and_grad(lambda s: loss(labels, s, **lists)))
    assert_like_numpy(constants(scores), want)
    arguments = jax.jit(jax.value_and_grad(lambda s, y, b: loss(y, s, **b)))
    assert_like_numpy(arguments(scores, labels, lists), want)


@pytest.mark.parametrize("form", CASES)
@pytest.mark.parametrize("name", LOSSES)
def test_calls_at_once_are_numpys(name: str, form: str) -> None:
    loss, (labels, scores, lists) = LOSSES[name](), CASES[form]
    x, y = jnp.asarray(scores), jax.tree.map(jnp.asarray, labels)
    value = loss(y, x, **lists)
    assert_like_numpy(value, loss(labels, scores, **lists))
    assert value.dtype == np.float32
    want = loss.value_and_grad(labels, scores, **lists)
    assert_like_numpy(loss.value_and_grad(y, x, **lists), want)
    assert_like_numpy(loss.grad_and_hess(labels, x, **lists), loss.grad_and_hess(labels, scores, **lists))
    assert_like_numpy(jax.grad(lambda s: loss(labels, s, **lists))(x), want[1])


@pytest.mark.parametrize("name", LOSSES)
def test_every_way_of_calling_compiles(name: str, way: str) -> None:
    loss, (labels, scores, lists) = LOSSES[name](), CASES["groups"]
    for method in ("value_and_grad", "grad_and_hess"):
        call = getattr(loss, method)
        want = call(labels, scores, cotangent=2.5, **lists)
        assert_like_numpy(jax.jit(lambda s, call=call: call(labels, s, cotangent=2.5, **lists))(scores), want)
    labels, scores, _ = CASES["padded"]
    assert_like_numpy(jax.jit(lambda s: loss.call(labels, s))(scores), loss.call(labels, scores))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (15,), (3, 1)])
def test_reductions_and_weights(reduction: str, shape: tuple[int, ...], way: str) -> None:
    loss, (labels, scores, lists) = rg.PairwiseHingeLoss(reduction=reduction), CASES["groups"]
    weight = np.random.default_rng(3).random(shape).astype(np.float32)
    want = loss.value_and_grad(labels, scores, weight, **lists)
    both = jax.value_and_grad(lambda s, w: loss(labels, s, w, **lists))
    assert_like_numpy(jax.jit(both)(scores, weight), want)
    assert_like_numpy(jax.jit(lambda s: both(s, weight))(scores), want)
    padded = np.asarray(CASES["padded"].scores)
    by_list = rg.ApproxNDCGLoss(reduction=reduction)
    column = np.array([[0.5], [0.0], [2.0]])
    want = by_list.value_and_grad(CASES["padded"].labels, padded, column)
    assert_like_numpy(
        jax.jit(jax.value_and_grad(lambda s: by_list(CASES["padded"].labels, s, column)))(padded), want
    )


@pytest.mark.parametrize("weight", WEIGHTED)
def test_lambda_weights(weight: str, way: str) -> None:
    loss = rg.PairwiseLogisticLoss(0.7, lambda_weight=WEIGHTED[weight])
    labels, scores, _ = CASES["padded"]
    want = loss.value_and_grad(labels, scores)
    assert_like_numpy(jax.jit(jax.value_and_grad(lambda s: loss(labels, s)))(scores), want)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("form", ["padded", "groups", "one list"])
def test_unreduced_values(name: str, form: str, way: str) -> None:
    loss, (labels, scores, lists) = LOSSES[name](reduction="none"), CASES[form]
    values = loss(labels, scores, **lists)
    assert_like_numpy(jax.jit(lambda s: loss(labels, s, **lists))(scores), np.float32(values))
    c = np.linspace(-1, 2, np.size(values)).reshape(np.shape(values)).astype(np.float32)
    _, grad = loss.value_and_grad(labels, scores, cotangent=c, **lists)
    pull = jax.grad(lambda s, c: jnp.sum(c * loss(labels, s, **lists)))
    assert_like_numpy(pull(scores, c), grad)
    assert_like_numpy(jax.jit(pull)(scores, c), grad)
    assert_like_numpy(
        jax.jit(lambda s: loss.value_and_grad(labels, s, cotangent=c, **lists)[1])(scores), grad
    )


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_bound_objectives(reduction: str, way: str) -> None:
    labels, scores, lists = CASES["groups"]
    bound = rg.PairwiseLogisticLoss(reduction=reduction).bind(labels, np.linspace(0.1, 1, 15), **lists)
    vector = np.linspace(-1, 1, 15).astype(np.float32)
    c = vector[::-1].copy() if reduction == "none" else 0.5
    calls: list[Any] = [
        lambda s: bound.value(s),
        lambda s: bound.value_and_grad(s, cotangent=c),
        lambda s: bound.grad_and_hess(s, cotangent=c, curvature="positive", min_hessian=0.05),
        lambda s: bound.hessp(s, vector, cotangent=c),
    ]
    for call in calls:
        assert_like_numpy(jax.jit(call)(scores), call(scores))
        assert_like_numpy(call(jnp.asarray(scores)), call(scores))
    padded = rg.SoftmaxLoss().bind(CASES["padded"].labels)
    flat = CASES["padded"].scores.ravel()
    assert_like_numpy(jax.jit(padded.value_and_grad)(flat), padded.value_and_grad(flat))


def test_a_program_outlives_its_objective(way: str) -> None:
    labels, scores, lists = CASES["groups"]
    bound = rg.PairwiseLogisticLoss().bind({"labels": labels, "mask": scores < 1}, np.ones((3, 1)), **lists)
    want, program = bound.value_and_grad(scores), jax.jit(bound.value_and_grad)
    program = program.lower(scores).compile()
    assert_like_numpy(program(scores), want)
    del bound
    gc.collect()
    assert_like_numpy(program(scores), want)


def test_noise_by_a_traced_step(way: str) -> None:
    loss, (labels, scores, lists) = rg.XENDCGLoss(seed=5), CASES["groups"]
    step = jax.jit(jax.value_and_grad(lambda s, i: loss(labels, s, iteration=i, **lists)))
    want = [loss.value_and_grad(labels, scores, iteration=i, **lists) for i in (0, 1, 2**31)]
    for i, each in zip((0, 1, 2**31), want, strict=True):
        assert_like_numpy(step(scores, np.uint32(i)), each)
    assert want[0][0] != want[1][0]
    assert_like_numpy(loss(labels, jnp.asarray(scores), iteration=jnp.int32(1), **lists), want[1][0])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_computed_in_float32(dtype: str, way: str) -> None:
    loss, (labels, scores, _) = rg.PairwiseLogisticLoss(), CASES["padded"]
    x = jnp.asarray(scores, dtype)
    value, grad = loss.value_and_grad(labels, np.asarray(x, np.float32))
    for call in (jax.value_and_grad(lambda s: loss(labels, s)), lambda s: loss.value_and_grad(labels, s)):
        for both in (call(x), jax.jit(call)(x)):
            assert [each.dtype for each in both] == [dtype] * 2
            assert_like_numpy(
                both, (np.asarray(jnp.asarray(value, dtype)), np.asarray(jnp.asarray(grad, dtype)))
            )


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_losss_own_dtype(dtype: str, way: str) -> None:
    """Scores are cast to it first; the answer is in their own."""
    labels, scores, _ = CASES["padded"]
    loss = rg.PairwiseLogisticLoss(dtype=dtype)
    want = loss.value_and_grad(labels, scores)
    for call in (loss.value_and_grad, jax.jit(lambda y, s: loss.value_and_grad(y, s))):
        both = call(labels, jnp.asarray(scores))
        assert [each.dtype for each in both] == [np.float32] * 2
        assert_like_numpy(both, want)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "uint32", "int64", "uint64", "float64", "bool"]
)
def test_labels_of_every_type(dtype: str, way: str) -> None:
    loss, scores = rg.PairwiseLogisticLoss(), CASES["one list"].scores
    labels = (np.arange(15) % 2).astype(dtype)
    want = loss.value_and_grad(labels, scores)
    assert_like_numpy(jax.jit(jax.value_and_grad(lambda s: loss(labels, s)))(scores), want)
    with x64():
        big = (
            labels
            if dtype == "bool"
            else labels + (np.iinfo(dtype).max - 1 if labels.dtype.kind in "iu" else 2.0**53)
        )
        want = loss.value_and_grad(big, scores)
        assert_like_numpy(jax.jit(jax.value_and_grad(lambda s, y: loss(y, s)))(scores, big), want)


def test_containers_of_lists(way: str) -> None:
    """A list of arrays as scores, which is what its gradient is, too; and as labels of flat scores."""
    loss, (labels, scores, lists) = rg.PairwiseLogisticLoss(), CASES["groups"]
    ragged_labels, ragged_scores = (np.split(x, [5, 7]) for x in (labels, scores))
    value, grad = loss.value_and_grad(labels, scores, **lists)
    both = jax.value_and_grad(lambda s: loss(ragged_labels, s))
    for compiled in (lambda f: f, jax.jit):
        assert_like_numpy(compiled(both)(scores), (value, grad))
        of_lists = compiled(both)(ragged_scores)
        assert_like_numpy((of_lists[0], jnp.concatenate(of_lists[1])), (value, grad))


def test_double_precision(way: str) -> None:
    loss, (labels, scores, lists) = rg.PairwiseLogisticLoss(), CASES["groups"]
    wide = scores.astype(np.float64) * 1.1
    with x64():
        both = jax.jit(jax.value_and_grad(lambda s: loss(labels, s, **lists)))(wide)
        assert both[1].dtype == np.float64
        assert_like_numpy(both, loss.value_and_grad(labels, wide, **lists), rtol=1e-14)


def test_programs_run_side_by_side(way: str) -> None:
    """Two programs share an objective, and each is run by several threads at once."""
    labels, scores, lists = CASES["groups"]
    bound = rg.PairwiseLogisticLoss().bind(labels, **lists)
    runs = [jax.jit(bound.value_and_grad), jax.jit(jax.value_and_grad(bound.value))] * 2
    want = bound.value_and_grad(scores)
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(lambda run: [run(scores) for _ in range(25)], runs):
            for both in results:
                assert_like_numpy(both, want)


EXPORTED = """
import sys, jax.export, numpy as np, rankgrad.jax
program = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
print([x.tolist() for x in program.call(np.load(sys.argv[2]))])
"""


def test_an_exported_program_is_right_in_another_process(tmp_path: Path) -> None:
    pytest.importorskip("flatbuffers", reason="jax.export writes programs with flatbuffers")
    if (reason := programs.why_callbacks()) is not None:
        pytest.skip(reason)
    labels, scores, lists = CASES["groups"]
    bound = rg.PairwiseLogisticLoss().bind(labels, **lists)
    export = pytest.importorskip("jax.export", reason="which needs more than jax", exc_type=ImportError)
    allowed = [export.DisabledSafetyCheck.custom_call("rankgrad_objective")]
    program = export.export(jax.jit(bound.value_and_grad), disabled_checks=allowed)(scores)
    (tmp_path / "program").write_bytes(program.serialize())
    np.save(tmp_path / "scores.npy", scores)
    command = [sys.executable, "-c", EXPORTED, str(tmp_path / "program"), str(tmp_path / "scores.npy")]
    value, grad = ast.literal_eval(subprocess.check_output(command, text=True))
    want = bound.value_and_grad(scores)
    assert (value, grad) == (np.float32(want[0]), want[1].tolist())
