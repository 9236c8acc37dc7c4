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
WRONG = (ValueError, TypeError)


def bound(family: str, settings: dict[str, Any], changes: dict[str, Any]) -> Any:
    """An objective of the core; `changes` are of its data, or else of its settings."""
    data = ("labels", "offsets", "mask", "weight", "item_weight", "list_weight")
    arguments = {"labels": LABELS} | {name: x for name, x in changes.items() if name in data}
    settings = settings | {name: x for name, x in changes.items() if name not in data}
    return _core.Objective((family, settings), **arguments)


def pairwise(**changes: Any) -> Any:
    return bound("pairwise", {"loss": "logistic"}, changes)


def listwise(**changes: Any) -> Any:
    return bound("listwise", {"loss": "softmax"}, changes)


def evaluate(**changes: Any) -> Any:
    return pairwise().evaluate(**({"mode": _core.VALUE, "scores": SCORES} | changes))


def implicit_loss(**changes: Any) -> Any:
    return _core.ImplicitLoss(("implicit", {"loss": "hinge", "num_items": 9} | changes))


def implicit(**changes: Any) -> Any:
    arguments = {"mode": _core.VALUE, "positive": SCORES, "negative": SCORES, "new_results": True}
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
        (pairwise, {"loss": "softmax"}, "loss: one of hinge, .* is wanted, got 'softmax'"),
        (pairwise, {"algorithm": "best"}, "algorithm: one of auto, .*got 'best'"),
        (pairwise, {"labels": np.zeros(3, dtype=np.complex64)}, "labels: .*uint64.*complex64"),
        (pairwise, {"mask": np.ones(2, dtype=np.uint8)}, "mask: has 2 numbers, but 3 are wanted"),
        (pairwise, {"offsets": np.zeros(0, dtype=np.int64)}, "offsets: needs at least one"),
        (listwise, {"loss": "hinge"}, "loss: one of softmax, .* is wanted, got 'hinge'"),
        (listwise, {"target": "gain"}, "target: one of label, .* is wanted, got 'gain'"),
        (listwise, {"mask": np.ones(3)}, "mask: .*uint8.*float64"),
        (evaluate, {"mode": 7}, "mode: unknown"),
        (evaluate, {"mode": -1}, "mode: unknown"),
        (evaluate, {"mode": _core.VALUE_GRAD}, "out: the results of the mode"),
        (evaluate, {"mode": _core.GRAD_HESS, "grad": np.zeros(3)}, "out: the results of the mode"),
        (evaluate, {"mode": _core.HESS_VECTOR, "grad": np.zeros(3)}, "vector: .*wanted"),
        (evaluate, {"scores": SCORES[::2]}, "scores: a contiguous array of float64"),
        (evaluate, {"scores": SCORES[:2]}, "scores: has 2 numbers, but 3"),
        (evaluate, {"values": read_only()}, "out: is read-only"),
        (evaluate, {"min_hessian": -1.0}, "min_hessian: a finite number of at least 0"),
        (evaluate, {"weights": None, "gradient": np.zeros(3)}, "evaluate: has no argument 'gradient'"),
        (pairwise, {"item_weight": np.ones(2)}, "sample_weight: has 2 numbers, but 3"),
        (pairwise, {"list_weight": np.ones(3)}, "sample_weight: has 3 numbers, but 1"),
        (pairwise, {"weight": np.inf}, "sample_weight: a finite number is wanted, got inf"),
        (pairwise, {"reduction": "median"}, "reduction: one of none, sum, .* is wanted, got 'median'"),
        (pairwise, {"temperature": 0.0}, "temperature: a positive number"),
        (pairwise, {"temperature": "high"}, "temperature: a number is wanted"),
        (pairwise, {"loss": ("logistic", {"tau": 0.5})}, "tau: is no setting of logistic, which has nothing"),
        (pairwise, {"loss": ("quantile", {"t": 0.5})}, "t: is no setting of quantile, which has tau"),
        (pairwise, {"loss": ("quantile", {"tau": np.nan})}, "tau: a finite number"),
        (pairwise, {"target": "label"}, "target: is no setting of pairwise, which has .*loss, "),
        (pairwise, {"lambda_weight": "best"}, "lambda_weight: one of none, .* is wanted, got 'best'"),
        (pairwise, {"lambda_weight": ("ndcg", {"gain": "exp3"})}, "gain: one of exp2, .*, got 'exp3'"),
        (pairwise, {"lambda_weight": ("ndcg", {"k": -1})}, "k: a whole number of at least 0"),
        (pairwise, {"lambda_weight": ("ndcg", {"depth": 1})}, "depth: is no setting of ndcg"),
        (pairwise, {"algorithm": None, "nan": "ignore"}, "nan: one of raise, propagate is wanted"),
        (pairwise, {"temperature": object()}, "settings: a number, a name, numbers or"),
        (implicit_loss, {"loss": "softmax"}, "loss: one of sigmoid_gap, .*got 'softmax'"),
        (implicit_loss, {"choice": "none"}, "choice: one of every, .*got 'none'"),
        (implicit_loss, {"rank_weight": "none"}, "rank_weight: one of collie, .*got 'none'"),
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
        (dcg, {"gain": "exp3"}, "gain: one of exp2, linear, table is wanted, got 'exp3'"),
        (
            dcg,
            {"gain": "table", "gain_table": np.zeros(2), "ignore_negative": False, "labels": -LABELS},
            "index 0",
        ),
        (dcg, {"ties": "last"}, "ties: one of first, average, worst is wanted, got 'last'"),
    ],
)
def test_wrong_arguments(call: Callable[..., Any], changes: dict[str, Any], says: str) -> None:
    assert call() is not None
    with pytest.raises(WRONG, match=says):
        call(**changes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pairwise(loss=hinge", "a comma or [)] is wanted at character 19"),
        ("pairwise(loss=hinge,, nan=raise)", "a name is wanted at character 20"),
        ("pairwise(loss=)", "a name is wanted at character 14"),
        ("pairwise(loss hinge)", "= is wanted at character 14"),
        ("pairwise(loss=hinge) or so", "nothing more is wanted at character 21"),
        ("pairwise(loss=hinge, temperature=1e)", "a number is wanted"),
        ("pairwise(loss=hinge, temperature=1,5)", "a name is wanted at character 35"),
        ("pairwise(loss=hinge, lambda_weight=ndcg(gain=table, gain_table=[1 2]))", "a comma or ]"),
        ("pairwise(loss=hinge, loss=logistic)", "loss: is given twice"),
        ("a(b=" * 20, "no deeper bracket"),
        ("", "a name is wanted at character 0"),
        ("listwise(loss=approx_ndcg(k=-3))", "k: a number of at least 0 is wanted"),
        ("hinge\0", "nothing more is wanted"),
        ("pairs(loss=hinge)", "family of losses: one of pairwise, listwise is wanted, got 'pairs'"),
    ],
)
def test_wrong_texts(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        _core.Objective(text, LABELS)


def test_settings_in_settings_without_end() -> None:
    settings: tuple[str, dict[str, Any]] = ("a", {})
    for _ in range(100_000):  # a reader that goes as deep overflows the stack
        settings = ("a", {"b": settings})
    with pytest.raises(TypeError, match="no deeper"):
        _core.Objective(settings, LABELS)


GRADED, SPLIT = np.array([2.0, 0.0, 1.0, 1.0, 3.0]), np.array([0, 3, 5])


@pytest.mark.parametrize(
    ("text", "loss"),
    [
        ("pairwise(loss=hinge)", rg.PairwiseHingeLoss()),
        (
            " pairwise ( loss = quantile(tau=0.25),temperature=.5 ,reduction=mean_over_pairs ) ",
            rg.PairwiseQuantileLoss(tau=0.25, temperature=0.5, reduction="mean_over_pairs"),
        ),
        (
            "pairwise(loss=logistic, reduction=sum, lambda_weight=ndcg(k=2, gain=table, gain_table=[0, 1, 3.5e0, 7]))",
            rg.PairwiseLogisticLoss(reduction="sum", lambda_weight=rg.NDCGWeight(k=2, gain=[0, 1, 3.5, 7])),
        ),
        (
            "pairwise(loss=hinge, lambda_weight=ndcg(normalize=false, truncation=1), algorithm=direct)",
            rg.PairwiseHingeLoss(lambda_weight=rg.NDCGWeight(normalize=False, truncation=1)),
        ),
        (
            "listwise(loss=poly1_softmax(epsilon=-2e-1),reduction=mean_with_sample_weight)",
            rg.Poly1SoftmaxLoss(epsilon=-0.2, reduction="mean_with_sample_weight"),
        ),
        (
            "listwise(loss=softmax, target=noisy_power, seed=18446744073709551615, nan=propagate)",
            rg.XENDCGLoss(seed=2**64 - 1, nan="propagate"),
        ),
    ],
)
def test_a_text_makes_the_same_objective(text: str, loss: Any) -> None:
    """What a caller without Python has: settings as text, plain arrays, the reduced value and its gradient."""
    scores, weights = np.array([0.3, 1.0, -0.5, 0.0, 0.7]), np.array([0.5, 2.0])
    value, grad = loss.value_and_grad(GRADED, scores, weights[:, np.newaxis], offsets=SPLIT)
    core, own = _core.Objective(text, GRADED, SPLIT, list_weight=weights), np.empty(5)
    assert core.evaluate(_core.VALUE_GRAD, scores, grad=own) == value
    assert own.tobytes() == grad.tobytes()
    assert [x if x is None else x.tolist() for x in core.weights()] == [None, None, weights.tolist()] or (
        "mean_with_sample_weight" in text
    )


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
    values = [
        listwise(target=target, labels=labels).evaluate(_core.VALUE, SCORES)
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
