"""rankgrad: ranking losses with value, analytic gradient and diagonal Hessian over ragged lists, on the CPU."""

from rankgrad._core import __version__
from rankgrad._runtime import build_info, isa_levels, select_isa, show_versions, threads
from rankgrad._softmax_function import ranking_softmax_loss
from rankgrad.listwise import (
    ApproxMRRLoss,
    ApproxNDCGLoss,
    ListMLELoss,
    PointwiseMeanSquaredError,
    Poly1SoftmaxLoss,
    SigmoidCrossEntropyLoss,
    SoftmaxLoss,
    UniqueSoftmaxLoss,
    XENDCGLoss,
)
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
    "ApproxMRRLoss",
    "ApproxNDCGLoss",
    "ListMLELoss",
    "Objective",
    "PairwiseExponentialLoss",
    "PairwiseHingeLoss",
    "PairwiseLogisticLoss",
    "PairwiseMeanSquaredError",
    "PairwiseQuantileLoss",
    "PairwiseSoftZeroOneLoss",
    "PairwiseSquaredHingeLoss",
    "PointwiseMeanSquaredError",
    "Poly1SoftmaxLoss",
    "SigmoidCrossEntropyLoss",
    "SoftmaxLoss",
    "UniqueSoftmaxLoss",
    "XENDCGLoss",
    "__version__",
    "build_info",
    "dcg",
    "isa_levels",
    "ndcg",
    "ranking_softmax_loss",
    "select_isa",
    "show_versions",
    "threads",
]
