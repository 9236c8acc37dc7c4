"""Calls that take containers, each with flat data, too; and how the results of the two are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import rankgrad as rg

from containers import Kind, Parts
from reference import Array

SIZES = [3, 0, 2, 4, 1]
RNG = np.random.default_rng(0)
GROUPS = {"groups": SIZES}
LOSS, NOISY = rg.PairwiseLogisticLoss(), rg.XENDCGLoss(reduction="none")
EACH, ROWS = rg.PairwiseHingeLoss(reduction="none"), rg.SoftmaxLoss(reduction="none")
SOFTMAX, POINTS = rg.ranking_softmax_loss, rg.PointwiseMeanSquaredError(reduction="none")


def cut(flat: Array) -> Parts:
    return np.split(flat, np.cumsum(SIZES)[:-1])


Y = np.array([2.0, 0, 1, 0, 1, 3, 0, -1, 2, 1])
S, V, W = RNG.normal(size=(3, 10))
W = np.abs(W)
MASK = np.array([1, 1, 1, 1, 1, 0, 1, 1, 1, 1], np.bool_)
PER_LIST = np.array([1.0, 2, 3, 4, 5])
POSITIVE = np.array([0.1, -0.4, 0.3, 0.7, 0.2])

#: Calls with what `x` makes of the scores, `c` of constants, and how the lists are given; "c" for results that are
#: containers, "p" for plain ones, "l" for numbers.
CALLS: dict[str, tuple[str, Callable[..., Any]]] = {
    "loss": ("l", lambda x, c, how: LOSS(c(Y), x(S), **how)),
    "weights": ("l", lambda x, c, how: LOSS(c(Y), x(S), c(W), **how)),
    "weights of lists": ("l", lambda x, c, how: LOSS(c(Y), x(S), PER_LIST[:, None], **how)),
    "mask": ("l", lambda x, c, how: LOSS({"labels": c(Y), "mask": c(MASK)}, x(S), **how)),
    "value_and_grad": ("lc", lambda x, c, how: LOSS.value_and_grad(c(Y), x(S), c(W), cotangent=2.0, **how)),
    "grad_and_hess": ("cc", lambda x, c, how: LOSS.grad_and_hess(c(Y), x(S), **how)),
    "none": ("c", lambda x, c, how: EACH(c(Y), x(S), **how)),
    "none, points": ("c", lambda x, c, how: POINTS(c(Y), x(S), **how)),
    "none, lists": ("p", lambda x, c, how: ROWS(c(Y), x(S), **how)),
    "none, value_and_grad": ("cc", lambda x, c, how: EACH.value_and_grad(c(Y), x(S), cotangent=c(V), **how)),
    "none, lists, value_and_grad": (
        "pc",
        lambda x, c, how: NOISY.value_and_grad(c(Y), x(S), cotangent=PER_LIST, iteration=3, **how),
    ),
    "bound": ("l", lambda x, c, how: LOSS.bind(c(Y), c(W), **how).value(x(S))),
    "bound, none": (
        "cc",
        lambda x, c, how: EACH.bind(c(Y), **how).value_and_grad(x(S), cotangent=c(V)),
    ),
    "bound, grad_and_hess": (
        "cc",
        lambda x, c, how: LOSS.bind(c(Y), **how).grad_and_hess(x(S), curvature="positive", min_hessian=0.1),
    ),
    "hessp": ("c", lambda x, c, how: LOSS.bind(c(Y), **how).hessp(x(S), c(V))),
    "ndcg": ("l", lambda x, c, how: rg.ndcg(c(Y), x(S), k=2, sample_weight=PER_LIST, **how)),
    "dcg": ("p", lambda x, c, how: rg.dcg(c(Y), x(S), per_list=True, **how)),
    "softmax": ("l", lambda x, c, how: _softmax(x, c, how, "__call__", weights=c(W), where=c(MASK))),
    "softmax, reduce_fn": ("l", lambda x, c, how: _softmax(x, c, how, "__call__", reduce_fn=np.max)),
    "softmax, none": ("p", lambda x, c, how: _softmax(x, c, how, "__call__", reduction="none")),
    "softmax, value_and_grad": ("lc", lambda x, c, how: _softmax(x, c, how, "value_and_grad")),
    "softmax, grad_and_hess": (
        "cc",
        lambda x, c, how: _softmax(x, c, how, "grad_and_hess", weights=PER_LIST[:, None]),
    ),
}


WITH_CONSTANTS_LIKE_SCORES = {"none, value_and_grad", "bound, none", "hessp"}


def _softmax(x: Any, c: Any, how: dict[str, Any], method: str, **options: Any) -> Any:
    """The function has no argument for lists: of flat data it is the loss that it is made of."""
    if not how:
        return getattr(SOFTMAX, method)(x(S), c(Y), **options)
    where, weights = options.pop("where", None), options.pop("weights", None)
    reduce_fn, reduction = options.pop("reduce_fn", None), options.pop("reduction", "mean_over_lists")
    loss = rg.SoftmaxLoss(reduction="none" if reduce_fn else reduction, negative_labels="use")
    value = getattr(loss, method)({"labels": Y, "mask": where}, S, weights, **how)
    return value[np.array(SIZES) > 0].max() if reduce_fn else value


def check(got: Any, want: Any, shape: str, kind: Kind) -> None:
    """The results of a call with containers are those of one with flat data, each as it is to be."""
    for one, flat, what in zip(*((r if len(shape) > 1 else (r,)) for r in (got, want)), shape, strict=True):
        if what == "c":
            parts = kind.opened(one)
            assert [len(part) for part in parts] == SIZES
            one, is_float = np.concatenate(parts), True
        else:
            is_float = isinstance(one, float if what == "l" else np.ndarray)
        assert is_float or kind.tensors
        close(np.asarray(one), flat, kind)


def close(got: Array, want: Any, kind: Kind) -> None:
    """Bit by bit, but that JAX makes float32 of float64."""
    tolerance = 1e-5 if kind.tensors else 0
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
