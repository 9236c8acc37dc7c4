"""The losses under test by the name of their reference, and the comparison with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import rankgrad as rg
from numpy.typing import ArrayLike, DTypeLike
from rankgrad.pairwise import PairwiseLoss

from reference import ALL_PAIRS, Array, Sum
from reference_lists import Lists, evaluate

#: name of the reference function -> what makes the loss: the classes that have one kernel, and those with options
LOSSES: dict[str, Callable[..., Any]] = {
    **{loss._kernel: loss for loss in PairwiseLoss.__subclasses__() if hasattr(loss, "_kernel")},
    "quantile": partial(rg.PairwiseQuantileLoss, tau=0.3),
    "squared_quantile": partial(rg.PairwiseQuantileLoss, tau=0.3, squared=True),
}

#: name of the reference function -> its parameters beside margin and label gap, as used in LOSSES
PARAMETERS: dict[str, dict[str, Any]] = {"quantile": {"tau": 0.3}, "squared_quantile": {"tau": 0.3}}

#: Bounds of the direct sums, relative to the sum of the absolute terms.
RTOL = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-6}

#: What a user may have beside NumPy, and the package imports only when it is needed.
FRAMEWORKS = {
    *("lightgbm", "xgboost", "sklearn", "scipy", "torch", "jax", "keras", "tensorflow", "optax"),
    *("matplotlib", "polars", "pandas", "pyarrow", "awkward", "nanoarrow"),
}

REDUCTIONS = (
    "sum",
    "sum_over_batch_size",
    "mean",
    "mean_with_sample_weight",
    "mean_over_pairs",
    "mean_over_lists",
    "mean_over_items",
    "none",
)

#: Reductions that padding cannot change.
PADDING_PROOF = ("sum", "mean_over_pairs", "mean_over_lists", "mean_over_items")


def labels_of(lists: Lists) -> Any:
    """What rankgrad takes as y_true: the labels, or labels and mask."""
    return lists.labels if lists.mask is None else {"labels": lists.labels, "mask": lists.mask}


def bind(
    name: str,
    lists: Lists,
    *,
    temperature: float = 1.0,
    reduction: str | None = "sum",
    algorithm: str = "auto",
    **options: Any,
) -> Any:
    """The loss bound to the lists."""
    loss = LOSSES[name](temperature, reduction=reduction, negative_labels=lists.negative_labels, **options)
    return loss.bind(labels_of(lists), lists.sample_weight, offsets=lists.offsets, algorithm=algorithm)


def assert_equals_sum(name: str, actual: Any, expected: Sum, lists: Lists, temperature: float = 1.0) -> None:
    """Hold `actual` to `expected` within the bound of its dtype, and to NaN exactly where that is NaN.

    A margin (s_i - s_j) / T carries two roundings of the scaled scores and one of their difference: at most
    2 eps max|s| / T of the list. `drift` carries it into the sum.

    The losses over all pairs are summed by moments about the mean of the list. Their errors are relative to
    the largest of the list's sums: an item all of whose own terms are 0 gets 0 up to that rounding only.
    """
    dtype = lists.scores.dtype
    actual, terms = np.asarray(actual), expected.terms
    assert actual.shape == expected.total.shape
    margin_error = 2 * np.finfo(dtype).eps * _largest_of_list(np.abs(lists.scores.astype(np.float64)), lists)
    if expected.total.ndim == 0:
        margin_error = margin_error.max(initial=0.0)
    elif name in ALL_PAIRS:
        terms = _largest_of_list(terms, lists)
    bound = RTOL[dtype] * terms + margin_error / temperature * expected.drift + np.finfo(dtype).tiny
    wrong = ~(np.abs(actual - expected.total) <= bound) & ~(np.isnan(actual) & np.isnan(expected.total))
    worst = np.argwhere(wrong)[:3].tolist()
    assert not wrong.any(), (
        f"at {worst}: {actual[wrong][:3]}, not {expected.total[wrong][:3]} (+-{bound[wrong][:3]})"
    )


def _largest_of_list(x: Array, lists: Lists) -> Array:
    """For every item the largest finite number that a valid item of its list has."""
    x = np.where(lists.valid & np.isfinite(x), x, 0.0)
    out = np.zeros(len(x))
    for part in lists.slices:
        out[part] = x[part].max(initial=0.0)
    return out


def check(
    name: str,
    lists: Lists,
    *,
    dtype: DTypeLike = np.float64,
    reduction: str | None = "sum",
    temperature: float = 1.0,
    cotangent: ArrayLike | None = None,
    vector: Array | None = None,
    pair_weight: Callable[[Array, Array], Array] | None = None,
    **options: Any,
) -> None:
    """Everything that a bound objective computes equals the reference."""
    lists = replace(lists, scores=lists.scores.astype(dtype))
    objective = bind(name, lists, temperature=temperature, reduction=reduction, **options)
    want = evaluate(
        name,
        lists,
        reduction=reduction,
        temperature=temperature,
        cotangent=1.0 if cotangent is None else cotangent,
        vector=vector,
        pair_weight=pair_weight,
        **PARAMETERS.get(name, {}),
    )

    def same(actual: Any, expected: Sum) -> None:
        assert_equals_sum(name, actual, expected, lists, temperature)

    same(objective.value(lists.scores), want.value)
    value, grad = objective.value_and_grad(lists.scores, cotangent=cotangent)
    same(value, want.value)
    same(grad, want.grad)
    grad, hess = objective.grad_and_hess(lists.scores, cotangent=cotangent)
    assert grad.dtype == hess.dtype == dtype
    same(grad, want.grad)
    same(hess, want.hess)
    same(
        objective.grad_and_hess(lists.scores, cotangent=cotangent, curvature="positive")[1],
        want.positive_hess,
    )
    if vector is not None:
        same(objective.hessp(lists.scores, vector.astype(dtype), cotangent=cotangent), want.hessp)
