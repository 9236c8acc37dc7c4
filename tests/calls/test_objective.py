"""Bound objectives and loss objects: shapes, copies, pickles, configurations, threads, levels."""

from __future__ import annotations

import copy
import dataclasses
import multiprocessing
import pickle
import threading
import warnings
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad import _core

from helpers import LOSSES, REDUCTIONS, bind
from strategies import random_lists

pytestmark = pytest.mark.usefixtures("isa")

LABELS = np.array([[2.0, 0.0, 1.0], [1.0, 0.0, -1.0]])
SCORES = np.array([[0.3, -0.2, 1.5], [0.9, -1.1, 0.4]])


# --- shapes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", LOSSES)
def test_raveled_scores_are_taken_and_answered_raveled(name: str, reduction: str) -> None:
    objective = LOSSES[name](reduction=reduction).bind(LABELS, np.array([[2.0], [0.5]]))
    value, grad = objective.value_and_grad(SCORES)
    flat_value, flat_grad = objective.value_and_grad(SCORES.ravel())
    assert grad.shape == SCORES.shape
    assert flat_grad.shape == (SCORES.size,)
    np.testing.assert_array_equal(grad.ravel(), flat_grad)
    if reduction == "none":
        assert value.shape == SCORES.shape
        assert flat_value.shape == (SCORES.size,)
    np.testing.assert_array_equal(np.ravel(value), np.ravel(flat_value))
    for left, right in zip(
        objective.grad_and_hess(SCORES), objective.grad_and_hess(SCORES.ravel()), strict=True
    ):
        assert left.shape == SCORES.shape
        np.testing.assert_array_equal(left.ravel(), right)
    product = objective.hessp(SCORES, SCORES)
    assert product.shape == SCORES.shape
    flat_product = objective.hessp(SCORES.ravel(), SCORES.ravel())
    assert flat_product.shape == (SCORES.size,)
    np.testing.assert_array_equal(product.ravel(), flat_product)


def test_raveled_out() -> None:
    objective = rg.PairwiseLogisticLoss().bind(LABELS)
    out = np.zeros(SCORES.size), np.zeros(SCORES.size)
    assert objective.grad_and_hess(SCORES.ravel(), out=out)[0] is out[0]
    for left, right in zip(out, objective.grad_and_hess(SCORES), strict=True):
        np.testing.assert_array_equal(left, right.ravel())


def test_pairs_per_list() -> None:
    counts = rg.PairwiseHingeLoss().bind(LABELS).pairs_per_list
    assert counts.tolist() == [3.0, 1.0]
    assert rg.PairwiseHingeLoss().bind([1, 0, 0, 2, 2], groups=[3, 0, 2]).pairs_per_list.tolist() == [
        2.0,
        0.0,
        0.0,
    ]
    assert rg.PairwiseMeanSquaredError().bind(LABELS).pairs_per_list.tolist() == [9.0, 4.0]


# --- what bind keeps ----------------------------------------------------------------------------------


def test_bound_data_are_private_copies() -> None:
    labels, weights, groups = LABELS.ravel().copy(), np.ones(6), np.array([3, 3])
    mask = np.ones(6, dtype=bool)
    objective = rg.PairwiseLogisticLoss().bind({"labels": labels, "mask": mask}, weights, groups=groups)
    before = objective.grad_and_hess(SCORES.ravel())
    labels[:], weights[:], groups[:], mask[:] = 7, np.nan, 10**9, False
    for left, right in zip(before, objective.grad_and_hess(SCORES.ravel()), strict=True):
        np.testing.assert_array_equal(left, right)


def test_results_are_fresh_arrays() -> None:
    objective = rg.PairwiseLogisticLoss(reduction="none").bind(LABELS)
    value, grad = objective.value_and_grad(SCORES)
    kept = value.copy(), grad.copy()
    again = objective.value_and_grad(-SCORES)
    assert not any(np.shares_memory(a, b) for a in (value, grad) for b in again)
    np.testing.assert_array_equal(value, kept[0])
    np.testing.assert_array_equal(grad, kept[1])


def test_one_objective_takes_both_dtypes() -> None:
    objective = rg.PairwiseLogisticLoss().bind(LABELS)
    wide = objective.grad_and_hess(SCORES)
    narrow = objective.grad_and_hess(SCORES.astype(np.float32))
    assert narrow[0].dtype == np.float32
    for left, right in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(wide[0], objective.grad_and_hess(SCORES)[0])


@pytest.mark.parametrize("name", LOSSES)
def test_curvature_and_its_floor(name: str, rng: np.random.Generator) -> None:
    lists = random_lists(rng, [6, 1, 4])
    objective = bind(name, lists)
    exact = objective.grad_and_hess(lists.scores)[1]
    positive = objective.grad_and_hess(lists.scores, curvature="positive")[1]
    assert (positive >= 0).all()
    np.testing.assert_array_equal(objective.grad_and_hess(lists.scores, curvature="exact")[1], exact)
    for curvature, plain in (("exact", exact), ("positive", positive)):
        floored = objective.grad_and_hess(lists.scores, curvature=curvature, min_hessian=0.25)[1]
        np.testing.assert_array_equal(floored, np.maximum(plain, 0.25))
    # hessp is the exact Hessian whatever was asked for before
    np.testing.assert_allclose(objective.hessp(lists.scores, np.ones(11)), 0, atol=1e-12)


# --- loss objects -------------------------------------------------------------------------------------


def variants() -> list[Any]:
    return [make() for make in LOSSES.values()] + [
        rg.PairwiseHingeLoss(
            2.5, reduction="none", name="mine", dtype="float32", negative_labels="use", nan="propagate"
        ),
        rg.PairwiseQuantileLoss(0.5, tau=0.9, squared=True, reduction=None),
    ]


@pytest.mark.parametrize("loss", variants(), ids=repr)
def test_copies_and_pickles_are_equal(loss: Any) -> None:
    for twin in (
        copy.copy(loss),
        copy.deepcopy(loss),
        pickle.loads(pickle.dumps(loss)),
        dataclasses.replace(loss),
    ):
        assert twin == loss
        assert hash(twin) == hash(loss)
        assert repr(twin) == repr(loss)
        np.testing.assert_array_equal(twin(LABELS, SCORES), loss(LABELS, SCORES))
    assert dataclasses.replace(loss, temperature=7.0) != loss
    with pytest.raises(dataclasses.FrozenInstanceError):
        loss.temperature = 3.0


@pytest.mark.parametrize("loss", variants(), ids=repr)
def test_configurations(loss: Any) -> None:
    """get_config has keras-rs's keys at least, and from_config gives the loss back."""
    config = loss.get_config()
    assert {"name", "reduction", "temperature"} <= set(config)
    assert config["temperature"] == loss.temperature
    assert type(loss).from_config(config) == loss
    config["temperature"] = 9.0  # the caller's own copy
    assert loss.get_config()["temperature"] == loss.temperature


def test_a_configuration_of_keras_rs_is_taken() -> None:
    config = {"name": "ranker", "reduction": "sum", "temperature": 0.5}
    loss = rg.PairwiseLogisticLoss.from_config(config)
    assert (loss.name, loss.reduction, loss.temperature) == ("ranker", "sum", 0.5)


def test_repr_can_be_evaluated() -> None:
    for loss in variants():
        assert eval(repr(loss), vars(rg)) == loss


@pytest.mark.parametrize("name", LOSSES)
def test_call_gives_unreduced_values_whatever_the_reduction(name: str) -> None:
    rows = LOSSES[name](reduction="none")(LABELS, SCORES)
    for reduction in REDUCTIONS:
        np.testing.assert_array_equal(LOSSES[name](reduction=reduction).call(LABELS, SCORES), rows)
    one = LOSSES[name]().call(LABELS[0], SCORES[0])
    assert one.shape == (3,)
    np.testing.assert_array_equal(one, rows[0])


def test_negative_zero_and_sums_of_nothing_have_no_sign() -> None:
    grad, hess = rg.PairwiseHingeLoss().grad_and_hess([1, 1], [0.5, 0.7])
    assert not np.signbit(hess).any()
    assert (grad == 0).all()


# --- threads and levels -------------------------------------------------------------------------------


def test_threads_as_setter_and_as_context() -> None:
    before = _core.default_threads()
    try:
        rg.threads(3)
        assert _core.default_threads() == 3
        with rg.threads(2):
            assert _core.default_threads() == 2
            with rg.threads(1):
                assert _core.default_threads() == 1
            assert _core.default_threads() == 2
        assert _core.default_threads() == 3
        with pytest.raises(KeyError), rg.threads(2):
            raise KeyError
        assert _core.default_threads() == 3
    finally:
        rg.threads(before)


@pytest.mark.parametrize("n", [0, -1, 1.5, "2"])
def test_threads_wants_a_positive_number(n: Any) -> None:
    before = _core.default_threads()
    with pytest.raises((ValueError, TypeError), match=r"^n: "):
        rg.threads(n)
    assert _core.default_threads() == before


def test_default_threads_give_the_same_bits(rng: np.random.Generator) -> None:
    lists = random_lists(rng, rng.integers(0, 80, 400))
    objective = bind("logistic", lists)
    with rg.threads(1):
        expected = objective.grad_and_hess(lists.scores)
    for n in (2, 4):
        with rg.threads(n):
            for left, right in zip(expected, objective.grad_and_hess(lists.scores), strict=True):
                np.testing.assert_array_equal(left, right)


def test_levels(isa: str) -> None:
    levels = rg.isa_levels()
    assert "baseline" in levels
    assert len(set(levels)) == len(levels)
    assert _core.isa_level() == isa
    with pytest.raises(ValueError, match=rf"name: .*{levels[0]}.*no such"):
        rg.select_isa("no such")
    assert _core.isa_level() == isa


def test_one_objective_in_many_threads(rng: np.random.Generator) -> None:
    """Scratch memory is one call's own: 4 Python threads each get the bits of a lone call."""
    lists = random_lists(rng, rng.integers(0, 60, 100))
    objective = bind("logistic", lists)
    inputs = [rng.normal(size=len(lists.scores)) for _ in range(4)]
    expected = [objective.grad_and_hess(scores) for scores in inputs]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(25):
            for left, right in zip(expected[k], objective.grad_and_hess(inputs[k]), strict=True):
                if not np.array_equal(left, right):
                    wrong.append(k)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def _in_child(connection: Any, scores: Any) -> None:
    connection.send(_FORKED.grad_and_hess(scores, n_threads=4))


_FORKED: Any = None


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_forked_child_computes_the_same(rng: np.random.Generator) -> None:
    """After a parallel call in the parent, too: threads do not survive a fork."""
    global _FORKED
    lists = random_lists(rng, rng.integers(0, 60, 200))
    _FORKED = bind("logistic", lists)
    expected = _FORKED.grad_and_hess(lists.scores, n_threads=4)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_in_child, args=(theirs, lists.scores))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks with threads alive
        child.start()
    answered = ours.poll(20)
    got = ours.recv() if answered else None
    if not answered:
        child.kill()
    child.join()
    assert answered, "the child hung"
    for left, right in zip(expected, got, strict=True):
        np.testing.assert_array_equal(left, right)


def test_calls_leave_the_floating_point_mode_alone() -> None:
    """Denormal numbers are not flushed after a call."""
    rg.PairwiseLogisticLoss()(LABELS, SCORES)
    smallest = np.finfo(np.float64).tiny
    assert np.array([smallest])[0] / 2 != 0


def test_the_build_says_what_it_is() -> None:
    info = rg.build_info()
    assert info["version"] == rg.__version__
    assert "fast-math" not in str(info)
