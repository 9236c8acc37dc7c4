"""Wrong input raises an error naming the argument and the first bad place; odd but right input is taken."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reference import Array

pytestmark = pytest.mark.usefixtures("isa")

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


# --- shapes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        (LABELS, SCORES[:7], rf"{labels_}.*\b8\b.*\b7\b|{scores_}.*\b7\b.*\b8\b"),
        (WIDE_LABELS, SCORES, rf"{labels_}.*\(2, 4\)|{scores_}.*\(8,\)"),
        (WIDE_LABELS, WIDE_SCORES.T, rf"{labels_}.*\(2, 4\)|{scores_}.*\(4, 2\)"),
        (1.0, 2.0, rf"{labels_}|{scores_}"),
        (LABELS.reshape(2, 2, 2), SCORES.reshape(2, 2, 2), rf"{labels_}|{scores_}"),
        ({"labels": WIDE_LABELS, "mask": np.ones(4, dtype=bool)}, WIDE_SCORES, r"mask.*\(4,\)"),
        ({"labels": WIDE_LABELS, "mask": np.ones((4, 2), dtype=bool)}, WIDE_SCORES, r"mask.*\(4, 2\)"),
        ({"mask": np.ones(8, dtype=bool)}, SCORES, r"y_true.*labels|labels.*y_true"),
        ({}, SCORES, r"y_true.*labels|labels.*y_true"),
        ([[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0]], rf"{labels_}|{scores_}"),
        (None, SCORES, labels_),
        (LABELS, None, scores_),
    ],
    ids=[
        "length",
        "rank",
        "transposed",
        "rank0",
        "rank3",
        "mask rank",
        "mask shape",
        "no labels",
        "empty dict",
        "nested lists",
        "labels None",
        "scores None",
    ],
)
def test_shapes(labels: Any, scores: Any, message: str) -> None:
    with pytest.raises(WRONG, match=message):
        call_all(labels, scores)


@pytest.mark.parametrize(
    ("shape", "weights", "lists", "message"),
    [
        ((2, 4), np.ones(2), {}, r"sample_weight.*\(2, 1\)"),
        ((2, 2), np.ones(2), {}, r"sample_weight.*\(2, 1\)"),  # B == N: keras-rs takes them for item weights
        ((2, 4), np.ones(4), {}, "sample_weight"),
        ((2, 4), np.ones((1, 3)), {}, "sample_weight"),
        ((2, 4), np.ones((1, 4)), {}, "sample_weight"),
        ((2, 4), np.ones((4, 2)), {}, "sample_weight"),
        ((2, 4), np.ones((2, 4, 1)), {}, "sample_weight"),
        ((8,), np.ones(7), {}, "sample_weight"),
        ((8,), np.ones(2), {"groups": [3, 5]}, "sample_weight"),
        ((8,), np.ones((3, 1)), {"groups": [3, 5]}, "sample_weight"),
        ((8,), np.ones((8, 1)), {"groups": [3, 5]}, "sample_weight"),
    ],
)
def test_weight_shapes(shape: tuple[int, ...], weights: Array, lists: dict[str, Any], message: str) -> None:
    n = int(np.prod(shape))
    with pytest.raises(ValueError, match=message):
        call_all(LABELS[:n].reshape(shape), SCORES[:n].reshape(shape), weights, **lists)


# --- where lists begin --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offsets", "place"),
    [
        ([0, 5, 3, 8], r"\b2\b"),
        ([0, -1, 8], r"\b1\b"),
        ([0, 3, 9], r"\b9\b"),
        ([0, 9, 8], "index 1 holds 9, past the end of the 8 items"),
        ([0, 3, 2**63 - 1], str(2**63 - 1)),
        ([0, 2**63 - 1, 8], f"index 1 holds {2**63 - 1}, past the end of the 8 items"),
        (np.array([0, 2**63, 8], dtype=np.uint64), f"index 1 holds {2**63}, past the range of int64"),
        (np.array([0, 2**64 - 1, 8], dtype=np.uint64), r""),
        ([0, 3, 7], r"\b7\b.*\b8\b|\b8\b.*\b7\b"),
        ([1, 8], r"\b1\b"),
        ([-(2**63), 8], r""),
        ([0], r""),
        ([], r""),
        ([[0, 3, 8]], r""),
        (8, r""),
        ([0.0, 3.5, 8.0], r"index 1 holds 3\.5"),
        ([0.0, np.nan, 8.0], r"index 1 holds nan"),
        ([False, True], r"bool"),
        (["0", "8"], r""),
        (np.array([0, 8], dtype="m8[s]"), r""),
        (np.array([0, 8], dtype=object), r""),
        (np.ma.masked_array([0, 3, 8], [0, 1, 0]), r""),
    ],
    ids=repr,
)
def test_offsets(offsets: Any, place: str) -> None:
    with pytest.raises(WRONG, match=rf"offsets.*{place}"):
        call_all(LABELS, SCORES, offsets=offsets)


@pytest.mark.parametrize(
    ("groups", "place"),
    [
        ([3, 4], r"\b7\b.*\b8\b|\b8\b.*\b7\b"),
        ([3, 6], r"\b9\b.*\b8\b|\b8\b.*\b9\b"),
        ([3, -1, 6], r"\b1\b"),
        ([-1, 9], r"\b0\b|-1"),
        ([2**62, 2**62, 2**62, 2**62, 8], r""),  # the sum is 8 again in 64 bits
        ([2**63 - 1, 2**63 - 1, 10], r""),  # also
        ([2**32 + 8], r""),
        (np.array([2**64 - 1, 9], dtype=np.uint64), f"index 0 holds {2**64 - 1}, past the range of int64"),
        ([], r""),
        ([[3, 5]], r""),
        (8, r""),
        ([2.5, 5.5], r"index 0 holds 2\.5"),
        ([3.0, np.nan], r"index 1 holds nan"),
        ([True] * 8, r"bool"),
        (["3", "5"], r""),
        (np.array([3, 5], dtype=object), r""),
        (np.ma.masked_array([3, 5], [0, 1]), r""),
    ],
    ids=repr,
)
def test_groups(groups: Any, place: str) -> None:
    with pytest.raises(WRONG, match=rf"groups.*({place})"):
        call_all(LABELS, SCORES, groups=groups)


@pytest.mark.parametrize(
    ("qid", "place"),
    [
        ([5, 5, 2, 2, 5, 5, 5, 5], r"\b4\b"),
        ([1, 2, 1, 2, 1, 2, 1, 2], r"\b2\b"),
        ([5] * 7, r"\b7\b.*\b8\b|\b8\b.*\b7\b"),
        ([[5] * 8], r""),
        ([5.0, 5.0, np.nan, np.nan, 5.0, 5.0, 5.0, 5.0], r""),
        (np.array([1] * 8, dtype=complex), r""),
        (5, r""),
    ],
    ids=repr,
)
def test_qid(qid: Any, place: str) -> None:
    with pytest.raises(WRONG, match=rf"qid.*({place})"):
        call_all(LABELS, SCORES, qid=qid)


def test_first_item_of_a_torn_query_is_named() -> None:
    with pytest.raises(ValueError, match=r"qid.*\b2\b"):
        LOSS([1, 0, 1], [0.1, 0.2, 0.3], qid=[5, 2, 5])
    assert LOSS([1, 0, 1, 0], [0.1, 0.2, 0.3, 0.4], qid=[5, 5, 2, 2]) > 0


@pytest.mark.parametrize(
    "forms",
    [
        {"groups": [8], "offsets": [0, 8]},
        {"groups": [8], "qid": [1] * 8},
        {"offsets": [0, 8], "qid": [1] * 8},
        {"groups": [8], "offsets": [0, 8], "qid": [1] * 8},
    ],
)
def test_only_one_form_of_lists(forms: dict[str, Any]) -> None:
    with pytest.raises(WRONG, match=".*".join(forms)):
        call_all(LABELS, SCORES, **forms)


@pytest.mark.parametrize("form", [{"groups": [4, 4]}, {"offsets": [0, 4, 8]}, {"qid": [1] * 4 + [2] * 4}])
def test_padded_arrays_take_no_lists(form: dict[str, Any]) -> None:
    with pytest.raises(WRONG, match=next(iter(form))):
        call_all(WIDE_LABELS, WIDE_SCORES, **form)


@given(data=st.data(), sizes=st.lists(st.integers(0, 5), min_size=1, max_size=6))
def test_offsets_are_taken_exactly_when_they_are_right(data: st.DataObject, sizes: list[int]) -> None:
    """Right offsets, then up to two entries changed: the rule in Python and the check of the core agree."""
    offsets = [0, *np.cumsum(sizes).tolist()]
    n = offsets[-1]
    odd = st.one_of(st.integers(-3, n + 3), st.sampled_from([2**31, 2**32 + 1, 2**63 - 1, -(2**63)]))
    for _ in range(data.draw(st.integers(0, 2))):
        offsets[data.draw(st.integers(0, len(offsets) - 1))] = data.draw(odd)
    right = offsets[0] == 0 and offsets[-1] == n and all(a <= b for a, b in pairwise(offsets))
    labels, scores = np.resize(LABELS, n), np.resize(SCORES, n)
    if right:
        expected = sum(LOSS(labels[a:b], scores[a:b]) for a, b in pairwise(offsets))
        assert LOSS(labels, scores, offsets=offsets) == pytest.approx(expected, rel=1e-12)
    else:
        with pytest.raises(ValueError, match="offsets"):
            LOSS(labels, scores, offsets=offsets)


# --- parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, r"temperature.*0\.0"),
        ({"temperature": -1.0}, r"temperature.*-1\.0"),
        ({"temperature": float("nan")}, "temperature.*nan"),
        ({"temperature": float("inf")}, "temperature.*inf"),
        ({"temperature": "1"}, "temperature"),
        ({"temperature": None}, "temperature"),
        ({"temperature": [1.0]}, "temperature"),
        ({"temperature": 1j}, "temperature"),
        ({"reduction": "avg"}, "reduction.*avg"),
        ({"reduction": "NONE"}, "reduction.*NONE"),
        ({"reduction": 3}, "reduction.*3"),
        ({"reduction": ["sum"]}, "reduction"),
        ({"nan": "skip"}, "nan.*skip"),
        ({"negative_labels": "drop"}, "negative_labels.*drop"),
        ({"dtype": "int32"}, "dtype.*int32"),
        ({"dtype": "complex128"}, "dtype.*complex128"),
        ({"dtype": "no such"}, "dtype"),
    ],
    ids=lambda value: str(value),
)
def test_constructor(options: dict[str, Any], message: str) -> None:
    for make in (rg.PairwiseHingeLoss, rg.PairwiseMeanSquaredError, rg.PairwiseQuantileLoss):
        with pytest.raises(WRONG, match=message):
            make(**options)


@pytest.mark.parametrize("tau", [0.0, -0.5, 1.5, float("nan"), "0.5", None])
def test_tau(tau: Any) -> None:
    with pytest.raises(WRONG, match="tau"):
        rg.PairwiseQuantileLoss(tau=tau)
    assert rg.PairwiseQuantileLoss(tau=1.0, reduction="sum")([1, 0], [0.0, 0.0]) == 1.0


def test_everything_after_temperature_is_keyword_only() -> None:
    with pytest.raises(TypeError):
        rg.PairwiseHingeLoss(1.0, "sum")  # type: ignore[misc]
    with pytest.raises(TypeError):
        LOSS(LABELS, SCORES, None, [8])  # type: ignore[misc]


@pytest.mark.parametrize("n_threads", [0, -1, 1.5, "2", float("nan")])
def test_n_threads(n_threads: Any) -> None:
    with pytest.raises((*WRONG, OverflowError), match="n_threads"):
        call_all(LABELS, SCORES, n_threads=n_threads)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"curvature": "newton"}, "curvature"),
        ({"min_hessian": -1.0}, "min_hessian"),
        ({"min_hessian": "1"}, "min_hessian"),
        ({"min_hessian": float("nan")}, "min_hessian"),
    ],
)
def test_options_of_grad_and_hess(options: dict[str, Any], message: str) -> None:
    with pytest.raises(WRONG, match=message):
        LOSS.bind(LABELS).grad_and_hess(SCORES, **options)


def test_algorithm() -> None:
    with pytest.raises(WRONG, match=r"algorithm.*quick"):
        LOSS.bind(LABELS, algorithm="quick")


@pytest.mark.parametrize("cotangent", [np.ones(8), np.ones(1), "1", [1.0], 1j, None])
def test_cotangent_of_a_reduced_value_is_a_number(cotangent: Any) -> None:
    objective = LOSS.bind(LABELS)
    if cotangent is None:
        np.testing.assert_array_equal(
            objective.value_and_grad(SCORES, cotangent=None)[1], objective.value_and_grad(SCORES)[1]
        )
        return
    with pytest.raises(WRONG, match="cotangent"):
        objective.value_and_grad(SCORES, cotangent=cotangent)


@pytest.mark.parametrize("cotangent", [np.ones(7), np.ones((8, 1)), np.ones(8, dtype=complex), ["a"] * 8])
def test_cotangent_of_unreduced_values_has_their_shape(cotangent: Any) -> None:
    objective = rg.PairwiseHingeLoss(reduction="none").bind(LABELS)
    with pytest.raises(WRONG, match="cotangent"):
        objective.value_and_grad(SCORES, cotangent=cotangent)
    with pytest.raises(WRONG, match="cotangent"):
        objective.hessp(SCORES, SCORES, cotangent=cotangent)


@pytest.mark.parametrize("vector", [np.ones(7), np.ones((8, 1)), 1.0, np.ones(8, dtype=complex), None])
def test_vector_of_hessp(vector: Any) -> None:
    with pytest.raises(WRONG, match="vector"):
        LOSS.bind(LABELS).hessp(SCORES, vector)


@pytest.mark.parametrize("shape", [(7,), (4, 2), (8, 1), (1, 8), (2, 2, 2), ()])
def test_scores_of_another_shape_than_bound(shape: tuple[int, ...]) -> None:
    objective = LOSS.bind(WIDE_LABELS)
    for method in (objective.value, objective.value_and_grad, objective.grad_and_hess):
        with pytest.raises(ValueError, match=rf"scores.*{', '.join(map(str, shape))}"):
            method(np.resize(SCORES, shape))


# --- dtypes -------------------------------------------------------------------------------------------

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


def misaligned(values: Array) -> Array:
    """The same numbers one byte off."""
    raw = np.zeros(values.nbytes + 1, dtype=np.uint8)
    out = raw[1:].view(values.dtype)
    out[:] = values
    assert not out.flags.aligned
    return out


class HasArray:
    """Anything with __array__ is taken."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.values, dtype=dtype, copy=True)


def readonly(values: Array) -> Array:
    values = values.copy()
    values.flags.writeable = False
    return values


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


def spoiled(values: Array, place: Any, bad: float) -> Array:
    values = np.array(values, dtype=np.float64)
    values[place] = bad
    return values


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


# --- out= ---------------------------------------------------------------------------------------------


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
