r"""Pairwise losses: sums of phi(m) over the pairs of a list whose labels differ.

.. math:: L = \sum_{y_i > y_j} w_i \, \phi\big((s_i - s_j) / T\big)

for valid items i, j of one list, with row weights w and temperature T. The unreduced values are the row sums over j,
one per item i, as in keras-rs. With ``lambda_weight=`` each pair is multiplied by a weight Delta_ij >= 0 of
:mod:`rankgrad.lambda_weights`.

For every finite input the error of a result is at most 1e-12 (float32 scores: 1e-6) of the sum of its absolute
terms, and what one unit in the last place of each margin (s_i - s_j) / T changes: scores are subtracted before
anything is rounded or divided by T, labels in their own type. At a kink that is exactly there the slope is 0;
within 4 units in the last place of max(abs(s_i), abs(s_j)) / T it is that of either side. A result is infinite only
where the exact one is too large for its type, and a weight of 0 annihilates its term. Conditions: the second
derivative p q (p - q) of the soft zero-one loss is that accurate pair by pair, and relative to the sum of p q in
the near-linear sums of long lists; integer labels of one list are told apart exactly while they span less than
2^53; where a square (a loss of slack^2) overflows in a list, terms 2^-1000 times as small may be lost in it; where
terms of both signs are too large for double themselves, their sum may be NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from rankgrad._checks import flag, positive_number, shown
from rankgrad._loss import RankingLoss
from rankgrad._silent_zeros import Compares
from rankgrad.lambda_weights import LambdaWeight, lambda_weight_from_config


@dataclass(frozen=True)
class PairwiseLoss(RankingLoss):
    """Base of the pairwise losses; see :class:`RankingLoss` for the other parameters and the ways to call.

    Parameters
    ----------
    lambda_weight
        What each pair is multiplied by, such as :class:`rankgrad.NDCGWeight`; ranks are by the scores of the call.
    """

    lambda_weight: LambdaWeight | None = field(default=None, kw_only=True)

    _family = "pairwise"
    _compares: ClassVar[Compares] = "labels"

    def __post_init__(self) -> None:
        super().__post_init__()
        weight = self.lambda_weight
        if isinstance(weight, dict):  # of get_config
            object.__setattr__(self, "lambda_weight", lambda_weight_from_config(weight))
        elif not (weight is None or isinstance(weight, LambdaWeight)):
            raise TypeError(f"lambda_weight: a weight such as NDCGWeight() is wanted, got {shown(weight)}")

    @property
    def has_pairs(self) -> bool:
        """It is."""
        return True

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain data, for `from_config`."""
        config = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.lambda_weight is not None:
            config["lambda_weight"] = self.lambda_weight.get_config()
        return config

    def _settings(self) -> dict[str, Any]:
        weight = None if self.lambda_weight is None else self.lambda_weight._core_weight()
        return super()._settings() | {"lambda_weight": weight}


@dataclass(frozen=True)
class PairwiseHingeLoss(PairwiseLoss):
    """phi(m) = max(0, 1 - m).

    phi' = -1 for m < 1 and 0 elsewhere, the kink m = 1 included (as torch and JAX); phi'' = 0.
    Source: keras-rs ``PairwiseHingeLoss``; Herbrich, Graepel & Obermayer, 2000.

    Examples
    --------
    >>> import rankgrad as rg
    >>> loss = rg.PairwiseHingeLoss(reduction="sum")
    >>> loss([1, 0, 2], [0.5, 1.0, 2.0])    # pairs (0,1): 1.5; (2,0): 0; (2,1): 0
    1.5
    >>> loss.value_and_grad([1, 0, 2], [0.5, 1.0, 2.0])
    (1.5, array([-1.,  1.,  0.]))
    """

    _kernel = "hinge"


@dataclass(frozen=True)
class PairwiseSquaredHingeLoss(PairwiseLoss):
    """phi(m) = max(0, 1 - m)^2; phi' = -2 max(0, 1 - m); phi'' = 2 for m < 1. Source: Chapelle & Keerthi, 2010."""

    _kernel = "squared_hinge"


@dataclass(frozen=True)
class PairwiseLogisticLoss(PairwiseLoss):
    """phi(m) = log(1 + exp(-m)), RankNet's loss; phi' = -q, phi'' = p q with p = sigmoid(m), q = 1 - p.

    Source: keras-rs ``PairwiseLogisticLoss``; Burges et al., 2005.
    """

    _kernel = "logistic"


@dataclass(frozen=True)
class PairwiseSoftZeroOneLoss(PairwiseLoss):
    """phi(m) = sigmoid(-m), a smooth count of misordered pairs; phi' = -p q, phi'' = p q (p - q), of either sign.

    Source: keras-rs ``PairwiseSoftZeroOneLoss``.
    """

    _kernel = "soft_zero_one"


@dataclass(frozen=True)
class PairwiseExponentialLoss(PairwiseLoss):
    """phi(m) = exp(-m), RankBoost's loss; overflows to infinity for margins below -709. Source: Freund et al., 2003."""

    _kernel = "exponential"


@dataclass(frozen=True)
class PairwiseMeanSquaredError(PairwiseLoss):
    """((y_i - y_j) - (s_i - s_j))^2 over all ordered pairs i != j of a list, ties included; the temperature is unused.

    With r = s - y and m valid items: gradient 4 (m r_k - sum r), Hessian 4 (m - 1), for weights 1.
    Source: keras-rs ``PairwiseMeanSquaredError``, Rax ``pairwise_mse_loss``.
    """

    _kernel = "mean_squared_error"
    _compares = "items"


@dataclass(frozen=True)
class PairwiseQuantileLoss(PairwiseLoss):
    """tau max(e, 0) + (1 - tau) max(-e, 0) with e = (y_i - y_j) - (s_i - s_j)/T; ``squared=True`` squares each max.

    Parameters
    ----------
    tau
        Weight of margins that are too small, in (0, 1].
    squared
        Square both parts.

    Source: Rax ``pairwise_qr_loss``.
    """

    tau: float = 0.5
    squared: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        tau = positive_number(self.tau, "tau")
        if tau > 1:
            raise ValueError(f"tau: a number in (0, 1] is wanted, got {tau}")
        object.__setattr__(self, "tau", tau)
        object.__setattr__(self, "squared", flag(self.squared, "squared"))

    @property
    def has_curvature(self) -> bool:
        """Only the squared form has."""
        return self.squared

    def _parameters(self) -> dict[str, Any]:
        return {"tau": self.tau}

    def _kernel_name(self) -> str:
        return "squared_quantile" if self.squared else "quantile"
