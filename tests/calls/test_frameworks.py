"""Every call that takes scores asks the one place that tells the arrays of libraries apart, and gives what it gives."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad import _frameworks

Y, S = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]), np.array([[0.5, 1.0, 2.0], [0.1, -0.3, 0.2]])
GROUPS = {"groups": [2, 4]}
LOSS, NOISY, ROWS = rg.PairwiseLogisticLoss(), rg.XENDCGLoss(), rg.SoftmaxLoss(reduction="none")
SOFTMAX, WARP = rg.ranking_softmax_loss, {"num_items": 9}


class Box:
    """An array of another library."""

    __module__ = "boxes.arrays"

    def __init__(self, inside: Any) -> None:
        self.inside = inside


class BoxOfAUser(Box):
    """As people derive from the classes of libraries."""

    __module__ = "somebody"


def boxed(x: Any) -> Any:
    return tuple(map(boxed, x)) if isinstance(x, tuple) else None if x is None else Box(x)


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The library's member: it takes scores out of boxes and puts all results into such."""

    def evaluate(function: Any, owner: Any, mode: int, scores: tuple[Any, ...], *constants: Any) -> Any:
        assert all(isinstance(x, Box) for x in scores)
        return boxed(function(owner, mode, tuple(x.inside for x in scores), *constants))

    member = ModuleType("rankgrad_boxes")
    member.evaluate = evaluate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rankgrad_boxes", member)
    monkeypatch.setitem(_frameworks.MEMBERS, "boxes", "rankgrad_boxes")
    yield
    _frameworks._FOUND.clear()


#: Calls with the scores that `x` makes of an array.
CALLS: dict[str, Callable[[Any], Any]] = {
    "loss": lambda x: LOSS(Y, x(S)),
    "loss, lists": lambda x: LOSS(Y.ravel(), x(S.ravel()), **GROUPS),
    "value_and_grad": lambda x: LOSS.value_and_grad(Y, x(S), np.ones((2, 1)), cotangent=2.0),
    "grad_and_hess": lambda x: LOSS.grad_and_hess(Y, x(S)),
    "call": lambda x: LOSS.call(Y, x(S)),
    "noise": lambda x: NOISY.value_and_grad(Y, x(S), iteration=3),
    "unreduced": lambda x: ROWS.value_and_grad(Y, x(S), cotangent=np.array([1.0, 2.0])),
    "bound value": lambda x: LOSS.bind(Y).value(x(S)),
    "bound value_and_grad": lambda x: LOSS.bind(Y).value_and_grad(x(S)),
    "bound grad_and_hess": lambda x: LOSS.bind(Y).grad_and_hess(x(S), curvature="positive", min_hessian=0.1),
    "bound hessp": lambda x: LOSS.bind(Y).hessp(x(S), S),
    "bpr_loss": lambda x: rg.bpr_loss(x(S[0]), x(Y)),
    "bpr_loss.value_and_grad": lambda x: rg.bpr_loss.value_and_grad(x(S[0]), x(Y), reduction="none"),
    "hinge_loss.grad_and_hess": lambda x: rg.hinge_loss.grad_and_hess(x(S[0]), x(Y), margin=2.0),
    "adaptive_bpr_loss": lambda x: rg.adaptive_bpr_loss(x(S[0]), many_negative_scores=x(Y)),
    "warp_loss.value_and_grad": lambda x: rg.warp_loss.value_and_grad(x(S[0]), x(Y), **WARP),
    "ranking_softmax_loss": lambda x: SOFTMAX(x(S), Y),
    "ranking_softmax_loss, reduce_fn": lambda x: SOFTMAX(x(S), Y, reduce_fn=np.sum),
    "ranking_softmax_loss.value_and_grad": lambda x: SOFTMAX.value_and_grad(x(S), Y, where=Y < 2),
    "ranking_softmax_loss.grad_and_hess": lambda x: SOFTMAX.grad_and_hess(x(S), Y, reduction="sum"),
    "ranking_softmax_loss.bind": lambda x: SOFTMAX.bind(Y).value_and_grad(x(S)),
    "ndcg": lambda x: rg.ndcg(Y, x(S), k=[1, 2]),
    "dcg": lambda x: rg.dcg(Y, x(S), per_list=True),
}


def opened(x: Any) -> Any:
    """What is in the boxes, of which there must be some."""
    if isinstance(x, tuple):
        return tuple(map(opened, x))
    assert type(x) is Box
    return x.inside


@pytest.mark.usefixtures("boxes")
@pytest.mark.parametrize("kind", [Box, BoxOfAUser])
@pytest.mark.parametrize("name", CALLS)
def test_every_call_comes_through_one_place(name: str, kind: type[Box]) -> None:
    want = CALLS[name](np.asarray)
    np.testing.assert_equal(opened(CALLS[name](kind)), want)


def test_the_arrays_of_no_member_are_numpys() -> None:
    """Nothing is imported for them."""
    assert [_frameworks._has_member(kind) for kind in (int, float, np.ndarray, np.matrix, Box)] == [False] * 5
