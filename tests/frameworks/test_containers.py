"""Scores, labels, masks and weights in containers of lists: what is computed is that of flat data."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st

from container_calls import (
    CALLS,
    GROUPS,
    LOSS,
    MASK,
    POSITIVE,
    ROWS,
    SIZES,
    SOFTMAX,
    WITH_CONSTANTS_LIKE_SCORES,
    S,
    W,
    Y,
    check,
    close,
    cut,
)
from containers import KINDS, kind_of
from reference import Array
from strategies import sizes


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", KINDS)
def test_a_call_is_that_of_the_flat_data(name: str, call: str) -> None:
    kind, (shape, function) = kind_of(name), CALLS[call]
    if kind.tensors and call == "softmax, reduce_fn":
        pytest.skip("np.max does not take tensors")
    want = function(np.asarray, np.asarray, GROUPS)
    check(function(lambda x: kind.make(cut(x)), lambda x: kind.make(cut(x)), {}), want, shape, kind)


@pytest.mark.parametrize("name", KINDS)
def test_labels_of_any_kind_go_with_lists_of_arrays(name: str) -> None:
    kind = kind_of(name)
    for call in ("mask", "none, value_and_grad", "hessp", "ndcg"):
        shape, function = CALLS[call]
        got = function(cut, lambda x: kind.make(cut(x)), {})
        numpys = KINDS["list"]._replace(tensors=kind.tensors)  # JAX's constants may be rounded
        check(got, function(np.asarray, np.asarray, GROUPS), shape, numpys)


@pytest.mark.parametrize("name", KINDS)
def test_flat_scores_go_with_labels_in_a_container_and_are_answered_flat(name: str) -> None:
    kind = kind_of(name)
    for call, (_, function) in CALLS.items():
        if not call.startswith("softmax") and call not in WITH_CONSTANTS_LIKE_SCORES:
            got = function(np.asarray, lambda x: kind.make(cut(x)), {})
            want = function(np.asarray, np.asarray, GROUPS)
            for one, flat in zip(*((r if type(r) is tuple else (r,)) for r in (got, want)), strict=True):
                assert type(one) is type(flat)
                close(one, flat, kind)
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
    close(np.concatenate(parts), want, kind)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("method", ["value_and_grad", "grad_and_hess"])
def test_negatives_in_a_container(name: str, method: str) -> None:
    kind = kind_of(name)
    positive = kind.make([POSITIVE, POSITIVE])[0] if kind.tensors else POSITIVE
    for loss, options in ((rg.bpr_loss, {}), (rg.warp_loss, {"num_items": 9}), (rg.adaptive_hinge_loss, {})):
        got = getattr(loss, method)(positive, kind.make(cut(S)), **options)
        want = getattr(loss, method)(POSITIVE, S, groups=SIZES, **options)
        pairs = [(got[0], want[0]), (got[1], want[1])] if method == "grad_and_hess" else [(got[1], want[1])]
        for (on_positive, on_negative), (want_positive, want_negative) in pairs:
            assert kind.tensors or type(on_positive) is np.ndarray
            close(np.asarray(on_positive), want_positive, kind)
            close(np.concatenate(kind.opened(on_negative)), want_negative, kind)


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


# --- tensors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["torch, list", "torch, jagged"])
@pytest.mark.parametrize("call", ["loss", "weights", "none", "none, lists", "softmax"])
def test_autograd_goes_through_the_container(name: str, call: str) -> None:
    torch = pytest.importorskip("torch")
    flat = torch.tensor(S, requires_grad=True)
    offsets = torch.tensor(np.append(0, np.cumsum(SIZES)))
    jagged = torch.nested.nested_tensor_from_jagged
    scores = list(flat.split(SIZES)) if name == "torch, list" else jagged(flat, offsets)
    value = CALLS[call][1](lambda _: scores, cut, {})
    if call == "none":
        value = torch.cat(value) if name == "torch, list" else value.values()
    cotangent = torch.arange(1.0, 1 + value.numel(), dtype=torch.float64).reshape(value.shape)
    (got,) = torch.autograd.grad((cotangent * value).sum(), flat, create_graph=call == "loss")
    want_value = (
        CALLS[call][1](lambda _: flat, np.asarray, GROUPS) if call != "softmax" else _softmax_of(flat)
    )
    (want,) = torch.autograd.grad((cotangent * want_value).sum(), flat, create_graph=call == "loss")
    torch.testing.assert_close(got, want)
    if call == "loss" and name == "torch, list":  # torch itself has no second derivative of a jagged tensor
        (twice,) = torch.autograd.grad(got.square().sum(), flat)
        torch.testing.assert_close(twice, torch.autograd.grad(want.square().sum(), flat)[0])


def _softmax_of(flat: Any) -> Any:
    loss = rg.SoftmaxLoss(reduction="mean_over_lists", negative_labels="use")
    return loss({"labels": Y, "mask": MASK}, flat, W, **GROUPS)


@pytest.mark.parametrize("name", ["tensorflow, list", "tensorflow, ragged"])
def test_the_tape_goes_through_the_container(name: str) -> None:
    kind, tf = kind_of(name), pytest.importorskip("tensorflow")
    x = kind.make(cut(S))
    watched = x if name == "tensorflow, list" else x.flat_values
    with tf.GradientTape() as tape:
        tape.watch(watched)
        value = LOSS(cut(Y), x)
    grad = tape.gradient(value, watched)
    flat = np.concatenate([np.asarray(part) for part in grad]) if name == "tensorflow, list" else grad.numpy()
    np.testing.assert_array_equal(flat, LOSS.value_and_grad(Y, S, **GROUPS)[1])
    if name == "tensorflow, ragged":
        with pytest.raises(TypeError, match=r"scores .*: in a tf.function pass x.flat_values and offsets="):
            tf.function(lambda x: LOSS(cut(Y), x))(x)


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name].tensors and name.endswith("list")])
def test_a_flat_tensor_goes_with_labels_in_a_container(name: str) -> None:
    kind = kind_of(name)
    flat = kind.make([S])[0]
    grad = LOSS.value_and_grad(cut(Y), flat)[1]
    assert type(grad) is type(flat)
    close(np.asarray(grad), LOSS.value_and_grad(Y, S, **GROUPS)[1], kind)
    close(np.asarray(ROWS(cut(Y), flat)), ROWS(Y, S, **GROUPS), kind)


def test_a_compiled_program_takes_labels_in_a_container() -> None:
    torch = pytest.importorskip("torch")
    labels, scores = cut(Y), torch.tensor(S)
    value = torch.compile(lambda x: ROWS(labels, x), fullgraph=True, backend="aot_eager")(scores)
    torch.testing.assert_close(value, ROWS(labels, scores))


def test_labels_that_require_grad_are_refused() -> None:
    torch = pytest.importorskip("torch")
    labels = [torch.tensor(part, requires_grad=True) for part in cut(Y)]
    with pytest.raises(TypeError, match=r"labels \(y_true\): .*\.detach\(\)"):
        LOSS(labels, cut(S))
