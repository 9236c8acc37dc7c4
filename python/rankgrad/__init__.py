"""rankgrad: ranking losses with value, analytic gradient and diagonal Hessian over ragged lists, on the CPU."""

from rankgrad._core import __version__
from rankgrad._runtime import build_info, isa_levels, select_isa, show_versions, threads
from rankgrad.metrics import dcg, ndcg
from rankgrad.objective import Objective
from rankgrad.pairwise import (
    PairwiseExponentialLoss,
    PairwiseHingeLoss,
    PairwiseLogisticLoss,
    PairwiseMeanSquaredError,
    PairwiseQuantileLoss,
    PairwiseSoftZeroOneLoss,
    PairwiseSquaredHingeLoss,
)

__all__ = [
    "Objective",
    "PairwiseExponentialLoss",
    "PairwiseHingeLoss",
    "PairwiseLogisticLoss",
    "PairwiseMeanSquaredError",
    "PairwiseQuantileLoss",
    "PairwiseSoftZeroOneLoss",
    "PairwiseSquaredHingeLoss",
    "__version__",
    "build_info",
    "dcg",
    "isa_levels",
    "ndcg",
    "select_isa",
    "show_versions",
    "threads",
]
