"""A loss that compares no two items says so where negative labels or lists of one item are why, and never else."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st
from rankgrad._loss import RankingLoss

KINDS = [x for x in vars(rg).values() if isinstance(x, type) and issubclass(x, RankingLoss)]
POINTWISE = [rg.SigmoidCrossEntropyLoss, rg.PointwiseMeanSquaredError]
RANKING = [kind for kind in KINDS if kind not in POINTWISE]
BY_LABEL = [rg.PairwiseHingeLoss, rg.PairwiseQuantileLoss, rg.UniqueSoftmaxLoss]
NEGATIVE, ONE_ITEM = 'negative_labels="use"', "has one item"


def warnings_of(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(w.category is UserWarning and w.filename == __file__ for w in caught)
    return [str(w.message) for w in caught]


def warnings_of_all_calls(loss: RankingLoss, labels: Any, **lists: Any) -> list[str]:
    """The warnings of `bind`, which every other call must give as well."""
    plain = labels["labels"] if isinstance(labels, dict) else labels
    scores = np.arange(np.size(plain), dtype=np.float64).reshape(np.shape(plain))
    found = warnings_of(lambda: loss.bind(labels, **lists))
    for call in (loss.__call__, loss.value_and_grad, loss.grad_and_hess):
        assert warnings_of(lambda call=call: call(labels, scores, **lists)) == found
    return found


@pytest.mark.parametrize("kind", RANKING)
def test_negative_labels(kind: type[RankingLoss]) -> None:
    for labels, lists in (
        ([1, -1, -1], {}),
        ([[-1, 1], [-1, -1]], {}),
        ([-1.0, 1.0, -1.0, 1.0], {"groups": [2, 2]}),
    ):
        (message,) = warnings_of_all_calls(kind(), labels, **lists)
        assert NEGATIVE in message
        assert not warnings_of_all_calls(kind(negative_labels="use"), labels, **lists)


@pytest.mark.parametrize("kind", BY_LABEL)
def test_negative_labels_beside_equal_ones(kind: type[RankingLoss]) -> None:
    (message,) = warnings_of_all_calls(kind(), [1, 1, -1, -1])
    assert NEGATIVE in message


@pytest.mark.parametrize("kind", RANKING)
def test_lists_of_one_item(kind: type[RankingLoss]) -> None:
    for labels, lists in (
        ([[1], [0], [2]], {}),
        ([[1], [-1], [2]], {}),
        ([1, 0, 2], {"groups": [1, 0, 1, 1]}),
        ([1, 0, 2], {"offsets": [0, 1, 2, 3]}),
        ([1, 0, 2], {"qid": ["a", "b", "c"]}),
    ):
        (message,) = warnings_of_all_calls(kind(), labels, **lists)
        assert ONE_ITEM in message
        assert "3 lists" in message
        assert "(3,)" in message


QUIET: list[tuple[Any, dict[str, Any]]] = [
    ([0, 0, 0], {}),
    ([[0, 0], [1, 1]], {}),
    ([1, 1, 1, 0], {"groups": [3, 1]}),
    ([[1, 0, -1], [2, -1, -1], [-1, -1, -1]], {}),
    ([[1, 1, -1], [0, 0, 0], [2, -1, -1], [1, 1, 1]], {}),  # negative labels at the end of a row are padding
    ([[1, -1], [1, -1]], {}),
    ([[0, 0, 1], [1, -1, -1]], {}),
    ([-1, -1, -1], {}),
    ([], {}),
    ([], {"groups": []}),
    ([], {"groups": [0, 0]}),
    (np.zeros((0, 1)), {}),
    (np.zeros((0, 4)), {}),
    (np.zeros((4, 0)), {}),
    ([1], {}),
    ([[1]], {}),
    ([-1], {}),
    ({"labels": [1, 0, 0], "mask": [1, 0, 0]}, {}),
    ({"labels": [1, -1, 0], "mask": [1, 0, 0]}, {}),
    ({"labels": [[1], [0]], "mask": [[1], [0]]}, {}),
    ({"labels": [[1, 0], [1, 0]], "mask": [[1, 0], [1, 0]]}, {}),
    ({"labels": [1, 0], "mask": [0, 0]}, {}),
]


@pytest.mark.parametrize(("labels", "lists"), QUIET)
@pytest.mark.parametrize(
    "kind", [rg.PairwiseHingeLoss, rg.UniqueSoftmaxLoss, rg.ListMLELoss, rg.ApproxNDCGLoss]
)
def test_no_word_where_nothing_is_wrong(kind: type[RankingLoss], labels: Any, lists: dict[str, Any]) -> None:
    assert warnings_of_all_calls(kind(), labels, **lists) == []


@pytest.mark.parametrize("kind", POINTWISE)
def test_no_word_of_pointwise_losses(kind: type[RankingLoss]) -> None:
    for labels in ([[1], [0]], [1, -1, -1], [[1], [-1]]):
        assert warnings_of_all_calls(kind(), labels) == []


@given(
    sizes=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    data=st.data(),
)
def test_the_warning_says_what_would_help(sizes: list[int], data: st.DataObject) -> None:
    """Without pairs: negative labels are named just where their use gives pairs, unless all lists are too short."""
    n = sum(sizes)
    labels = np.array(data.draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n)), dtype=np.int64)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
    loss, scores = rg.PairwiseExponentialLoss(reduction="sum"), np.zeros(n)
    y = {"labels": labels, "mask": mask}
    found = warnings_of(lambda: loss(y, scores, groups=sizes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pairs = loss(y, scores, groups=sizes)
        with_negative = rg.PairwiseExponentialLoss(reduction="sum", negative_labels="use")(
            y, scores, groups=sizes
        )
    if pairs > 0 or mask.sum() < 2:
        assert found == []
    elif max(sizes) < 2:
        assert [ONE_ITEM in m for m in found] == [True]
    else:
        assert [NEGATIVE in m for m in found] == [True] * (with_negative > 0)


def test_the_softmax_function() -> None:
    column = np.arange(3.0)[:, None]
    (message,) = warnings_of(lambda: rg.ranking_softmax_loss(column, column))
    assert ONE_ITEM in message
    assert not warnings_of(lambda: rg.ranking_softmax_loss(column.T, column.T - 1))


def test_the_bridges() -> None:
    """A query per row: nothing would be trained."""
    lightgbm = pytest.importorskip("rankgrad.lightgbm")
    train = lightgbm.objective(rg.PairwiseLogisticLoss())
    (message,) = warnings_of(lambda: train(np.arange(3.0), np.zeros(3), None, np.ones(3, int)))
    assert ONE_ITEM in message
