"""The second wall: the compiled core refuses by itself what the package's own checks keep from it."""

from __future__ import annotations

import dataclasses
import mmap
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad import _core

LABELS, SCORES = np.array([2.0, 0.0, 1.0]), np.array([0.5, 1.0, 2.0])
NO_TABLE = np.zeros(0)
NO_WEIGHT = _core.PairWeight("none", "linear", NO_TABLE, 0, 0, False)
WRONG = (ValueError, TypeError)


def pairwise(**changes: Any) -> Any:
    arguments = {
        "loss": "logistic",
        "temperature": 1.0,
        "tau": 0.5,
        "labels": LABELS,
        "offsets": None,
        "mask": None,
        "ignore_negative": True,
        "propagate_nan": False,
        "algorithm": "auto",
        "weight": NO_WEIGHT,
    }
    return _core.Pairwise(**(arguments | changes))


def listwise(**changes: Any) -> Any:
    arguments = {
        "loss": "softmax",
        "target": "label",
        "temperature": 1.0,
        "epsilon": 1.0,
        "cutoff": 0,
        "seed": 0,
        "labels": LABELS,
        "offsets": None,
        "mask": None,
        "ignore_negative": True,
        "propagate_nan": False,
    }
    return _core.Listwise(**(arguments | changes))


def evaluate(**changes: Any) -> Any:
    arguments = {
        "mode": _core.VALUE,
        "scores": SCORES,
        "vector": None,
        "item_weight": None,
        "list_weight": None,
        "scale": 1.0,
        "cotangent": None,
        "grad_scale": 1.0,
        "min_hessian": 0.0,
        "check_finite": True,
        "threads": 1,
        "row_value": None,
        "grad": None,
        "hess": None,
    }
    return pairwise().evaluate(**(arguments | changes))


def implicit_loss(**changes: Any) -> Any:
    arguments = {
        "formula": "hinge",
        "choice": "every",
        "kink": 1.0,
        "square": True,
        "rank_weight": "collie",
        "floor": False,
        "clip": 0.0,
        "num_items": 9,
        "negative_name": "negative_scores",
    }
    return _core.ImplicitLoss(**(arguments | changes))


def implicit(**changes: Any) -> Any:
    nothing = ("offsets", "margins", "positive_items", "negative_items", "weight", "cotangent", "values")
    results = ("grad_positive", "grad_negative", "hess_positive", "hess_negative")
    arguments = {
        **dict.fromkeys(nothing + results),
        "mode": _core.VALUE,
        "positive": SCORES,
        "negative": SCORES,
        "margin": 1.0,
        "features": [],
        "mean": False,
        "factor": 1.0,
        "threads": 1,
        "new_results": True,
    }
    return implicit_loss().evaluate(**(arguments | changes))


def dcg(**changes: Any) -> Any:
    arguments = {
        "labels": LABELS,
        "scores": SCORES,
        "offsets": None,
        "mask": None,
        "depths": [3],
        "gain": "exp2",
        "gain_table": NO_TABLE,
        "ties": "first",
        "ignore_negative": True,
        "normalize": False,
        "empty": 0.0,
    }
    return _core.ranking_metric(**(arguments | changes))


def read_only() -> Any:
    x = np.zeros(3)
    x.flags.writeable = False
    return x


GRADIENTS = {"grad_positive": np.zeros(3), "grad_negative": np.zeros(3)}
FEATURE = [("genre", np.arange(3), 0.5)]


@pytest.mark.parametrize(
    ("call", "changes", "says"),
    [
        (pairwise, {"loss": "softmax"}, "loss: 'softmax' is not a registered pairwise loss"),
        (pairwise, {"algorithm": "best"}, "algorithm: .*got 'best'"),
        (pairwise, {"labels": np.zeros(3, dtype=np.complex64)}, "labels: .*uint64.*complex64"),
        (pairwise, {"mask": np.ones(2, dtype=np.uint8)}, "mask: has 2 numbers, but 3 are wanted"),
        (pairwise, {"offsets": np.zeros(0, dtype=np.int64)}, "offsets: needs at least one"),
        (listwise, {"loss": "hinge"}, "loss: 'hinge' is not a registered listwise loss"),
        (listwise, {"target": "gain"}, "target: 'gain' is unknown"),
        (listwise, {"mask": np.ones(3)}, "mask: .*uint8.*float64"),
        (evaluate, {"mode": 7}, "mode: unknown"),
        (evaluate, {"mode": -1}, "mode: unknown"),
        (evaluate, {"mode": _core.VALUE_GRAD}, "out: the results of the mode"),
        (evaluate, {"mode": _core.GRAD_HESS, "grad": np.zeros(3)}, "out: the results of the mode"),
        (evaluate, {"mode": _core.HESS_VECTOR, "grad": np.zeros(3)}, "vector: .*wanted"),
        (evaluate, {"scores": SCORES[::2]}, "scores: a contiguous array of float64"),
        (evaluate, {"scores": SCORES[:2]}, "scores: has 2 numbers, but 3"),
        (evaluate, {"item_weight": np.ones(2)}, "sample_weight: has 2 numbers, but 3"),
        (evaluate, {"row_value": read_only()}, "out: is read-only"),
        (implicit_loss, {"formula": "softmax"}, "form: unknown: 'softmax'"),
        (implicit_loss, {"choice": "none"}, "choice: unknown: 'none'"),
        (implicit_loss, {"rank_weight": "none"}, "rank_weight: unknown: 'none'"),
        (implicit, {"mode": _core.HESS_VECTOR}, "mode: unknown"),
        (implicit, {"mode": -1}, "mode: unknown"),
        (implicit, {"mode": _core.VALUE_GRAD}, "out: the results of the mode are wanted"),
        (implicit, {"mode": _core.VALUE_GRAD, "grad_positive": np.zeros(3)}, "out: the results of the mode"),
        (implicit, {"hess_positive": np.zeros(3), "hess_negative": np.zeros(3)}, "out: the results"),
        (implicit, {"mode": _core.GRAD_HESS, **GRADIENTS, "hess_positive": np.zeros(3)}, "out: the results"),
        (implicit, {"negative": np.zeros(4)}, "negative_scores: no whole number per positive"),
        (implicit, {"positive": NO_TABLE, "negative": NO_TABLE}, "positive_scores: is empty"),
        (implicit, {"offsets": np.array([0, 3])}, "1 lists of negatives for 3 positives"),
        (implicit, {"features": FEATURE}, "positive_items, negative_items: are wanted"),
        (implicit, {"features": FEATURE, "positive_items": np.arange(3)}, "negative_items: are wanted"),
        (dcg, {"depths": [3, 0]}, "k: numbers of at least 1 are wanted"),
        (dcg, {"depths": []}, "k: numbers of at least 1 are wanted"),
        (dcg, {"gain": "exp3"}, "gain: unknown: 'exp3'"),
        (
            dcg,
            {"gain": "table", "gain_table": np.zeros(2), "ignore_negative": False, "labels": -LABELS},
            "index 0",
        ),
        (dcg, {"ties": "last"}, "ties: unknown: 'last'"),
    ],
)
def test_wrong_arguments(call: Callable[..., Any], changes: dict[str, Any], says: str) -> None:
    assert call() is not None
    with pytest.raises(WRONG, match=says):
        call(**changes)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("best", "linear", NO_TABLE, 0, 0, False), "lambda_weight: unknown: 'best'"),
        (("ndcg", "exp3", NO_TABLE, 0, 0, False), "gain: unknown: 'exp3'"),
        (("ndcg", "exp2", NO_TABLE, -1, 0, False), "k, truncation: at least 1"),
        (("ndcg", "exp2", NO_TABLE, 0, -1, False), "k, truncation: at least 1"),
    ],
)
def test_wrong_pair_weights(arguments: Any, says: str) -> None:
    with pytest.raises(WRONG, match=says):
        _core.PairWeight(*arguments)


def test_wrong_names_of_functions_and_levels() -> None:
    with pytest.raises(ValueError, match="name: one of exp, exp_inside, log, log1p is wanted, got 'sin'"):
        _core.vector_math("sin", SCORES)
    with pytest.raises(ValueError, match="level 'v9' is not available"):
        _core.select_isa("v9")


def test_labels_that_are_no_float64_are_compared_as_they_are() -> None:
    """2^63 + 1 and 2^63 are one number in float64."""
    large = np.array([2**63 + 1, 2**63], dtype=np.uint64)
    assert pairwise(labels=large).pairs().tolist() == [1.0]
    assert pairwise(labels=large.astype(np.float64)).pairs().tolist() == [0.0]


def test_labels_that_a_target_does_not_look_at() -> None:
    """Any numbers will do where every item counts as one."""
    rest = (None, None, None, 1.0, None, 1.0, 0.0, True, 1, None, None, None)
    values = [
        listwise(target=target, labels=labels).evaluate(_core.VALUE, SCORES, *rest)
        for target, labels in (("one", np.array([np.inf, 0.0, 2.0])), ("label", np.ones(3)))
    ]
    assert values[0] == values[1] > 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="maps memory as Linux does")
def test_a_list_of_more_items_than_can_be_numbered() -> None:
    """Sixteen gigabytes of addresses, of which no memory is ever touched."""
    n, no_reserve = 2**31 + 8, 0x4000
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve
    labels = np.frombuffer(mmap.mmap(-1, 8 * n, flags=flags), dtype=np.int64)
    with pytest.raises(
        ValueError, match=r"offsets: list 0 has 2147483656 items; at most 2147\d+ are possible"
    ):
        pairwise(labels=labels)


def test_scores_that_the_temperature_makes_infinite() -> None:
    """Nothing is divided before it is subtracted: only a result that is too large itself is infinite."""
    loss = rg.PairwiseLogisticLoss(temperature=1e-3, reduction="sum")
    value, grad = loss.value_and_grad([0, 1], [0.0, -1e306])
    assert value == np.inf
    assert grad.tolist() == [1e3, -1e3]
    assert loss([0, 1], [-1e306, 0.0]) == 0
    assert loss([0, 1], [1e306, 1e306]) == loss([0, 1], [0.0, 0.0])
    ignored = {"labels": LABELS, "mask": [True, True, False]}
    assert loss(ignored, [0.5, 1.0, -1e306]) == loss(LABELS[:2], [0.5, 1.0])
    assert np.isnan(dataclasses.replace(loss, nan="propagate")(LABELS, [0.5, 1.0, -np.inf]))


def test_rows_of_negatives_that_float32_cannot_number() -> None:
    positive, negative = np.zeros(1, dtype=np.float32), np.zeros((2**24 + 1, 1), dtype=np.float32)
    with pytest.raises(ValueError, match=r"negative_scores: at most 16777216 rows are possible in float32"):
        rg.adaptive_hinge_loss(positive, negative)
    assert rg.hinge_loss(positive, negative, reduction="sum") == negative.size
