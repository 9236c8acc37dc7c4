"""The text that a compiled program has for a loss makes the same loss as the settings in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import rankgrad as rg
from hypothesis import given
from hypothesis import strategies as st
from rankgrad import _core
from rankgrad._loss import RankingLoss
from rankgrad._settings_text import settings_text

Y, S = np.array([0.0, 1, 3, 1, 2, 0]), np.array([0.3, -1, 0.2, 2, 0.1, 0.7])

#: Every loss over lists, and those with options.
LOSSES: list[RankingLoss] = [
    *(
        loss(1 / 3, reduction=reduction)
        for name in rg.__all__
        if isinstance(loss := getattr(rg, name), type)
        and issubclass(loss, RankingLoss)
        and not loss.__abstractmethods__
        if name == "PairwiseQuantileLoss" or hasattr(loss, "_kernel")
        for reduction in ("mean", None)
    ),
    rg.PairwiseQuantileLoss(tau=0.1, squared=True, nan="propagate", negative_labels="use"),
    rg.Poly1SoftmaxLoss(epsilon=-1e-7),
    rg.UniqueSoftmaxLoss(gain="linear"),
    rg.SoftmaxLoss(normalize_labels=True),
    rg.XENDCGLoss(seed=2**63),
    rg.ApproxNDCGLoss(k=2),
    *(
        rg.PairwiseLogisticLoss(lambda_weight=weight)
        for weight in (
            rg.LabelDifferenceWeight(),
            rg.NDCGWeight(),
            rg.NDCGWeight(k=2**62, gain="linear", normalize=False),
            rg.NDCGWeight(gain=[0.0, 0.1, 1 / 3, 1e22], truncation=2),
        )
    ),
]


def results(settings: Any) -> list[Any]:
    """Value and gradient, to the bit."""
    grad, values = np.empty(6), np.empty(6)
    core = _core.Objective(settings, Y)
    per_item = values if core.values_per_item else values[:1]
    value = core.evaluate(_core.VALUE_GRAD, S, grad=grad, values=per_item, iteration=2)
    return [value, *per_item, *grad]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_text_of_a_loss(loss: RankingLoss) -> None:
    settings = (loss._family, loss._settings())
    assert results(settings_text(settings)) == results(settings)


@given(st.floats(min_value=5e-324, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_every_bit(temperature: float, epsilon: float) -> None:
    loss = rg.Poly1SoftmaxLoss(temperature, epsilon=epsilon)
    settings = (loss._family, loss._settings())
    assert repr(results(settings_text(settings))) == repr(results(settings))


def test_the_form_of_the_text() -> None:
    weight = ("ndcg", {"k": None, "gain_table": np.array([0.0, 1.5]), "normalize": True})
    settings = ("pairwise", {"loss": ("hinge", {}), "temperature": 1e-5, "lambda_weight": weight, "seed": 7})
    assert settings_text(settings) == (
        "pairwise(loss=hinge, temperature=1e-05, lambda_weight=ndcg(gain_table=[0.0, 1.5], normalize=true), seed=7)"
    )
    assert settings_text("label_difference") == "label_difference"
