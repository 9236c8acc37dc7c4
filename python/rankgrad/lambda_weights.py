"""Lambda weights: what each pair of a pairwise loss is multiplied by.

A pairwise loss takes one as ``lambda_weight=``; its pairs then count Delta_ij phi((s_i - s_j) / T). Weights may
depend on the current scores through the ranks, by descending score, equal scores in the order of the input. They are
held constant in the gradient, the Hessian and the Hessian-vector product, which is what LambdaRank and LambdaMART [1]_
do: the value is then not the integral of the gradient. Nothing is ever multiplied by the length of a list.

References
----------
.. [1] Burges, "From RankNet to LambdaRank to LambdaMART: an overview", MSR-TR-2010-82, 2010.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from typing import Any

from rankgrad._checks import flag, shown, whole_or_none
from rankgrad.metrics import Gain, gain_table


@dataclass(frozen=True)
class LambdaWeight(ABC):
    """Base of the weights: parameter records that can be compared, hashed and pickled."""

    @abstractmethod
    def _core_weight(self) -> str | tuple[str, dict[str, Any]]:
        """The weight's name in the core, with its settings."""

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments and the name of the class, for `lambda_weight_from_config`."""
        return {"class_name": type(self).__name__, **asdict(self)}


@dataclass(frozen=True)
class NDCGWeight(LambdaWeight):
    r"""Delta_ij = |G_i - G_j| |D_i - D_j| / ideal, the change of NDCG when items i and j swap places.

    D_i = 1 / log2(1 + rank of i), 0 beyond rank `k`; ideal = the largest sum of G D, that is the DCG@k of the best
    order. A list without a positive ideal has weight 0.

    Parameters
    ----------
    k : int, optional
        Ranks that count, as in NDCG@k. All if None.
    gain : {"exp2", "linear"} or array
        G = 2^y - 1, or y, or a table: item y of it for the label y = 0, 1, ...
    normalize : bool
        Divide by the ideal DCG; False: the change of DCG.
    truncation : int, optional
        Only pairs with at least one item among the best `truncation` by current score count. LightGBM's
        ``lambdarank_truncation_level`` (30 by default there); it also divides by the ideal of the first `truncation`
        ranks where this divides by that of the first `k`. All pairs if None.

    Notes
    -----
    Time is O(truncation n) per list with a truncation.

    Examples
    --------
    >>> import rankgrad as rg
    >>> loss = rg.PairwiseLogisticLoss(reduction="sum", lambda_weight=rg.NDCGWeight())
    >>> round(loss([0, 3], [1.0, 1.0]), 6)      # (1 - 1 / log2(3)) log 2
    0.25582
    """

    k: int | None = None
    gain: Gain = "exp2"
    normalize: bool = True
    truncation: int | None = None

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        for rank in ("k", "truncation"):
            set_field(self, rank, whole_or_none(getattr(self, rank), rank, 1, 2**62))
        name, table = gain_table(self.gain)
        if name == "table":  # a tuple can be compared and hashed
            set_field(self, "gain", tuple(table.tolist()))
        set_field(self, "normalize", flag(self.normalize, "normalize"))

    def _core_weight(self) -> tuple[str, dict[str, Any]]:
        name, table = gain_table(self.gain)
        ranks = {"k": self.k, "truncation": self.truncation}
        return "ndcg", {"gain": name, "gain_table": table, "normalize": self.normalize} | ranks


@dataclass(frozen=True)
class LabelDifferenceWeight(LambdaWeight):
    """Delta_ij = |y_i - y_j|: Rax's ``labeldiff_lambdaweight``.

    Examples
    --------
    >>> import rankgrad as rg
    >>> rg.PairwiseHingeLoss(reduction="sum", lambda_weight=rg.LabelDifferenceWeight())([0, 3], [1.0, 1.5])
    1.5
    """

    def _core_weight(self) -> str:
        return "label_difference"


def lambda_weight_from_config(config: Any) -> LambdaWeight:
    """The weight that `LambdaWeight.get_config` described."""
    known = {cls.__name__: cls for cls in LambdaWeight.__subclasses__()}
    parameters = dict(config) if isinstance(config, dict) else {}
    name = parameters.pop("class_name", None)
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"lambda_weight: a config of one of {sorted(known)} is wanted, got {shown(config)}")
    parts = {f.name for f in fields(known[name])}
    if unknown := [key for key in parameters if key not in parts]:
        raise ValueError(f"lambda_weight: {name} has no {unknown}")
    return known[name](**parameters)
