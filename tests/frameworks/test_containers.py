"""Scores, labels, masks and weights in containers of lists: what is computed is that of flat data."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st

from containers import KINDS, Kind, Parts, kind_of
from reference import Array
from strategies import sizes

SIZES = [3, 0, 2, 4, 1]
RNG = np.random.default_rng(0)
GROUPS = {"groups": SIZES}
LOSS, NOISY = rg.PairwiseLogisticLoss(), rg.XENDCGLoss(reduction="none")
EACH, ROWS = rg.PairwiseHingeLoss(reduction="none"), rg.SoftmaxLoss(reduction="none")
SOFTMAX, POINTS = rg.ranking_softmax_loss, rg.PointwiseMeanSquaredError(reduction="none")
IMPLICIT = {"reduction": "sum"}


def cut(flat: Array) -> Parts:
    return np.split(flat, np.cumsum(SIZES)[:-1])


Y = np.array([2.0, 0, 1, 0, 1, 3, 0, -1, 2, 1])
S, V, W = RNG.normal(size=(3, 10))
W = np.abs(W)
MASK = np.array([1, 1, 1, 1, 1, 0, 1, 1, 1, 1], np.bool_)
PER_LIST = np.array([1.0, 2, 3, 4, 5])
POSITIVE = np.array([0.1, -0.4, 0.3, 0.7, 0.2])

#: Calls with what `x` makes of the scores, `c` of constants, and how the lists are given; "c" for results that are
#: containers, "p" for plain ones, "l" for numbers.
CALLS: dict[str, tuple[str, Callable[..., Any]]] = {
    "loss": ("l", lambda x, c, how: LOSS(c(Y), x(S), **how)),
    "weights": ("l", lambda x, c, how: LOSS(c(Y), x(S), c(W), **how)),
    "weights of lists": ("l", lambda x, c, how: LOSS(c(Y), x(S), PER_LIST[:, None], **how)),
    "mask": ("l", lambda x, c, how: LOSS({"labels": c(Y), "mask": c(MASK)}, x(S), **how)),
    "value_and_grad": ("lc", lambda x, c, how: LOSS.value_and_grad(c(Y), x(S), c(W), cotangent=2.0, **how)),
    "grad_and_hess": ("cc", lambda x, c, how: LOSS.grad_and_hess(c(Y), x(S), **how)),
    "none": ("c", lambda x, c, how: EACH(c(Y), x(S), **how)),
    "none, points": ("c", lambda x, c, how: POINTS(c(Y), x(S), **how)),
    "none, lists": ("p", lambda x, c, how: ROWS(c(Y), x(S), **how)),
    "none, value_and_grad": ("cc", lambda x, c, how: EACH.value_and_grad(c(Y), x(S), cotangent=c(V), **how)),
    "none, lists, value_and_grad": (
        "pc",
        lambda x, c, how: NOISY.value_and_grad(c(Y), x(S), cotangent=PER_LIST, iteration=3, **how),
    ),
    "bound": ("l", lambda x, c, how: LOSS.bind(c(Y), c(W), **how).value(x(S))),
    "bound, none": (
        "cc",
        lambda x, c, how: EACH.bind(c(Y), **how).value_and_grad(x(S), cotangent=c(V)),
    ),
    "bound, grad_and_hess": (
        "cc",
        lambda x, c, how: LOSS.bind(c(Y), **how).grad_and_hess(x(S), curvature="positive", min_hessian=0.1),
    ),
    "hessp": ("c", lambda x, c, how: LOSS.bind(c(Y), **how).hessp(x(S), c(V))),
    "ndcg": ("l", lambda x, c, how: rg.ndcg(c(Y), x(S), k=2, sample_weight=PER_LIST, **how)),
    "dcg": ("p", lambda x, c, how: rg.dcg(c(Y), x(S), per_list=True, **how)),
    "softmax": ("l", lambda x, c, how: _softmax(x, c, how, "__call__", weights=c(W), where=c(MASK))),
    "softmax, reduce_fn": ("l", lambda x, c, how: _softmax(x, c, how, "__call__", reduce_fn=np.max)),
    "softmax, none": ("p", lambda x, c, how: _softmax(x, c, how, "__call__", reduction="none")),
    "softmax, value_and_grad": ("lc", lambda x, c, how: _softmax(x, c, how, "value_and_grad")),
    "softmax, grad_and_hess": (
        "cc",
        lambda x, c, how: _softmax(x, c, how, "grad_and_hess", weights=PER_LIST[:, None]),
    ),
}


WITH_CONSTANTS_LIKE_SCORES = {"none, value_and_grad", "bound, none", "hessp"}


def _softmax(x: Any, c: Any, how: dict[str, Any], method: str, **options: Any) -> Any:
    """The function has no argument for lists: of flat data it is the loss that it is made of."""
    if not how:
        return getattr(SOFTMAX, method)(x(S), c(Y), **options)
    where, weights = options.pop("where", None), options.pop("weights", None)
    reduce_fn, reduction = options.pop("reduce_fn", None), options.pop("reduction", "mean_over_lists")
    loss = rg.SoftmaxLoss(reduction="none" if reduce_fn else reduction, negative_labels="use")
    value = getattr(loss, method)({"labels": Y, "mask": where}, S, weights, **how)
    return value[np.array(SIZES) > 0].max() if reduce_fn else value


def check(got: Any, want: Any, shape: str, kind: Kind) -> None:
    """The results of a call with containers are those of one with flat data, each as it is to be."""
    for one, flat, what in zip(*((r if len(shape) > 1 else (r,)) for r in (got, want)), shape, strict=True):
        if what == "c":
            parts = kind.opened(one)
            assert [len(part) for part in parts] == SIZES
            one, is_float = np.concatenate(parts), True
        else:
            is_float = isinstance(one, float if what == "l" else np.ndarray)
        assert is_float or kind.tensors
        np.testing.assert_allclose(np.asarray(one), flat, rtol=1e-6 if kind.tensors else 0, atol=0)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", KINDS)
def test_a_call_is_that_of_the_flat_data(name: str, call: str) -> None:
    kind, (shape, function) = kind_of(name), CALLS[call]
    want = function(np.asarray, np.asarray, GROUPS)
    check(function(lambda x: kind.make(cut(x)), lambda x: kind.make(cut(x)), {}), want, shape, kind)


@pytest.mark.parametrize("name", KINDS)
def test_labels_of_any_kind_go_with_lists_of_arrays(name: str) -> None:
    kind = kind_of(name)
    for call in ("mask", "none, value_and_grad", "hessp", "ndcg"):
        shape, function = CALLS[call]
        got = function(cut, lambda x: kind.make(cut(x)), {})
        check(got, function(np.asarray, np.asarray, GROUPS), shape, KINDS["list"])


@pytest.mark.parametrize("name", KINDS)
def test_flat_scores_go_with_labels_in_a_container_and_are_answered_flat(name: str) -> None:
    kind = kind_of(name)
    for call, (_, function) in CALLS.items():
        if not call.startswith("softmax") and call not in WITH_CONSTANTS_LIKE_SCORES:
            np.testing.assert_equal(
                function(np.asarray, lambda x: kind.make(cut(x)), {}),
                function(np.asarray, np.asarray, GROUPS),
            )
    grad = SOFTMAX.bind(kind.make(cut(Y)), where=kind.make(cut(MASK))).value_and_grad(S)[1]
    assert grad.shape == S.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
@pytest.mark.parametrize("name", KINDS)
def test_results_have_the_type_that_flat_scores_give(name: str, dtype: Any) -> None:
    kind = kind_of(name)
    if kind.tensors and dtype in (np.float16, np.int64):
        pytest.skip("tensors have rules of their own")
    if name in ("nested numbers", "pandas, lists"):
        dtype = np.float64  # as Python's numbers are
    if dtype == np.float16 and ("polars" in name):
        pytest.skip("polars has no half precision")
    scores = (4 * S).astype(dtype)
    grad = LOSS.value_and_grad(kind.make(cut(Y)), kind.make(cut(scores)))[1]
    want = LOSS.value_and_grad(Y, scores, **GROUPS)[1]
    parts = kind.opened(grad)
    if kind.needs != ("jax",):
        assert {part.dtype for part in parts} == {want.dtype}
    np.testing.assert_allclose(np.concatenate(parts), want, rtol=1e-6 if kind.tensors else 0)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("method", ["value_and_grad", "grad_and_hess"])
def test_negatives_in_a_container(name: str, method: str) -> None:
    kind = kind_of(name)
    positive = POSITIVE
    if kind.tensors:
        positive = type(kind.make([POSITIVE, POSITIVE])[0])
        pytest.skip("see test_negatives_in_tensors")
    for loss, options in ((rg.bpr_loss, {}), (rg.warp_loss, {"num_items": 9}), (rg.adaptive_hinge_loss, {})):
        got = getattr(loss, method)(positive, kind.make(cut(S)), **options)
        want = getattr(loss, method)(positive, S, groups=SIZES, **options)
        pairs = [(got[0], want[0]), (got[1], want[1])] if method == "grad_and_hess" else [(got[1], want[1])]
        for (on_positive, on_negative), (want_positive, want_negative) in pairs:
            assert type(on_positive) is np.ndarray
            np.testing.assert_array_equal(on_positive, want_positive)
            np.testing.assert_array_equal(np.concatenate(kind.opened(on_negative)), want_negative)


def test_items_of_negatives_in_a_container() -> None:
    items, metadata = np.arange(10), {"genre": np.arange(12) % 3}
    credit = {"positive_items": [0, 1, 2, 3, 4], "metadata": metadata, "metadata_weights": {"genre": 0.5}}
    got = rg.bpr_loss(POSITIVE, cut(S), negative_items=cut(items), reduction="none", **credit)
    want = rg.bpr_loss(POSITIVE, S, groups=SIZES, negative_items=items, reduction="none", **credit)
    np.testing.assert_array_equal(got, want)


# --- what is a container --------------------------------------------------------------------------------


def test_arrays_are_lists_whatever_their_lengths_and_numbers_are_rows_where_they_can_be() -> None:
    wide_y, wide_s = Y[:6].reshape(2, 3), S[:6].reshape(2, 3)
    want = LOSS.value_and_grad(wide_y, wide_s)[1]
    for labels in (list(wide_y), wide_y.tolist()):
        grad = LOSS.value_and_grad(labels, list(wide_s))[1]
        assert type(grad) is list
        np.testing.assert_array_equal(grad, want)
    grad = LOSS.value_and_grad(wide_y.tolist(), wide_s.tolist())[1]
    assert type(grad) is np.ndarray
    np.testing.assert_array_equal(grad, want)
    assert type(LOSS.value_and_grad([np.ones(3)], [S[:3]])[1]) is list
    assert LOSS.value_and_grad(Y.tolist(), S.tolist())[1].shape == S.shape
    assert LOSS.value_and_grad(list(Y), list(S))[1].shape == S.shape  # numbers of NumPy are numbers


def test_a_mixture_of_arrays_and_numbers_is_a_list_of_arrays() -> None:
    for scores in ([[0.5, 1.0], np.array([2.0])], [np.array([0.5, 1.0]), [2.0]]):
        grad = rg.PairwiseHingeLoss(reduction="sum").value_and_grad([[1, 0], [1]], scores)[1]
        assert [part.tolist() for part in grad] == [[-1.0, 1.0], [0.0]]


@pytest.mark.parametrize("name", ["awkward", "pyarrow", "pyarrow, chunks", "polars", "pandas, Arrow"])
def test_flat_columns_stay_flat(name: str) -> None:
    kind = kind_of(name)
    column = kind.make(cut(S))
    flat = {
        "awkward": lambda: __import__("awkward").flatten(column),
        "polars": lambda: column.explode(empty_as_null=False),
        "pandas, Arrow": lambda: column.explode().dropna(),
    }.get(name, lambda: column.flatten() if name == "pyarrow" else column.combine_chunks().flatten())()
    grad = LOSS.value_and_grad(Y, flat, **GROUPS)[1]
    np.testing.assert_array_equal(grad, LOSS.value_and_grad(Y, S, **GROUPS)[1])


@pytest.mark.parametrize("name", KINDS)
def test_no_items(name: str) -> None:
    kind = kind_of(name)
    nothing = kind.make([np.zeros(0), np.zeros(0)])
    if name == "nested numbers":
        assert LOSS(nothing, nothing) == 0.0  # rows without items
        return
    value, grad = LOSS.value_and_grad(nothing, nothing)
    assert float(value) == 0.0
    assert [len(part) for part in kind.opened(grad)] == [0, 0]


@pytest.mark.parametrize(
    "name", ["awkward", "pyarrow", "pyarrow, chunks", "polars", "pandas, Arrow", "a stream"]
)
def test_no_lists(name: str) -> None:
    kind = kind_of(name)
    column = kind.make(cut(S)[:2])
    nothing = type(column)(column.column[:0]) if name == "a stream" else column[:0]
    value, grad = LOSS.value_and_grad(nothing, nothing)
    assert value == 0.0
    assert kind.opened(grad) == []


@given(st.data(), sizes().filter(lambda s: s.size > 0))
def test_any_lists(data: st.DataObject, list_sizes: Array) -> None:
    kind = kind_of(data.draw(st.sampled_from([name for name in KINDS if not KINDS[name].tensors])))
    n = int(list_sizes.sum())
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    labels, scores = rng.integers(0, 3, n), rng.normal(size=n)

    def make(flat: Array) -> Any:
        return kind.make(np.split(flat, np.cumsum(list_sizes)[:-1]))

    if type(make(scores)) is list and len(set(list_sizes.tolist())) == 1:
        return  # nested numbers of equal lengths are an array of two axes
    grad, hess = LOSS.grad_and_hess(make(labels), make(scores))
    for got, want in zip((grad, hess), LOSS.grad_and_hess(labels, scores, groups=list_sizes), strict=True):
        np.testing.assert_array_equal(np.concatenate(kind.opened(got)), want)


# --- objects and processes ------------------------------------------------------------------------------


def test_an_objective_bound_to_a_container_is_pickled_and_knows_its_lists() -> None:
    objective = pickle.loads(pickle.dumps(LOSS.bind(cut(Y), cut(W))))
    assert objective.pairs_per_list.size == len(SIZES)
    assert objective.value(cut(S)) == LOSS(Y, S, W, **GROUPS)
    assert type(objective.value_and_grad(tuple(cut(S)))[1]) is tuple


def test_results_go_into_flat_arrays_of_the_caller() -> None:
    out = np.full(10, np.nan)
    grad = LOSS.value_and_grad(cut(Y), cut(S), out=out)[1]
    np.testing.assert_array_equal(out, LOSS.value_and_grad(Y, S, **GROUPS)[1])
    assert all(np.shares_memory(part, out) for part in grad if part.size)


def test_lists_of_one_item_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="each of the 3 lists has one item"):
        LOSS([np.array([float(label)]) for label in (0, 1, 2)], [np.zeros(1)] * 3)


def test_arrays_of_numpy_in_a_list_import_nothing() -> None:
    code = (
        "import sys, numpy as np, rankgrad as rg\n"
        "rg.PairwiseHingeLoss().value_and_grad([np.ones(2), np.ones(1)], [np.ones(2), np.ones(1)])\n"
        "print(*sorted(set(sys.modules) & {'pyarrow', 'awkward', 'polars', 'pandas', 'torch', 'nanoarrow'}))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []
