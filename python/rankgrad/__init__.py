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
    "isa_levels",
    "select_isa",
    "show_versions",
    "threads",
]
