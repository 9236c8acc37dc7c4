"""Losses for Keras 3: keras-rs's five by their own names, and every other loss of rankgrad as :class:`Loss`.

They are Keras losses: for ``compile``, ``fit`` and ``evaluate`` with the backends torch, JAX and TensorFlow (there with
``jit_compile=False``: XLA cannot call back), saved with models and loaded with them. ``y_true`` is an array of labels,
those below 0 being ignored, or ``{"labels": ..., "mask": ...}``; arguments, reductions and values are keras-rs's.

Examples
--------
>>> import rankgrad as rg, rankgrad.keras
>>> loss = rg.keras.PairwiseHingeLoss()
>>> float(loss([[1.0, 0.0, 2.0]], [[0.5, 1.0, 2.0]]))
0.5
>>> rg.keras.Loss(rg.ApproxNDCGLoss(temperature=0.2), reduction="sum").get_config()["reduction"]
'sum'
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np

import rankgrad
from rankgrad._checks import shown
from rankgrad._loss import RankingLoss

try:
    import keras
except ModuleNotFoundError as error:
    if error.name != "keras":
        raise
    raise ImportError('rankgrad.keras needs keras: pip install "rankgrad[keras]"') from error

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OWN_REDUCTIONS = ("mean_over_pairs", "mean_over_lists", "mean_over_items")


@keras.saving.register_keras_serializable(package="rankgrad")
class Loss(keras.losses.Loss):
    """A loss of rankgrad as one of Keras.

    Parameters
    ----------
    loss : RankingLoss
        Any pairwise, listwise or pointwise loss.
    reduction : str, optional
        As in Keras, or one of rankgrad's "mean_over_pairs", "mean_over_lists", "mean_over_items". That of `loss` if it
        is not given.
    name, dtype
        As in Keras: scores are cast to the dtype, or to Keras's ``floatx``; labels are compared as they are.

    Raises
    ------
    TypeError
        If `loss` is no loss over lists.
    """

    def __init__(
        self, loss: RankingLoss, *, reduction: str | None = "", name: str | None = None, dtype: Any = None
    ) -> None:
        if not isinstance(loss, RankingLoss):
            raise TypeError(f"loss: one such as rankgrad.ApproxNDCGLoss() is wanted, got {shown(loss)}")
        reduction = loss.reduction if reduction == "" else reduction
        name = name or loss.name or _WORDS.sub("_", type(loss).__name__).lower()
        super().__init__(
            name=name, reduction="sum" if reduction in _OWN_REDUCTIONS else reduction, dtype=dtype
        )
        self.reduction = reduction
        self.loss = replace(loss, reduction=reduction, name=None)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss: a tensor of the backend."""
        if (
            getattr(y_pred, "_keras_mask", None) is not None
        ):  # Keras has rules of its own for the rows that it masks
            return super().__call__(y_true, y_pred, sample_weight)
        with keras.name_scope(self.name):
            return self.loss(_plain(y_true), self._scores(y_pred), sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The unreduced values."""
        return replace(self.loss, reduction=None)(_plain(y_true), self._scores(y_pred))

    def _scores(self, y_pred: Any) -> Any:
        return keras.ops.convert_to_tensor(y_pred, dtype=self.dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, for `from_config`."""
        config: dict[str, Any] = super().get_config()
        return config | {"loss": {"class_name": type(self.loss).__name__, "config": self.loss.get_config()}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """The loss that `get_config` described."""
        config = dict(config)
        known = getattr(rankgrad, str(config["loss"]["class_name"]), None)
        if not (isinstance(known, type) and issubclass(known, RankingLoss)):
            raise ValueError(
                f"config: a loss of rankgrad is wanted, got {shown(config['loss']['class_name'])}"
            )
        config["loss"] = known.from_config(config["loss"]["config"])
        return cls(**config)


def _plain(y_true: Any) -> Any:
    """Labels as an array: lists of numbers are taken as Keras takes them."""
    if isinstance(y_true, dict):
        return {key: _plain(value) for key, value in y_true.items()}
    return np.asarray(y_true) if isinstance(y_true, (list, tuple)) else y_true


class _OfKerasRS(Loss):
    """A loss with the constructor and the config of keras-rs's loss of the same name."""

    def __init__(self, temperature: float = 1.0, **options: Any) -> None:
        made = getattr(rankgrad, type(self).__name__)(temperature)
        super().__init__(made, **{"reduction": "sum_over_batch_size"} | options)
        self.temperature = self.loss.temperature

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, for `from_config`."""
        return {**keras.losses.Loss.get_config(self), "temperature": self.temperature}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> _OfKerasRS:
        """The loss that `get_config` described."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="rankgrad")
class PairwiseHingeLoss(_OfKerasRS):
    """:class:`rankgrad.PairwiseHingeLoss` as ``keras_rs.losses.PairwiseHingeLoss``."""


@keras.saving.register_keras_serializable(package="rankgrad")
class PairwiseLogisticLoss(_OfKerasRS):
    """:class:`rankgrad.PairwiseLogisticLoss` as ``keras_rs.losses.PairwiseLogisticLoss``."""


@keras.saving.register_keras_serializable(package="rankgrad")
class PairwiseSoftZeroOneLoss(_OfKerasRS):
    """:class:`rankgrad.PairwiseSoftZeroOneLoss` as ``keras_rs.losses.PairwiseSoftZeroOneLoss``."""


@keras.saving.register_keras_serializable(package="rankgrad")
class PairwiseMeanSquaredError(_OfKerasRS):
    """:class:`rankgrad.PairwiseMeanSquaredError` as ``keras_rs.losses.PairwiseMeanSquaredError``."""


@keras.saving.register_keras_serializable(package="rankgrad")
class ListMLELoss(_OfKerasRS):
    """:class:`rankgrad.ListMLELoss` as ``keras_rs.losses.ListMLELoss``, exact where its epsilon is felt."""
