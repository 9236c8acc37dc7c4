"""The five implicit losses against their formulas in torch: 4096 positives, 64 negatives each, float32, one thread.

Run ``pytest bench/bench_implicit.py --benchmark-only --benchmark-group-by=group``. Each figure is one value and its
gradient with respect to both score arrays. torch runs the formulas that Collie documents, eagerly and by
``torch.compile`` (where a compiler is at hand), forward and backward.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

torch = pytest.importorskip("torch")

B, K, NUM_ITEMS = 4096, 64, 100_000
LOSSES = ("bpr", "hinge", "adaptive_bpr", "adaptive_hinge", "warp")


def collie_sum(loss: Any) -> Any:
    return (loss.sum() + loss.pow(2).sum()) / B


def bpr(positive: Any, negative: Any) -> Any:
    return collie_sum(1 - torch.sigmoid(positive - negative))


def hinge(positive: Any, negative: Any) -> Any:
    return collie_sum(torch.clamp(1 - (positive - negative), min=0))


def adaptive_bpr(positive: Any, negative: Any) -> Any:
    return bpr(positive, torch.max(negative, 0)[0])


def adaptive_hinge(positive: Any, negative: Any) -> Any:
    return hinge(positive, torch.max(negative, 0)[0])


def warp(positive: Any, negative: Any) -> Any:
    """The first violation per positive, found densely: a column of ones ends each search."""
    slack = torch.cat([1 - positive.view(-1, 1) + negative.transpose(0, 1), torch.ones(B, 1)], dim=1)
    tries = torch.argmax((slack > 0).float() * torch.arange(K + 1, 0, -1), dim=1)
    chosen = slack.gather(1, tries.view(-1, 1)).flatten()
    weight = torch.log(NUM_ITEMS / (tries + 1).float())
    return collie_sum(weight * chosen * (tries < K).float())


@pytest.fixture(autouse=True)
def one_torch_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def scores() -> tuple[Any, Any]:
    rng = np.random.default_rng(1)
    return rng.normal(1, 1, B).astype(np.float32), rng.normal(0, 1, (K, B)).astype(np.float32)


def torch_step(formula: Callable[[Any, Any], Any], scores: tuple[Any, Any]) -> Callable[[], Any]:
    positive, negative = (torch.from_numpy(s).requires_grad_() for s in scores)

    def step() -> Any:
        value = formula(positive, negative)
        return value, torch.autograd.grad(value, (positive, negative))

    return step


@pytest.mark.parametrize("name", LOSSES)
def test_rankgrad(benchmark: Any, scores: tuple[Any, Any], name: str) -> None:
    benchmark.group = name
    loss = getattr(rg, f"{name}_loss")
    num_items = NUM_ITEMS if name == "warp" else None
    value, gradients = benchmark(loss.value_and_grad, *scores, num_items)
    expected, expected_gradients = torch_step(globals()[name], scores)()
    assert value == pytest.approx(float(expected.detach()), rel=1e-5)
    for gradient, other in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, other.numpy(), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_torch_eager(benchmark: Any, scores: tuple[Any, Any], name: str) -> None:
    benchmark.group = name
    benchmark(torch_step(globals()[name], scores))


@pytest.mark.parametrize("name", LOSSES)
def test_torch_compile(benchmark: Any, scores: tuple[Any, Any], name: str) -> None:
    benchmark.group = name
    step = torch_step(torch.compile(globals()[name]), scores)
    try:
        step()
    except Exception as error:  # whatever keeps inductor from building here
        pytest.skip(f"torch.compile does not work here: {type(error).__name__}")
    benchmark(step)
