"""JAX: what is wrong is told at once where it is known, else by the compiled program, in NumPy's words."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad import _core

jax = pytest.importorskip("jax", reason="jax is not installed")
jnp = jax.numpy

from rankgrad._frameworks.jax import programs  # noqa: E402

from jax_cases import x64  # noqa: E402

LOSS, NONE = rg.PairwiseLogisticLoss(), rg.SoftmaxLoss(reduction="none")
Y, S = np.array([2.0, 0, 1, 1], np.float32), np.array([0.5, -1, 2, 0], np.float32)
BAD = np.array([0.5, np.nan, 2, 0], np.float32)
BOUND = LOSS.bind(Y)


def words(call: Any, *arguments: Any) -> str:
    """Those of NumPy's error."""
    with pytest.raises((ValueError, TypeError)) as error:
        call(*arguments)
    return str(error.value)


#: Calls with numbers that are wrong.
NUMBERS: dict[str, tuple[Any, ...]] = {
    "score": (lambda s: LOSS(Y, s), BAD),
    "infinite score": (lambda s: LOSS(np.stack([Y, Y]), s), np.stack([S, np.array([0, 1, np.inf, 0], "f")])),
    "label": (lambda s, y: LOSS(y, s), S, BAD),
    "mask": (lambda s, m: LOSS({"labels": Y, "mask": m}, s), S, BAD),
    "weight": (lambda s, w: LOSS(Y, s, w), S, BAD),
    "weights of lists": (lambda s, w: LOSS(Y, s, w, groups=[2, 2]), S, np.array([[1], [np.inf]], "f")),
    "groups, sum": (lambda s, g: LOSS(Y, s, groups=g), S, np.array([3, 2])),
    "groups, negative": (lambda s, g: LOSS(Y, s, groups=g), S, np.array([-1, 5])),
    "groups, too large": (lambda s, g: LOSS(Y, s, groups=g), S, np.array([9, -5])),
    "offsets": (lambda s, o: LOSS(Y, s, offsets=o), S, np.array([0, 3, 2, 4])),
    "qid": (lambda s, q: LOSS(Y, s, qid=q), S, np.array([5, 2, 2, 5])),
    "vector": (lambda s, v: BOUND.hessp(s, v), S, BAD),
    "logits": (lambda s: rg.ranking_softmax_loss(s, Y, nan="raise"), BAD),
    "iteration": (
        lambda s, i: rg.XENDCGLoss()(Y, s, iteration=i if isinstance(i, jax.Array) else int(i)),
        S,
        np.int32(-1),
    ),
    "positive_scores": (lambda s: rg.bpr_loss(s, S), BAD),
    "metric": (lambda s: rg.ndcg(Y, s), BAD),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_wrong_numbers(name: str, way: str) -> None:
    call, *arguments = NUMBERS[name]
    wanted = words(call, *arguments)
    assert words(call, *map(jnp.asarray, arguments)) == wanted
    with pytest.raises(Exception, match=re.escape(wanted)):
        jax.block_until_ready(jax.jit(call)(*arguments))


def test_wrong_constants_of_a_program_are_told_when_it_is_traced(way: str) -> None:
    def told(call: Any) -> None:
        assert words(jax.jit(call), S) == words(call, S)

    told(lambda s: LOSS(BAD, s))
    told(lambda s: LOSS(Y, s, groups=[3, 2]))
    told(lambda s: LOSS(Y, s, np.ones(3)))
    told(lambda s: LOSS(Y[:3], s))
    told(lambda s: LOSS(Y, s, iteration=-1))
    told(lambda s: NONE.value_and_grad(Y, s, cotangent=np.ones((2, 2)), groups=[2, 2]))
    told(lambda s: LOSS(Y, s, n_threads=0))
    told(lambda s: BOUND.hessp(s, np.ones(3)))
    told(lambda s: BOUND.hessp(s, BAD))
    told(lambda s: rg.bpr_loss(s, S[:3]))
    told(lambda s: rg.ranking_softmax_loss(s, Y[:3]))
    told(lambda s: LOSS(["a"] * 4, s))


def test_wrong_shapes_of_traced_data(way: str) -> None:
    for call, other in (
        (lambda s, y: LOSS(y, s), Y[:3]),
        (lambda s, w: LOSS(Y, s, w), np.ones((2, 2), "f")),
        (lambda s, o: LOSS(Y, s, offsets=o), np.zeros((2, 2), np.int32)),
        (lambda s, m: LOSS({"labels": Y, "mask": m}, s), np.ones(3, bool)),
    ):
        assert words(jax.jit(call), S, other) == words(call, S, other)


@pytest.mark.parametrize("compiled", [lambda f: f, jax.jit])
def test_what_is_not_taken_of_jax(compiled: Any) -> None:
    whole = jnp.arange(4)
    with pytest.raises(
        TypeError, match=r"^scores \(y_pred\): floating-point numbers are wanted .* got int32"
    ):
        compiled(lambda s: LOSS(Y, s))(whole)
    with pytest.raises(TypeError, match=r"^logits: floating-point"):
        compiled(lambda s: rg.ranking_softmax_loss(s, Y))(whole)
    with pytest.raises(TypeError, match=r"^negative_scores: floating-point"):
        compiled(lambda s: rg.bpr_loss(jnp.asarray(S), s))(whole)
    for call in (
        lambda s: LOSS.value_and_grad(Y, s, out=np.empty(4, np.float32)),
        lambda s: BOUND.value_and_grad(s, out=np.empty(4, np.float32)),
        lambda s: rg.bpr_loss.value_and_grad(s, S, out=(np.empty(4, "f"), np.empty(4, "f"))),
    ):
        with pytest.raises(TypeError, match=r"^out: is for NumPy's arrays"):
            compiled(call)(jnp.asarray(S))


@pytest.mark.parametrize("compiled", [lambda f: f, jax.jit])
@pytest.mark.parametrize("labels", [np.array([2**40 + 1, 0, 1, 1]), np.array([0.1, 0.2, 0.1, 0])])
def test_labels_that_jaxs_types_do_not_hold(labels: Any, compiled: Any) -> None:
    for call in (
        lambda s: LOSS(labels, s),
        lambda s: LOSS.bind(labels).value(s),
        lambda s: LOSS({"labels": labels}, s),
        lambda s: rg.ranking_softmax_loss(s, labels),
    ):
        with pytest.raises(ValueError, match=r"^labels.*jax_enable_x64"):
            compiled(call)(jnp.asarray(S))
    with x64():
        np.testing.assert_allclose(
            compiled(lambda s: LOSS(labels, s))(jnp.asarray(S)), LOSS(labels, S), rtol=1e-6
        )


def test_traced_ids_and_results_of_unknown_number(way: str) -> None:
    qid = np.array([5, 5, 2, 2])
    sums = rg.SoftmaxLoss(reduction="sum")
    np.testing.assert_allclose(
        jax.jit(lambda s, q: sums(Y, s, qid=q))(S, qid), sums(Y, S, qid=qid), rtol=1e-6
    )
    mean = rg.SoftmaxLoss()
    np.testing.assert_allclose(
        jax.jit(lambda s, q: mean(Y, s, qid=q))(S, qid), mean(Y, S, qid=qid), rtol=1e-6
    )
    with pytest.raises(ValueError, match=r"^qid: is traced, so the number of lists, and of the values"):
        jax.jit(lambda s, q: NONE(Y, s, qid=q))(S, qid)
    with pytest.raises(ValueError, match=r"^qid: is traced, so the number of lists, and of the weights"):
        jax.jit(lambda s, q: LOSS(Y, s, np.ones((2, 1)), qid=q))(S, qid)
    with pytest.raises(TypeError, match=r"^groups: integers are wanted of what is traced"):
        jax.jit(lambda s, g: LOSS(Y, s, groups=g))(S, np.ones(4, np.float32))


def test_derivatives_that_are_not_known(way: str) -> None:
    v = jnp.ones(4)
    for value in (
        lambda s: jnp.sum(rg.PairwiseLogisticLoss(reduction="none")(Y, s) ** 2),
        lambda s: rg.bpr_loss(s, S),
        lambda s: jnp.vdot(v, jax.jvp(jax.grad(BOUND.value), (s,), (v,))[1]),
        lambda s: LOSS.grad_and_hess(Y, s)[0].sum(),
    ):
        twice = jax.grad(lambda s, value=value: jnp.vdot(v, jax.grad(value)(s)))
        for compiled in (lambda f: f, jax.jit):
            with pytest.raises(
                NotImplementedError, match=r"^rankgrad has the second derivative of reduced losses"
            ):
                compiled(twice)(S)


def test_compiled_programs_do_not_warn(way: str) -> None:
    """NumPy's call warns of such data; a program may meet them at any time, far from the line that wrote it."""
    with pytest.warns(UserWarning, match="negative labels"):
        LOSS(-Y, S)
    assert jax.jit(LOSS)(-Y, S) == 0
    with pytest.warns(UserWarning, match="negative labels"):
        assert jax.jit(lambda s: LOSS(-Y, s))(S) == 0


def test_how_the_core_is_called_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told() -> str:
        programs.why_callbacks.cache_clear()
        rg.show_versions()
        return next(line for line in capsys.readouterr().out.splitlines() if line.startswith("jax "))

    try:
        assert jax.__version__ in told()
        with monkeypatch.context() as patch:
            patch.setattr(_core, "XLA_MINORS", (98, 99))
            assert "by callbacks" in told()
            assert "API version" in told()
            assert jax.jit(lambda s: LOSS(Y, s))(S) == np.float32(LOSS(Y, S))
        monkeypatch.setenv("RANKGRAD_JAX", "callback")
        assert told().endswith("by callbacks (RANKGRAD_JAX=callback)")
    finally:
        monkeypatch.undo()
        programs.why_callbacks.cache_clear()


def test_jax_is_imported_when_its_arrays_come() -> None:
    code = (
        "import sys, numpy as np, rankgrad as rg\n"
        "rg.PairwiseHingeLoss()([1.0, 0.0], np.zeros(2))\n"
        "assert not any(name.startswith('jax') for name in sys.modules)\n"
        "import jax\n"
        "assert 'rankgrad._frameworks.jax' not in sys.modules\n"
        "assert rg.PairwiseHingeLoss()([1.0, 0.0], jax.numpy.zeros(2)) == 0.5\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
