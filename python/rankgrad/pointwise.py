"""Pointwise losses, of each item on its own; :mod:`rankgrad.listwise` says how accurate they are."""

from __future__ import annotations

from dataclasses import dataclass

from rankgrad.listwise import ListwiseLoss


@dataclass(frozen=True)
class SigmoidCrossEntropyLoss(ListwiseLoss):
    """log(1 + exp(z)) - z y per item, labels clipped to [0, 1]; g = sigmoid(z) - y, h = sigmoid(z)(1 -
    sigmoid(z)).

    Pointwise: unreduced values, weights and "sum_over_batch_size" are per item. Source: Rax
    ``pointwise_sigmoid_loss``.
    """

    _kernel = "sigmoid_cross_entropy"
    _compares = None
    _target = "clipped_label"


@dataclass(frozen=True)
class PointwiseMeanSquaredError(ListwiseLoss):
    """(z - y)^2 per item; g = 2 (z - y), h = 2.

    Pointwise: unreduced values, weights and "sum_over_batch_size" are per item. Source: Rax
    ``pointwise_mse_loss``.
    """

    _kernel = "squared_error"
    _compares = None
