"""Arrays of forbidden types and numbers that are none are refused; odd but right arrays are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reference import Array
from wrong_input import (
    LABELS,
    LOSS,
    SCORES,
    WIDE_LABELS,
    WIDE_SCORES,
    WRONG,
    call_all,
    labels_,
    misaligned,
    readonly,
    scores_,
    spoiled,
)

pytestmark = pytest.mark.usefixtures("isa")


FORBIDDEN = {
    "complex": np.ones(8, dtype=complex),
    "datetime": np.zeros(8, dtype="M8[s]"),
    "timedelta": np.zeros(8, dtype="m8[s]"),
    "object": np.array([1.0, 2.0, None, 4.0, 5.0, 6.0, 7.0, 8.0], dtype=object),
    "structured": np.zeros(8, dtype=[("a", "f8"), ("b", "f4")]),
    "string": np.array(["1"] * 8),
    "bytes": np.array([b"1"] * 8),
    "masked": np.ma.masked_array(np.arange(8.0), [0, 1] * 4),
}


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_forbidden_dtypes(kind: str) -> None:
    bad = FORBIDDEN[kind]
    with pytest.raises(WRONG, match=scores_):
        call_all(LABELS, bad)
    with pytest.raises(WRONG, match=labels_):
        call_all(bad, SCORES)
    with pytest.raises(WRONG, match="sample_weight"):
        call_all(LABELS, SCORES, bad)
    with pytest.raises(WRONG, match="scores"):
        LOSS.bind(LABELS).grad_and_hess(bad)
    if kind != "masked":
        with pytest.raises(WRONG, match="mask"):
            call_all({"labels": LABELS, "mask": bad}, SCORES)


def test_boolean_scores_are_no_scores() -> None:
    with pytest.raises(WRONG, match=rf"{scores_}.*bool"):
        call_all(LABELS, SCORES > 0)
    with pytest.raises(WRONG, match=r"sample_weight.*bool"):
        call_all(LABELS, SCORES, SCORES > 0)


class HasArray:
    """Anything with __array__ is taken."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.values, dtype=dtype, copy=True)


FORMS = {
    "misaligned": misaligned,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "read-only": readonly,
    "strided": lambda a: np.repeat(a, 3)[::3],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "column": lambda a: np.stack([a, a], axis=1)[:, 1],
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(a.tolist()),
    "__array__": HasArray,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_odd_but_right_arrays(form: str, dtype: Any) -> None:
    labels, scores, weights = LABELS.astype(dtype), SCORES.astype(dtype), np.arange(8).astype(dtype)
    mask = np.array([1, 1, 1, 0, 1, 1, 1, 1], dtype=np.int64)
    offsets = np.array([0, 3, 8])
    make = FORMS[form]
    want = LOSS.grad_and_hess({"labels": labels, "mask": mask}, scores, weights, offsets=offsets)
    got = LOSS.grad_and_hess(
        {"labels": make(labels), "mask": make(mask)}, make(scores), make(weights), offsets=make(offsets)
    )
    for left, right in zip(want, got, strict=True):
        # a list of Python floats is float64: the results are those of the same numbers in another dtype
        np.testing.assert_allclose(right, left, rtol=1e-5 if right.dtype != left.dtype else 0)
    bound = LOSS.bind(
        {"labels": make(labels), "mask": make(mask)}, make(weights), groups=make(np.array([3, 5]))
    )
    for left, right in zip(got, bound.grad_and_hess(make(scores)), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("order", ["F", "broadcast", "slice"])
def test_odd_but_right_matrices(order: str) -> None:
    labels, scores = np.array(WIDE_LABELS), np.array(WIDE_SCORES)
    if order == "F":
        labels_given, scores_given = np.asfortranarray(labels), np.asfortranarray(scores)
    elif order == "slice":
        labels_given, scores_given = np.tile(labels, 2)[:, :4], np.tile(scores, (2, 2))[:2, 4:]
    else:
        scores = np.broadcast_to(scores[0], (2, 4)).copy()
        labels_given, scores_given = labels, np.broadcast_to(scores[0], (2, 4))
    for left, right in zip(
        LOSS.grad_and_hess(labels, scores), LOSS.grad_and_hess(labels_given, scores_given), strict=True
    ):
        assert right.flags.c_contiguous
        np.testing.assert_array_equal(left, right)


def test_inputs_are_not_changed() -> None:
    copies = LABELS.copy(), SCORES.copy()
    weights = np.linspace(0, 1, 8)
    before = weights.copy()
    LOSS.value_and_grad(LABELS, SCORES, weights, groups=[3, 5])
    for now, then in ((LABELS, copies[0]), (SCORES, copies[1]), (weights, before)):
        np.testing.assert_array_equal(now, then)


def test_other_keys_of_the_dictionary_are_ignored() -> None:
    """As keras-rs does."""
    assert LOSS({"labels": LABELS, "weights": "anything", "mask": np.ones(8)}, SCORES) == LOSS(LABELS, SCORES)


# --- numbers that are none ----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_non_finite_scores_and_weights(bad: float, dtype: Any) -> None:
    weights = np.ones(8)
    for form in ({}, {"groups": [3, 5]}):
        with pytest.raises(ValueError, match=rf"{scores_}.*\b5\b"):
            call_all(LABELS, spoiled(spoiled(SCORES, 5, bad), 7, bad).astype(dtype), **form)
        with pytest.raises(ValueError, match=r"sample_weight.*\b6\b"):
            call_all(LABELS, SCORES, spoiled(weights, 6, bad).astype(dtype), **form)
        with pytest.raises(ValueError, match=r"scores.*\b5\b"):
            LOSS.bind(LABELS, **form).value(spoiled(SCORES, 5, bad).astype(dtype))
    with pytest.raises(ValueError, match=rf"{scores_}.*(\b1\b.*\b2\b|\b6\b)"):
        call_all(WIDE_LABELS, spoiled(WIDE_SCORES, (1, 2), bad).astype(dtype))
    with pytest.raises(ValueError, match=r"sample_weight.*\b1\b"):
        call_all(WIDE_LABELS, WIDE_SCORES, np.array([[1.0], [bad]]))
    with pytest.raises(ValueError, match="sample_weight"):
        call_all(WIDE_LABELS, WIDE_SCORES, bad)


def test_nan_labels() -> None:
    loss = rg.PairwiseHingeLoss()
    with pytest.raises(ValueError, match=rf"{labels_}.*\b4\b"):
        loss(spoiled(LABELS, 4, np.nan), SCORES)
    with pytest.raises(ValueError, match=rf"{labels_}.*\b4\b"):
        loss.bind(spoiled(LABELS, 4, np.nan), groups=[3, 5])


def test_float64_scores_too_large_for_float32_raise() -> None:
    with pytest.raises(ValueError, match=rf"{scores_}.*\b3\b"):
        rg.PairwiseHingeLoss(dtype="float32")(LABELS, spoiled(SCORES, 3, 1e300))


@given(
    st.one_of(hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(max_dims=3, max_side=9)), st.text(), st.none())
)
def test_whatever_comes_as_scores(scores: Any) -> None:
    """Any array: a result of its shape, or a ValueError or TypeError that names the argument."""
    objective = LOSS.bind(LABELS)
    try:
        right = np.shape(scores) == (8,) and scores.dtype.kind in "iuf" and np.isfinite(scores).all()
    except ValueError:
        right = False
    if right:
        assert objective.value_and_grad(scores)[1].shape == (8,)
    else:
        with pytest.raises(WRONG, match="scores"):
            objective.value_and_grad(scores)
