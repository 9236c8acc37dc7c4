"""Unreduced values: weights are multiplied in double and only where an item is valid; one value is one number."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rankgrad as rg

from every_call import implicit_losses, labelled_losses, ragged

DTYPES = (np.float32, np.float64)


def bound(loss: Any, data: dict[str, Any], weights: Any, valid: Any) -> Any:
    return replace(loss, reduction="none").bind(
        {"labels": data["labels"], "mask": valid}, weights, groups=data["groups"]
    )


def cases() -> list[Any]:
    return [
        pytest.param(loss, dtype, id=f"{name} {np.dtype(dtype).name}")
        for (name, loss), dtype in itertools.product(labelled_losses().items(), DTYPES)
    ]


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize(("loss", "dtype"), cases())
def test_weights_are_multiplied_in_double(loss: Any, dtype: Any, hole: bool) -> None:
    """Also where the weight, or the value without it, is no number of the result's type."""
    data = ragged(dtype)
    rng = np.random.default_rng(1)
    n, n_lists = len(data["labels"]), len(data["groups"])
    valid = rng.random(n) < 0.9 if hole else np.ones(n, bool)
    plain = bound(loss, data, None, valid)
    per_item = plain._core.values_per_item
    of_list = np.repeat(np.arange(n_lists), data["groups"])
    wide = data["scores"].astype(np.float64)
    shape = (n,) if per_item and loss._item_weights else (n_lists, 1)
    for weights in (3e39, 10.0 ** rng.integers(-60, 45, shape), 10.0 ** rng.integers(-3, 3, shape)):
        weights = np.array(weights)
        if shape == (n,) and weights.shape == shape:
            weights[~valid] = 1e300
        factor = weights if weights.shape in ((), (n,)) else weights.reshape(-1)
        if per_item and weights.shape == (n_lists, 1):
            factor = factor[of_list]
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            values = bound(loss, data, weights, valid).value(data["scores"])
        with np.errstate(over="ignore", under="ignore"):
            exact = np.where(valid if per_item else True, plain.value(wide) * factor, 0.0)
            want = exact.astype(dtype)
        assert values.dtype == dtype
        fine = np.isfinite(want) & (np.abs(want) > np.finfo(dtype).tiny)
        np.testing.assert_allclose(values[fine], want[fine], rtol=5e-5 if dtype == np.float32 else 1e-9)
        np.testing.assert_array_equal(np.isfinite(values), np.isfinite(want))
        assert not np.isnan(values).any()
        assert (values[exact == 0] == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_weight_of_zero_takes_away_an_infinite_value(dtype: Any) -> None:
    loss = rg.PairwiseExponentialLoss(reduction="none")
    scores = np.array([-2000, 0, 1, 0], dtype)
    for weights in ([0.0, 1.0, 1.0, 1.0], [[0.0], [1.0]]):
        values = loss([1, 0, 1, 0], scores, weights, groups=[2, 2])
        np.testing.assert_allclose(values, [0, 0, np.exp(-1), 0], rtol=1e-6)


@pytest.mark.parametrize("loss", labelled_losses().values(), ids=labelled_losses())
def test_derivatives_of_float32_scores_with_weights_beyond_float32(loss: Any) -> None:
    """Their factors are in double too: where a derivative is 0 it stays 0, and none is NaN."""
    labels, scores = np.array([1.0, 0.0, 1.0, 0.0]), np.array([9.0, 1.0, 3.0, 3.0], np.float32)
    for weights in (1e39, [[1e39], [1e-39]], [1e39, 1.0, 1e-42, 1.0]):
        if np.shape(weights) == (4,) and not loss._item_weights:
            continue
        objective = loss.bind(labels, weights, groups=[2, 2])
        narrow = (*objective.value_and_grad(scores), *objective.grad_and_hess(scores))
        with np.errstate(over="ignore", under="ignore"):
            wide = (
                *objective.value_and_grad(scores.astype(float)),
                *objective.grad_and_hess(scores.astype(float)),
            )
            for got, want in zip(narrow, wide, strict=True):
                assert not np.isnan(got).any()
                want32 = np.float64(want) if np.ndim(want) == 0 else want.astype(np.float32)
                np.testing.assert_allclose(got, want32, rtol=1e-5, atol=1e-44)


@pytest.mark.parametrize(("loss", "dtype"), cases())
def test_the_value_is_one_number(loss: Any, dtype: Any) -> None:
    """From `value`, `value_and_grad`, with a cotangent, in pieces: the same bits."""
    data = ragged(dtype)
    rows = replace(loss, reduction="none")
    b = rows.bind(data["labels"], data["per_list"], groups=data["groups"])
    values = b.value(data["scores"])
    for cotangent in (None, np.linspace(-1, 1, values.size)):
        again, grad = b.value_and_grad(data["scores"], cotangent=cotangent)
        assert again.tobytes() == values.tobytes()
        kept = np.empty_like(values), np.empty_like(grad)
        assert b.value_and_grad(data["scores"], cotangent=cotangent, out=kept)[0] is kept[0]
        assert kept[0].tobytes() == values.tobytes()
        assert kept[1].tobytes() == grad.tobytes()
    ends = np.cumsum(data["groups"])
    for k, (end, size) in enumerate(zip(ends, data["groups"], strict=True)):
        part = slice(end - size, end)
        y, s, w = data["labels"][part], data["scores"][part], float(data["per_list"][k, 0])
        if size == 0 or getattr(loss, "_target", "") == "noisy_power":  # noise is by the list's number
            continue
        alone = rows(y, s, w)
        assert np.array_equal(alone, rows.value_and_grad(y, s, w)[0])
        if b._core.values_per_item:
            assert alone.tobytes() == values[part].tobytes()
        else:
            assert isinstance(alone, float)
            assert alone == rows.bind(y, w).value_and_grad(s, cotangent=0.3)[0]
            assert np.asarray(alone, dtype) == values[k]
            assert alone == replace(loss, reduction="sum").value_and_grad(y, s, w)[0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", implicit_losses().values(), ids=implicit_losses())
def test_the_value_of_an_implicit_loss_is_one_number(loss: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    p, q = rng.normal(size=300).astype(dtype), rng.normal(0, 3, (40, 300)).astype(dtype)
    options = {"num_items": 90, "sample_weight": rng.random(300), "reduction": "none"}
    values = loss(p, q, **options)
    for cotangent in (None, rng.normal(size=300)):
        assert loss.value_and_grad(p, q, cotangent=cotangent, **options)[0].tobytes() == values.tobytes()


class Counting:
    """A core that counts its evaluations."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self.evaluations = 0

    def evaluate(self, *arguments: Any, **fields: Any) -> Any:
        self.evaluations += 1
        return self._core.evaluate(*arguments, **fields)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._core, name)


@pytest.mark.parametrize("reduction", ["none", "sum"])
@pytest.mark.parametrize(
    "loss", [rg.PairwiseLogisticLoss(), rg.SoftmaxLoss(), rg.PointwiseMeanSquaredError()]
)
def test_every_call_evaluates_once(loss: Any, reduction: str) -> None:
    for groups in (None, [2, 1]):
        b = replace(loss, reduction=reduction).bind([1, 0, 2], groups=groups)
        b._core = counting = Counting(b._core)
        x = np.array([0.5, 1.0, 2.0])
        shape = np.shape(b.value(x))
        for cotangent in (None, np.full(shape, 0.5)):
            for method in (b.value, b.value_and_grad, b.grad_and_hess):
                counting.evaluations = 0
                method(x, cotangent=cotangent)
                assert counting.evaluations == 1
