"""Wrong options of losses and calls raise an error that names the option and what came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from wrong_input import LABELS, LOSS, SCORES, WIDE_LABELS, WRONG, call_all

pytestmark = pytest.mark.usefixtures("isa")


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
