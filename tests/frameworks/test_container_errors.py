"""What containers of lists refuse, in which words; and whose memory is used."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad._frameworks import ragged

from containers import Stream, kind_of
from reference import Array

LOSS, SOFTMAX = rg.PairwiseHingeLoss(reduction="sum"), rg.ranking_softmax_loss
Y = [np.array([1.0, 0.0, 2.0]), np.array([]), np.array([0.0, 1.0])]
S = [np.array([0.5, 1.0, 2.0]), np.array([]), np.array([0.3, 0.1])]
SHORT = [S[0], S[1], S[2][:1]]
FLAT_Y, FLAT_S = np.concatenate(Y), np.concatenate(S)
WIDE = np.ones((2, 3))

#: What is wrong with a call -> the call, and the message.
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "another list": (
        lambda: LOSS(Y, SHORT),
        r"labels \(y_true\): list 2 has 2 items, that of scores .* has 1$",
    ),
    "fewer lists": (lambda: LOSS(Y[:2], S), r"labels \(y_true\): has 2 lists, scores \(y_pred\) 3$"),
    "rows": (lambda: LOSS([[1, 0], [1, 0]], S), r"labels \(y_true\): list 0 has 2 items, .* has 3$"),
    "bound": (lambda: LOSS.bind(Y).value(SHORT), r"scores \(y_pred\): list 2 has 1 items, .* labels has 2$"),
    "bound to rows": (lambda: LOSS.bind(WIDE).value(S), r"scores \(y_pred\): list 1 has 0 items.* has 3$"),
    "metric": (lambda: rg.ndcg(Y, SHORT), "^labels: list 2 has 2 items, that of scores has 1$"),
    "softmax": (lambda: SOFTMAX(SHORT, Y), "^labels: list 2 has 2 items, that of logits has 1$"),
    "where": (
        lambda: SOFTMAX(S, Y, where=[x.astype(int) for x in Y]),
        "^where: booleans are wanted, got int64",
    ),
    "where, bound": (
        lambda: SOFTMAX.bind(Y, where=[x.astype(int) for x in Y]),
        "^where: booleans are wanted, got int64",
    ),
    "logits": (
        lambda: SOFTMAX([x.astype(int) for x in S], Y),
        "^logits: floating-point numbers are wanted, got int64",
    ),
    "weights of a softmax": (lambda: SOFTMAX(S, Y, weights=SHORT), "^weights: list 2 has 1 items, .* logits"),
    "mask": (
        lambda: LOSS({"labels": Y, "mask": SHORT}, S),
        r'y_true\["mask"\]: list 2 has 1 items, that of scores \(y_pred\) has 2$',
    ),
    "dict": (lambda: LOSS({"labels": FLAT_Y}, S), r'y_true\["labels"\]: lists like those of scores'),
    "weights": (lambda: LOSS(Y, S, SHORT), "sample_weight: list 2 has 1 items"),
    "weights of bound labels": (
        lambda: LOSS.bind(Y, SHORT),
        r"sample_weight: list 2 has 1 items, that of labels \(y_true\) has 2$",
    ),
    "vector": (lambda: LOSS.bind(Y).hessp(S, SHORT), "vector: list 2 has 1 items"),
    "cotangent": (
        lambda: rg.PairwiseHingeLoss(reduction="none").value_and_grad(Y, S, cotangent=SHORT),
        "cotangent: list 2 has 1 items",
    ),
    "flat labels": (
        lambda: LOSS(FLAT_Y, S),
        r"labels \(y_true\): lists like those of scores .* with groups=",
    ),
    "padded labels": (lambda: LOSS(WIDE, S), r"labels \(y_true\): lists like those of scores"),
    "padded scores": (
        lambda: LOSS(Y, WIDE),
        r"scores \(y_pred\): shape \(2, 3\).*\(5,\); .*container of lists",
    ),
    "padded scores of a metric": (lambda: rg.ndcg(Y, WIDE), r"scores: shape \(2, 3\).*container of lists"),
    "groups": (lambda: LOSS(Y, S, groups=[3, 0, 2]), r"groups: goes with flat data, .*container of scores"),
    "offsets": (lambda: LOSS.bind(Y, offsets=[0, 5]), r"offsets: goes with flat data, .* labels \(y_true\)"),
    "qid": (lambda: rg.ndcg(Y, FLAT_S, qid=[1] * 5), "qid: goes with flat data, .* labels"),
    "groups of negatives": (
        lambda: rg.bpr_loss(np.ones(3), S, groups=[3, 0, 2]),
        "groups: goes with flat data, .*container of negative_scores",
    ),
    "too few negatives": (
        lambda: rg.bpr_loss(np.ones(4), S),
        "negative_scores: one list of negatives for each of the 4 .* got 3 lists; rows",
    ),
    "positives": (lambda: rg.bpr_loss(S, S), r"positive_scores: one score per positive, .*got lists"),
    "deeper arrays": (lambda: LOSS(Y, [*S[:2], WIDE]), r"scores .*: list 2 has the shape \(2, 3\)"),
    "deeper numbers": (lambda: LOSS(Y, [[[1.0]], [1.0, 2.0]]), "scores .*: lists of numbers are wanted"),
    "a mixture": (lambda: LOSS(Y, [S[0], ["a"], S[2]]), r"scores \(y_pred\)"),
    "strings": (lambda: LOSS(Y, [x.astype(str) for x in S]), r"scores .*: numbers are wanted, got strings"),
    "None": (lambda: LOSS(Y, [[1.0, 2.0, 3.0], [], [0.0, None]]), "scores .*: item 1 of list 2 is null"),
    "None in arrays": (
        lambda: LOSS(Y, [np.array([0.5, None, 1.0]), *S[1:]]),
        "scores .*: item 1 of list 0 is null",
    ),
    "None among arrays": (lambda: LOSS([*Y[:2], None], S), r"labels .*: list 2 is null"),
    "masked": (lambda: LOSS(Y, [np.ma.masked_equal(S[0], 1.0), *S[1:]]), "scores .*, list 0: masked arrays"),
    "dates": (
        lambda: LOSS(Y, [S[0], S[1], S[2].astype("M8[s]")]),
        "scores .*: the arrays have no common type",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors(name: str) -> None:
    call, message = WRONG[name]
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def _columns() -> dict[str, tuple[str, Callable[[Any], Any]]]:
    """Kinds of columns -> the package they take, and what makes one of Python's lists, None among them."""

    def of(package: str, make: Callable[[Any, Any], Any]) -> tuple[str, Callable[[Any], Any]]:
        return package, lambda rows: make(pytest.importorskip(package), rows)

    def large(pa: Any, rows: Any) -> Any:
        return pa.array([[1.0], *rows], pa.large_list(pa.float64()))[1:]

    def pandas_arrow(pd: Any, rows: Any) -> Any:
        pa = pytest.importorskip("pyarrow")
        return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([rows[:1], rows[1:]])))

    return {
        "awkward": of("awkward", lambda ak, rows: ak.Array(rows)),
        "pyarrow": of("pyarrow", lambda pa, rows: pa.array(rows)),
        "pyarrow, cut": of("pyarrow", large),
        "pyarrow, chunks": of("pyarrow", lambda pa, rows: pa.chunked_array([rows[:1], rows[1:]])),
        "polars": of("polars", lambda pl, rows: pl.Series(rows)),
        "polars, cut": of("polars", lambda pl, rows: pl.Series([[1.0], *rows])[1:]),
        "pandas": of("pandas", lambda pd, rows: pd.Series(rows)),
        "pandas, Arrow": of("pandas", pandas_arrow),
        "a stream": of("pyarrow", lambda pa, rows: Stream(pa.chunked_array([rows[:1], rows[1:]]))),
    }


@pytest.mark.parametrize("name", _columns())
def test_nulls_are_refused_with_their_place(name: str) -> None:
    make = _columns()[name][1]
    with pytest.raises(ValueError, match=r"scores \(y_pred\): list 1 is null"):
        LOSS([np.ones(1)] * 3, make([[1.0], None, [2.0]]))
    with pytest.raises(ValueError, match=r"labels \(y_true\): item 1 of list 2 is null"):
        LOSS(make([[1.0], [], [2.0, None]]), [np.ones(1), np.ones(0), np.ones(2)])


@pytest.mark.parametrize("name", [name for name in _columns() if "cut" not in name])
def test_lists_of_lists_and_of_text_are_refused(name: str) -> None:
    make = _columns()[name][1]
    with pytest.raises(ValueError, match=r"scores \(y_pred\): lists of numbers are wanted, not of lists"):
        LOSS(Y, make([[[1.0], [2.0]], [[3.0]]]))
    with pytest.raises(TypeError, match=r"scores \(y_pred\): numbers are wanted"):
        LOSS(Y, make([["a"], ["b", "c"]]))


@pytest.mark.parametrize("name", [name for name in _columns() if "cut" not in name])
def test_lists_that_are_all_empty_need_no_type(name: str) -> None:
    empty = _columns()[name][1]([[], []])
    assert LOSS(empty, empty) == 0.0


def test_a_masked_awkward_array_is_refused_and_an_option_type_without_nulls_is_not() -> None:
    ak = pytest.importorskip("awkward")
    scores = ak.Array([x.tolist() for x in S])
    with pytest.raises(ValueError, match=r"scores .*: list 2 is null"):
        LOSS(Y, ak.mask(scores, [True, True, False]))
    with pytest.raises(ValueError, match=r"scores .*: item 1 of list 0 is null"):
        LOSS(Y, ak.mask(scores, scores != 1.0))
    assert LOSS(Y, ak.mask(scores, scores < 9)) == LOSS(Y, S)


# --- columns of lists of one length ---------------------------------------------------------------------


def _rectangles() -> dict[str, Callable[[Array], Any]]:
    def pyarrow(x: Array) -> Any:
        pa = pytest.importorskip("pyarrow")
        return pa.FixedSizeListArray.from_arrays(pa.array(np.append(0 * x[0], x)), x.shape[1])[1:]

    def polars(x: Array) -> Any:
        pytest.importorskip("nanoarrow")
        return pytest.importorskip("polars").Series("clicks", np.append(0 * x[:1], x, axis=0))[1:]

    return {
        "pyarrow": pyarrow,
        "polars": polars,
        "awkward": lambda x: pytest.importorskip("awkward").from_numpy(x),
        "awkward, regular": lambda x: pytest.importorskip("awkward").from_numpy(x, regulararray=True),
    }


@pytest.mark.parametrize("name", _rectangles())
def test_lists_of_one_length_keep_their_type(name: str) -> None:
    make = _rectangles()[name]
    y, s = np.array([[0.0, 2, 1], [1, 0, 0]]), np.array([[0.3, 0.1, 0.2], [0.5, 0.9, 0.4]])
    scores = make(s)
    grad = LOSS.value_and_grad(make(y), scores)[1]
    rows = np.asarray(grad.to_pylist() if name == "pyarrow" else grad)
    np.testing.assert_array_equal(rows, LOSS.value_and_grad(y, s)[1])
    for what in ("type", "dtype"):
        assert getattr(grad, what, None) == getattr(scores, what, None)


# --- memory ---------------------------------------------------------------------------------------------


def _buffers() -> dict[str, tuple[Any, Array]]:
    """Containers, and the memory where their numbers lie."""
    pa, ak = pytest.importorskip("pyarrow"), pytest.importorskip("awkward")
    numbers = np.arange(6.0)
    array = pa.ListArray.from_arrays(pa.array([0, 2, 2, 6], pa.int32()), pa.array(numbers))
    layout = ak.contents.ListOffsetArray(
        ak.index.Index64(np.array([0, 2, 2, 6])), ak.contents.NumpyArray(numbers)
    )
    return {
        "a lone array": ([numbers], numbers),
        "pyarrow": (array, numbers),
        "pyarrow, cut": (array[1:], numbers),
        "pyarrow, one chunk": (pa.chunked_array([array]), numbers),
        "pyarrow, fixed": (pa.FixedSizeListArray.from_arrays(pa.array(numbers), 3), numbers),
        "awkward": (ak.Array(layout), numbers),
        "awkward, regular": (ak.from_numpy(numbers.reshape(2, 3)), numbers),
        "awkward, cut": (ak.Array(layout)[1:], numbers),
        "a stream": (Stream(pa.chunked_array([array])), numbers),
    }


@pytest.mark.parametrize("name", _buffers())
def test_numbers_stay_where_they_are(name: str) -> None:
    pytest.importorskip("nanoarrow")
    container, memory = _buffers()[name]
    lists = ragged.lists_of(container, "scores")
    assert lists is not None
    assert np.shares_memory(lists.values, memory)


def test_the_numbers_of_polars_stay_where_they_are() -> None:
    pa, kind = pytest.importorskip("pyarrow"), kind_of("polars")
    series = kind.make(S)
    (chunk,) = pa.chunked_array(series).chunks
    assert np.shares_memory(ragged.lists_of(series, "scores").values, chunk.values.to_numpy())


def test_a_jagged_tensors_values_stay_where_they_are() -> None:
    tensor = kind_of("torch, jagged").make(S)
    assert ragged.lists_of(tensor, "scores").values.data_ptr() == tensor.values().data_ptr()


def test_columns_are_read_by_pyarrow_where_nanoarrow_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    polars = kind_of("polars")
    labels, scores = polars.make(Y), polars.make(S)
    want = LOSS.value_and_grad(Y, S)[1]
    monkeypatch.setitem(sys.modules, "nanoarrow", None)
    monkeypatch.delitem(sys.modules, f"{ragged.__name__}.nanoarrow", raising=False)
    monkeypatch.delattr(ragged, "nanoarrow", raising=False)
    pytest.importorskip("pyarrow")
    got = polars.opened(LOSS.value_and_grad(labels, scores)[1])
    np.testing.assert_array_equal(np.concatenate(got), np.concatenate(want))

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (lambda: LOSS(labels, scores), lambda: LOSS(Stream(labels), scores)):
        with pytest.raises(
            ImportError, match=r"labels|scores .*: .*nanoarrow.*pip install .rankgrad\[arrow\]"
        ):
            call()
