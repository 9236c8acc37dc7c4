"""Every loss, in every framework, in every form of lists: the value and the gradient are the same."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from rankgrad._loss import RankingLoss

RNG = np.random.default_rng(11)
SIZES = np.array([7, 1, 12, 4])
BOUNDS = np.cumsum(SIZES)[:-1]
LABELS, SCORES = RNG.integers(0, 4, SIZES.sum()).astype(np.float64), RNG.normal(size=SIZES.sum())

LOSSES = {
    name: getattr(rg, name)(reduction="sum")
    for name in rg.__all__
    if isinstance(getattr(rg, name), type) and issubclass(getattr(rg, name), RankingLoss)
} | {
    "quantile": rg.PairwiseQuantileLoss(tau=0.2, squared=True, reduction="sum"),
    "delta NDCG": rg.PairwiseLogisticLoss(0.5, lambda_weight=rg.NDCGWeight(k=5), reduction="mean_over_lists"),
}


def padded(x: Any, fill: float) -> Any:
    """Lists as rows, of the longest one's length."""
    rows = np.full((len(SIZES), SIZES.max()), fill, x.dtype)
    for row, part in zip(rows, np.split(x, BOUNDS), strict=True):
        row[: len(part)] = part
    return rows


VALID = padded(np.ones(len(SCORES), np.bool_), False)
Form = tuple[Any, Any, dict[str, Any]]
FORMS: dict[str, Callable[[Any], Form]] = {
    "padded": lambda s: (padded(LABELS, -1), padded(s, 9.0), {}),
    "mask": lambda s: ({"labels": padded(LABELS, 2), "mask": VALID}, padded(s, 9.0), {}),
    "groups": lambda s: (LABELS, s, {"groups": SIZES}),
    "jagged": lambda s: (np.split(LABELS, BOUNDS), np.split(s, BOUNDS), {}),
}


def numpys(loss: Any, y: Any, s: Any, lists: Any) -> Any:
    return loss.value_and_grad(y, s, **lists)


def torchs(loss: Any, y: Any, s: Any, lists: Any) -> Any:
    import torch

    parts = s if isinstance(s, list) else [s]
    leaves = [torch.tensor(x, requires_grad=True) for x in parts]
    value = loss(y, leaves if isinstance(s, list) else leaves[0], **lists)
    value.backward()
    grads = [x.grad.numpy() for x in leaves]
    return value.item(), grads if isinstance(s, list) else grads[0]


def jaxs(loss: Any, y: Any, s: Any, lists: Any) -> Any:
    import jax

    value, grad = jax.value_and_grad(lambda s: loss(y, s, **lists))(jax.tree.map(jax.numpy.asarray, s))
    return float(value), grad


FRAMEWORKS = {"numpy": numpys, "torch": torchs, "jax": jaxs}


def flat(grad: Any) -> Any:
    if isinstance(grad, list):
        return np.concatenate([np.asarray(x) for x in grad])
    grad = np.asarray(grad)
    return grad[VALID] if grad.ndim == 2 else grad


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", LOSSES)
def test_the_same_value_and_gradient(name: str, framework: str, dtype: str, form: str) -> None:
    if find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    if framework == "jax" and dtype == "float64":
        pytest.skip("JAX has float32 unless it is told otherwise")
    s = SCORES.astype(dtype)
    want, want_grad = LOSSES[name].value_and_grad(LABELS, s.astype(np.float64), groups=SIZES)
    value, grad = FRAMEWORKS[framework](LOSSES[name], *FORMS[form](s))
    rtol = 1e-5 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(value, want, rtol=rtol)
    np.testing.assert_allclose(flat(grad), want_grad, rtol=rtol, atol=rtol * np.abs(want_grad).max())
