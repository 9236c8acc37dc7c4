"""Options and mistakes that few callers ever make, one by one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad.datasets import load_svmlight
from rankgrad.lightgbm import metric

LABELS, SCORES = np.array([2.0, 0.0, 1.0]), np.array([0.5, 1.0, 2.0])
HINGE = rg.PairwiseHingeLoss(reduction="sum")
SOFTMAX = rg.ranking_softmax_loss


class OnAnotherDevice:
    """Numbers that say they are not in the memory of the processor."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        return SCORES


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: HINGE(LABELS, OnAnotherDevice()), r"scores.*is on device \(2, 0\)"),
        (
            lambda: rg.PairwiseMeanSquaredError()([2.0, np.inf, 1.0], SCORES),
            r"labels.*infinity at index 1\b.*finite labels",
        ),
        (lambda: HINGE.bind(LABELS).value(SCORES, out=np.zeros(3)), "out: the value of a reduced loss"),
        (lambda: rg.bpr_loss(SCORES, SCORES, out=np.zeros(3)), "out: the value of a reduced loss"),
        (lambda: HINGE.bind(LABELS).hessp(SCORES, [0.0, np.nan, 1.0]), r"vector: NaN .* at index 1\b"),
        (lambda: rg.PairwiseHingeLoss.from_config({"heat": 1.0}), r"config: unknown keys \['heat'\]"),
        (
            lambda: rg.PairwiseHingeLoss(lambda_weight={"class_name": "NDCGWeight", "depth": 3}),
            r"lambda_weight: NDCGWeight has no \['depth'\]",
        ),
        (
            lambda: rg.ApproxNDCGLoss()(LABELS, SCORES, [1.0, 2.0, 3.0]),
            "sample_weight: .*one weight per list, of shape",
        ),
        (lambda: HINGE(LABELS, SCORES, qid=[1.0, np.nan, 1.0]), r"qid: .*nan.* at index 1\b"),
        (
            lambda: rg.ndcg(LABELS, SCORES[:2]),
            r"scores: shape \(2,\) does not match the labels' shape \(3,\)",
        ),
        (lambda: rg.ndcg(LABELS, SCORES, ties="last"), r"ties: one of .*'worst'.* is wanted, got 'last'"),
        (lambda: rg.ndcg(LABELS, SCORES, k=0), "k: a whole number or None, at least 1, is wanted, got 0"),
        (
            lambda: HINGE.bind(LABELS).value_and_grad(SCORES, out=np.zeros(6)[::2]),
            "out: must be C-contiguous, aligned and writeable",
        ),
        (lambda: rg.ApproxNDCGLoss(k=True), "k: a whole number or None is wanted, got True"),
        (lambda: rg.ApproxNDCGLoss(k=2.5), "k: a whole number or None is wanted, got 2.5"),
        (lambda: rg.XENDCGLoss(seed=0.5), "seed: a whole number is wanted, got 0.5"),
        (lambda: rg.ndcg(LABELS, SCORES, negative_labels="drop"), "negative_labels: .*got 'drop'"),
        (lambda: SOFTMAX(SCORES, LABELS, nan="skip"), "nan: .*got 'skip'"),
        (lambda: SOFTMAX.bind(1.0), "labels: shape .* is wanted, got a number"),
        (
            lambda: rg.bpr_loss.value_and_grad(SCORES, SCORES, out=([0.0] * 3, [0.0] * 3)),
            "out: a NumPy array is wanted, got list",
        ),
    ],
)
def test_mistakes(call: Callable[[], Any], says: str) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        call()


def test_scores_of_two_types_are_computed_in_the_wider_one() -> None:
    positive, negative = SCORES.astype(np.float32), np.array([0.1, 0.2, 0.3])
    value, grads = rg.bpr_loss.value_and_grad(positive, negative)
    wide_value, wide_grads = rg.bpr_loss.value_and_grad(positive.astype(np.float64), negative)
    assert value == wide_value
    np.testing.assert_array_equal(grads, wide_grads)
    assert {grad.dtype for grad in grads} == {np.dtype(np.float64)}


def test_values_of_positives_go_where_they_are_wanted() -> None:
    out = np.empty(3)
    assert rg.bpr_loss(SCORES, SCORES, reduction="none", out=out) is out
    np.testing.assert_array_equal(out, rg.bpr_loss(SCORES, SCORES, reduction="none"))


def test_noise_of_an_iteration_is_that_of_the_bound_loss() -> None:
    loss = rg.XENDCGLoss(seed=3)
    grad, hess = loss.grad_and_hess(LABELS, SCORES, iteration=5)
    bound = loss.bind(LABELS).grad_and_hess(SCORES, iteration=5)
    assert np.array_equal(grad, bound[0])
    assert np.array_equal(hess, bound[1])
    assert loss.call([LABELS], [SCORES], iteration=5).tolist() == [loss(LABELS, SCORES, iteration=5)]
    assert HINGE(LABELS, SCORES, iteration=5) == HINGE(LABELS, SCORES)
    with pytest.raises(ValueError, match="iteration: a whole number, from 0 to"):
        HINGE(LABELS, SCORES, iteration=-1)


def test_no_lists_at_all() -> None:
    nothing = np.zeros(0)
    assert HINGE(nothing, nothing, qid=nothing) == 0.0
    assert HINGE.bind(nothing, qid=nothing).pairs_per_list.shape == (0,)


def test_metrics_with_a_table_of_gains_can_be_compared() -> None:
    table = metric(k=3, gain=np.array([0.0, 1.0, 3.0]))
    assert table == metric(k=3, gain=[0, 1, 3])
    assert table != metric(k=3, gain=[0, 1, 4])
    assert len({table, metric(k=3, gain=[0, 1, 3])}) == 1


def test_versions(capsys: pytest.CaptureFixture[str]) -> None:
    rg.show_versions()
    said = capsys.readouterr().out
    for fact in (np.__version__, sys.version.split()[0], rg.build_info()["compiler"]):
        assert fact in said


def test_reading_svmlight_files_needs_scikit_learn(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    file = tmp_path / "data"
    file.write_text("1 qid:1 1:0.5\n")
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)  # as if it were not installed
    with pytest.raises(ImportError, match=r'pip install "rankgrad\[demo\]"'):
        load_svmlight(file)
