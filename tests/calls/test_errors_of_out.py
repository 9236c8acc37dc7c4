"""Arrays given as `out=` that cannot be filled are refused, and an error leaves them as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from reference import Array
from wrong_input import LABELS, LOSS, SCORES, WRONG, misaligned, readonly, spoiled

pytestmark = pytest.mark.usefixtures("isa")


def buffers(n: int = 8, dtype: Any = np.float64) -> tuple[Array, Array]:
    return np.full(n, 7.0, dtype=dtype), np.full(n, 7.0, dtype=dtype)


OVERLAP = np.zeros(16)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(8, dtype=np.float32),
        np.zeros(8, dtype=np.int64),
        np.zeros(8, dtype=">f8"),
        np.zeros(7),
        np.zeros((8, 1)),
        np.zeros((2, 4)),
        np.zeros(16)[::2],
        readonly(np.zeros(8)),
        misaligned(np.zeros(8)),
        [0.0] * 8,
        None,
    ],
    ids=[
        "float32",
        "int64",
        "big-endian",
        "short",
        "column",
        "padded",
        "strided",
        "read-only",
        "misaligned",
        "list",
        "None",
    ],
)
def test_out_that_cannot_be_filled(bad: Any) -> None:
    good = np.full(8, 7.0)
    objective = LOSS.bind(LABELS)
    for out in ((good, bad), (bad, good)):
        with pytest.raises(WRONG, match="out"):
            objective.grad_and_hess(SCORES, out=out)
        with pytest.raises(WRONG, match="out"):
            LOSS.grad_and_hess(LABELS, SCORES, out=out)
        assert (good == 7).all()


def test_out_of_the_wrong_number() -> None:
    objective = LOSS.bind(LABELS)
    one, two = buffers()
    for out in (one, (one,), (one, two, one.copy()), (), [[one, two]]):
        with pytest.raises(WRONG, match="out"):
            objective.grad_and_hess(SCORES, out=out)
    for out in ((one, two), ()):  # the reduced value is a number: one array only
        with pytest.raises(WRONG, match="out"):
            objective.value_and_grad(SCORES, out=out)
    assert (one == 7).all()
    assert (two == 7).all()


def test_out_that_overlaps() -> None:
    memory = np.full(24, 0.5)
    scores = memory[:8]
    scores[:] = SCORES
    before = memory.copy()
    objective = LOSS.bind(LABELS)
    apart = np.full(8, 7.0)
    for bad in (memory[:8], memory[4:12], memory[7:15]):
        for out in ((bad, apart), (apart, bad)):
            with pytest.raises(ValueError, match=r"out.*overlap"):
                objective.grad_and_hess(scores, out=out)
    for out in ((apart, apart), (memory[8:16], memory[12:20])):  # two results in one place
        with pytest.raises(ValueError, match=r"out.*overlap"):
            objective.grad_and_hess(scores, out=out)
    np.testing.assert_array_equal(memory, before)
    objective.grad_and_hess(scores, out=(memory[8:16], memory[16:24]))  # neighbours do not overlap
    np.testing.assert_array_equal(memory[8:16], objective.grad_and_hess(SCORES)[0])


def test_out_has_one_array_for_each_array_result() -> None:
    """A reduced value is a number and takes none; unreduced values take one."""
    one, two = buffers()
    value, grad = LOSS.bind(LABELS).value_and_grad(SCORES, out=one)
    assert grad is one
    assert value == LOSS.value_and_grad(LABELS, SCORES)[0]

    objective = rg.PairwiseLogisticLoss(reduction="none").bind(LABELS)
    values, grad = objective.value_and_grad(SCORES)
    given = objective.value_and_grad(SCORES, out=(one, two))
    assert given[0] is one
    assert given[1] is two
    np.testing.assert_array_equal(one, values)
    np.testing.assert_array_equal(two, grad)


def test_out_of_unreduced_values() -> None:
    buffer = np.full(8, 7.0)
    objective = rg.PairwiseLogisticLoss(reduction="none").bind(LABELS)
    assert objective.value(SCORES, out=buffer) is buffer
    np.testing.assert_array_equal(buffer, objective.value(SCORES))


def test_an_error_leaves_out_untouched() -> None:
    one, two = buffers()
    objective = LOSS.bind(LABELS, groups=[3, 5])
    wrong_scores = [spoiled(SCORES, 7, np.nan), SCORES[:7], SCORES > 0, SCORES.astype(complex)]
    for scores in wrong_scores:
        with pytest.raises(WRONG):
            objective.grad_and_hess(scores, out=(one, two))
        with pytest.raises(WRONG):
            LOSS.grad_and_hess(LABELS, scores, groups=[3, 5], out=(one, two))
    for options in (
        {"groups": [3, 4]},
        {"offsets": [0, 9]},
        {"qid": [1, 2] * 4},
        {"groups": [8], "n_threads": 0},
    ):
        with pytest.raises(WRONG):
            LOSS.grad_and_hess(LABELS, SCORES, out=(one, two), **options)
    with pytest.raises(WRONG):
        LOSS.grad_and_hess(spoiled(LABELS, 7, np.nan), SCORES, out=(one, two))
    with pytest.raises(WRONG):
        LOSS.grad_and_hess(LABELS, SCORES, spoiled(np.ones(8), 7, np.inf), out=(one, two))
    assert (one == 7).all()
    assert (two == 7).all()
