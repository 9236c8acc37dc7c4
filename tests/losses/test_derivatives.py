"""Value -> gradient -> Hessian by central differences of fourth order, float64, to 1e-7."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from helpers import LOSSES, PARAMETERS, bind
from reference import Array
from reference_lists import Lists
from strategies import random_lists

pytestmark = pytest.mark.usefixtures("isa")

#: Truncation, STEP^4 / 30 times a fifth derivative, and rounding, 1e-16 / STEP times a value, are some 1e-12.
STEP = 1e-3
RTOL = 1e-7

SIZES = [6, 0, 1, 9, 2]


def central_difference(function: Callable[[float], Any], step: float = STEP) -> Any:
    """f'(0) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h."""
    f = function
    return (8 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12 * step)


def along(scores: Array, direction: Array) -> Callable[[float], Array]:
    return lambda t: scores + t * direction


def away_from_kinks(lists: Lists, temperature: float, rng: np.random.Generator) -> Lists:
    """Scores with no margin within 10 steps of 1 or of its label gap, the kinks of hinge and quantile."""
    s = lists.scores.copy()
    for part in lists.slices:
        y = lists.labels[part].astype(np.float64)
        gap = y[:, None] - y[None, :]
        off_diagonal = ~np.eye(len(y), dtype=bool)
        for _ in range(1000):
            d = (s[part][:, None] - s[part][None, :]) / temperature
            nearest = np.minimum(np.abs(np.abs(d) - 1), np.abs(d - gap))[off_diagonal].min(initial=np.inf)
            if nearest > 10 * STEP / temperature:
                break
            s[part] = rng.normal(0, 2, len(y))
        else:
            raise AssertionError("found no scores away from the kinks")
    return replace(lists, scores=s)


def lists_of_kind(kind: str, temperature: float, rng: np.random.Generator) -> Lists:
    """Graded lists; with item weights, list weights, or masked and ignored items with absurd scores."""
    lists = away_from_kinks(random_lists(rng, SIZES, levels=4), temperature, rng)
    n = len(lists.scores)
    if kind == "item weights":
        return replace(lists, sample_weight=rng.uniform(0, 2, n))
    if kind == "list weights":
        return replace(lists, sample_weight=rng.uniform(0, 2, (len(SIZES), 1)))
    if kind == "masked":
        mask = rng.random(n) < 0.7
        return replace(lists, mask=mask, scores=np.where(mask, lists.scores, 1e300))
    return lists


@pytest.fixture(params=["plain", "item weights", "list weights", "masked"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def close(actual: Any, expected: Any, scale: float) -> None:
    np.testing.assert_allclose(actual, expected, rtol=RTOL, atol=RTOL * scale)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_gradient_and_hessian(name: str, temperature: float, kind: str, rng: np.random.Generator) -> None:
    lists = lists_of_kind(kind, temperature, rng)
    objective = bind(name, lists, temperature=temperature)
    value, grad = objective.value_and_grad(lists.scores)
    grad_again, hess = objective.grad_and_hess(lists.scores)
    assert value > 0
    scale = max(np.abs(grad).max(), np.abs(hess).max())
    np.testing.assert_allclose(grad_again, grad, rtol=1e-12, atol=1e-12 * scale)
    for k in range(len(lists.scores)):
        at = along(lists.scores, np.eye(len(lists.scores))[k])
        close(grad[k], central_difference(lambda t, at=at: objective.value(at(t))), scale)
        close(hess[k], central_difference(lambda t, at=at, k=k: objective.value_and_grad(at(t))[1][k]), scale)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_hessian_times_vector(name: str, temperature: float, kind: str, rng: np.random.Generator) -> None:
    """H v is the gradient's difference along v; H e_k has the diagonal Hessian at k; H is symmetric."""
    lists = lists_of_kind(kind, temperature, rng)
    n = len(lists.scores)
    objective = bind(name, lists, temperature=temperature)
    hess = objective.grad_and_hess(lists.scores)[1]
    matrix = np.stack([objective.hessp(lists.scores, row) for row in np.eye(n)])
    scale = max(1.0, np.abs(matrix).max())
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-12 * scale)
    np.testing.assert_allclose(np.diag(matrix), hess, rtol=1e-11, atol=1e-12 * scale)
    for vector in (rng.normal(size=n), np.ones(n)):
        product = objective.hessp(lists.scores, vector)
        np.testing.assert_allclose(product, matrix @ vector, rtol=1e-11, atol=1e-11 * scale)
        at = along(lists.scores, vector)
        close(product, central_difference(lambda t, at=at: objective.value_and_grad(at(t))[1]), scale)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean_with_sample_weight", "mean_over_pairs", "none"]
)
def test_derivatives_are_those_of_the_reduced_value(
    name: str, reduction: str, rng: np.random.Generator
) -> None:
    """Also with a cotangent: an array for reduction "none", a number otherwise."""
    lists = lists_of_kind("item weights", 1.0, rng)
    n = len(lists.scores)
    cotangent: Any = rng.normal(size=n) if reduction == "none" else 1.75
    objective = bind(name, lists, reduction=reduction)
    grad, hess = objective.grad_and_hess(lists.scores, cotangent=cotangent)
    direction = rng.normal(size=n)
    product = objective.hessp(lists.scores, direction, cotangent=cotangent)
    at = along(lists.scores, direction)
    scale = max(1.0, np.abs(grad).max(), np.abs(hess).max())
    slope = central_difference(lambda t: np.sum(cotangent * objective.value(at(t))))
    close(grad @ direction, slope, scale * n)
    bend = central_difference(lambda t: objective.value_and_grad(at(t), cotangent=cotangent)[1])
    close(product, bend, scale)
    k = int(np.argmax(np.abs(hess)))
    at = along(lists.scores, np.eye(n)[k])
    curve = central_difference(lambda t: objective.value_and_grad(at(t), cotangent=cotangent)[1][k])
    close(hess[k], curve, scale)


@pytest.mark.parametrize("name", LOSSES)
def test_padded_arrays(name: str, rng: np.random.Generator) -> None:
    labels = rng.integers(-1, 4, (3, 6)).astype(np.float64)
    flat = away_from_kinks(
        Lists(labels.ravel(), rng.normal(0, 2, labels.size), np.arange(0, 19, 6), negative_labels="use"),
        1.0,
        rng,
    )
    scores = flat.scores.reshape(labels.shape)
    loss = LOSSES[name](1.0, reduction="sum_over_batch_size")
    grad, hess = loss.grad_and_hess(labels, scores)
    assert not grad[labels < 0].any()
    assert not hess[labels < 0].any()
    for index in np.ndindex(labels.shape):
        unit = np.zeros(labels.shape)
        unit[index] = 1
        at = along(scores, unit)
        close(grad[index], central_difference(lambda t, at=at: loss(labels, at(t))), 1.0)
        difference = central_difference(lambda t, at=at, i=index: loss.value_and_grad(labels, at(t))[1][i])
        close(hess[index], difference, 1.0)


def test_every_parameter_is_used() -> None:
    """A tau that did not reach the core would pass the differences above."""
    assert PARAMETERS["quantile"]["tau"] != LOSSES["quantile"].func().tau
