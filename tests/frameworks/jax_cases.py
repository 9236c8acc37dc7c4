"""Losses, data and ways of calling for the tests of JAX."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import jax
import numpy as np
import rankgrad as rg
from rankgrad._loss import RankingLoss

SMOOTH = {
    *(
        "PairwiseLogisticLoss",
        "PairwiseSoftZeroOneLoss",
        "PairwiseExponentialLoss",
        "PairwiseMeanSquaredError",
    ),
    *("SoftmaxLoss", "Poly1SoftmaxLoss", "UniqueSoftmaxLoss", "ListMLELoss", "XENDCGLoss", "ApproxNDCGLoss"),
    *("SigmoidCrossEntropyLoss", "PointwiseMeanSquaredError"),
}

#: Every public loss over lists by its name, and some with lambda weights.
LOSSES: dict[str, Callable[..., Any]] = {
    name: cls
    for name in rg.__all__
    if isinstance(cls := getattr(rg, name), type)
    and issubclass(cls, RankingLoss)
    and not cls.__abstractmethods__
    if hasattr(cls, "_kernel") or name == "PairwiseQuantileLoss"
}
WEIGHTED = {
    "ndcg": rg.NDCGWeight(k=2, gain=[0.0, 1.0, 3.5, 7.0], truncation=3),
    "label_difference": rg.LabelDifferenceWeight(),
}


class Case(NamedTuple):
    """Data in one of the forms; `lists` are keyword arguments."""

    labels: Any
    scores: Any
    lists: dict[str, Any]


def cases(seed: int = 7) -> dict[str, Case]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, (3, 5)).astype(np.float32)
    s = rng.normal(size=(3, 5)).astype(np.float32)
    padded = y.copy()
    padded[1, 3:] = -1
    mask = rng.random((3, 5)) < 0.8
    flat = {
        "groups": np.array([5, 2, 8]),
        "offsets": np.array([0, 5, 7, 15]),
        "qid": np.repeat([7, 3, 9], [5, 2, 8]),
    }
    return {
        "padded": Case(padded, s, {}),
        "mask": Case({"labels": y, "mask": mask}, s, {}),
        "one list": Case(y.ravel().astype(np.int32), s.ravel(), {}),
        **{
            name: Case(y.ravel(), s.ravel(), {name: bounds.astype(np.int32)}) for name, bounds in flat.items()
        },
    }


def x64() -> AbstractContextManager[Any]:
    """Double precision for a while, as old and new versions of JAX have it."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)  # type: ignore[no-any-return]
    from jax import experimental

    return experimental.enable_x64()


def assert_like_numpy(actual: Any, want: Any, rtol: float = 2e-6) -> None:
    """JAX arrays of the numbers; what NumPy's call gives as float is a number in the scores' type."""
    if isinstance(want, tuple):
        assert len(actual) == len(want)
        for a, w in zip(actual, want, strict=True):
            assert_like_numpy(a, w, rtol)
        return
    assert isinstance(actual, jax.Array)
    assert actual.shape == np.shape(want)
    scale = np.abs(want).max(initial=1e-6)
    np.testing.assert_allclose(np.asarray(actual), want, rtol=rtol, atol=rtol * scale)
