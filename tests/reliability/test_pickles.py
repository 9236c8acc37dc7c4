"""Bound objectives are copied and pickled: equal results to the bit, from data of their own."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import multiprocessing
import pickle
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from every_call import labelled_losses

LABELS = np.array([[2.0, 0.0, 1.0], [1.0, 0.0, -1.0]])
SCORES = np.array([[0.3, -0.2, 1.5], [0.9, -1.1, 0.4]])


def twins(objective: Any) -> list[Any]:
    made = [copy.copy(objective), copy.deepcopy(objective)]
    made += [
        pickle.loads(pickle.dumps(objective, protocol)) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ]
    made.append(pickle.loads(pickle.dumps(made[-1])))
    return made


def assert_same_results(twin: Any, objective: Any, scores: Any, **options: Any) -> None:
    assert type(twin) is type(objective)
    assert twin.shape == objective.shape
    for dtype in (np.float32, np.float64):
        x = np.asarray(scores, dtype)
        for method in ("value", "value_and_grad", "grad_and_hess"):
            np.testing.assert_equal(
                getattr(twin, method)(x, **options), getattr(objective, method)(x, **options)
            )
        np.testing.assert_equal(twin.hessp(x, x, **options), objective.hessp(x, x, **options))


def bound_ones() -> dict[str, tuple[Any, Any]]:
    """Objectives of every loss, and of data that is kept in other ways, with scores."""
    rng = np.random.default_rng(2)
    scores = rng.normal(size=40)
    labels, groups, w = rng.integers(-1, 4, 40), [7, 0, 30, 3], rng.random(40)
    found = {}
    for name, loss in labelled_losses().items():
        for reduction in ("mean", "none"):
            loss = dataclasses.replace(loss, reduction=reduction)
            weights = w if loss._item_weights else w[:4]
            found[f"{name} {reduction}"] = loss.bind(labels, weights, groups=groups), scores
    logistic = rg.PairwiseLogisticLoss(0.5, reduction="mean_with_sample_weight", dtype="float32", name="x")
    uneven = np.where(labels == 1, -0.0, labels / 3)
    nan = np.where(np.arange(40) == 39, np.nan, labels)
    weighted = rg.PairwiseHingeLoss(
        lambda_weight=rg.NDCGWeight(gain=[0, 1, 3, 9], k=3), negative_labels="use"
    )
    weights_with_nan = np.where(labels < 0, np.nan, w)
    return found | {
        "two dimensions": (logistic.bind(labels.reshape(4, 10), w[:4, None]), scores.reshape(4, 10)),
        "fast": (logistic.bind(labels, algorithm="fast"), scores),
        "direct": (logistic.bind(labels, algorithm="direct"), scores),
        "labels of float64": (rg.SoftmaxLoss().bind(uneven), scores),
        "labels beyond float64": (logistic.bind((labels.clip(0) + 2**62 + 1).astype(np.uint64)), scores),
        "mask": (logistic.bind({"labels": labels, "mask": rng.random(40) < 0.5}, groups=groups), scores),
        "NaN label": (rg.PairwiseHingeLoss(nan="propagate").bind(nan, groups=groups), scores),
        "NaN weights": (logistic.bind(labels, weights_with_nan), scores),
        "pair weight": (weighted.bind(labels.clip(0), groups=groups), scores),
        "nothing": (logistic.bind([]), scores[:0]),
        "softmax function": (rg.ranking_softmax_loss.bind(labels.reshape(2, 4, 5), weights=w.reshape(2, 4, 5)),
                             scores.reshape(2, 4, 5)),
    }  # fmt: skip


@pytest.mark.parametrize("name", bound_ones())
def test_copies_and_pickles_of_bound_objectives(name: str) -> None:
    objective, scores = bound_ones()[name]
    for twin in twins(objective):
        assert_same_results(twin, objective, scores)
    if "XENDCG" in name:
        for twin in twins(objective):
            assert_same_results(twin, objective, scores, iteration=3)


def test_a_pickle_has_its_own_labels() -> None:
    """What the caller writes later matters neither to the objective nor to what is made of it."""
    for labels in (np.array([0.0, 1.0, 2.0]), np.array([0.1, 1.0, 2.0]), np.array([2**40, 1, 0])):
        y, w, groups, scores = (
            labels.copy(),
            np.array([1.0, 2.0, 3.0]),
            np.array([2, 1]),
            np.array([0.3, 0.2, 0.1]),
        )
        objective = rg.PairwiseHingeLoss(reduction="none").bind(y, w, groups=groups)
        before = objective.value_and_grad(scores)
        y[:], w[:], groups[:] = y[::-1].copy(), 7, 0
        for twin in twins(objective):
            np.testing.assert_equal(twin.value_and_grad(scores), before)


def test_a_subclass_and_other_picklers() -> None:
    objective = rg.PairwiseLogisticLoss(reduction="none").bind(LABELS)
    for name in ("cloudpickle", "joblib.externals.cloudpickle"):
        try:
            other = importlib.import_module(name)
        except ImportError:
            continue
        assert_same_results(other.loads(other.dumps(objective)), objective, SCORES)


def test_an_objective_is_sent_to_a_spawned_process() -> None:
    objective = rg.PairwiseLogisticLoss(reduction="none").bind(LABELS)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        np.testing.assert_equal(
            pool.apply(objective.grad_and_hess, (SCORES,)), objective.grad_and_hess(SCORES)
        )


def test_labels_are_kept_in_the_smallest_type() -> None:
    kinds = {
        "int8": [np.array([0.0, 4.0, -1.0]), np.array([0, 4]), np.array([7], np.uint64)],
        "int16": [np.array([0, 300])],
        "float32": [np.array([0.5, 3.0]), np.array([-0.0, 1.0])],
        "float64": [np.array([0.1, 1.0])],
        "int64": [np.array([2**40 + 1, 0])],
        "uint64": [np.array([2**63 + 1, 0], np.uint64)],
    }
    for dtype, examples in kinds.items():
        for labels in examples:
            source = rg.PairwiseHingeLoss().bind(labels)._source
            assert source.labels.dtype == dtype
            assert source.labels.astype(source.dtype).tobytes() == labels.tobytes()
