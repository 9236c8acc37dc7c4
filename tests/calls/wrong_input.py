"""What the tests of errors share: a right call, and ways to spoil it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from reference import Array

LABELS = np.array([2.0, 0.0, 1.0, 0.0, 1.0, 3.0, 0.0, 1.0])
SCORES = np.array([0.3, -0.2, 1.5, 0.9, -1.1, 0.4, 0.8, -0.6])
WIDE_LABELS, WIDE_SCORES = LABELS.reshape(2, 4), SCORES.reshape(2, 4)

LOSS = rg.PairwiseLogisticLoss(reduction="sum")

# What the arguments may be called in a message.
labels_ = r"(y_true|labels)"
scores_ = r"(y_pred|scores)"
WRONG = (ValueError, TypeError)


def call_all(*arguments: Any, **options: Any) -> None:
    """Every one-off call with these arguments must raise; the last one is left to the caller's `raises`."""
    for method in (LOSS.__call__, LOSS.grad_and_hess):
        try:
            method(*arguments, **options)
        except WRONG:
            continue
        pytest.fail("nothing was raised")
    LOSS.value_and_grad(*arguments, **options)


def misaligned(values: Array) -> Array:
    """The same numbers one byte off."""
    raw = np.zeros(values.nbytes + 1, dtype=np.uint8)
    out = raw[1:].view(values.dtype)
    out[:] = values
    assert not out.flags.aligned
    return out


def readonly(values: Array) -> Array:
    values = values.copy()
    values.flags.writeable = False
    return values


def spoiled(values: Array, place: Any, bad: float) -> Array:
    values = np.array(values, dtype=np.float64)
    values[place] = bad
    return values
