"""rankgrad: ranking losses with value, analytic gradient and diagonal Hessian over ragged lists, on the CPU."""

from rankgrad._core import __version__
from rankgrad._runtime import build_info, isa_levels, select_isa, show_versions, threads
from rankgrad.implicit import (
    adaptive_bpr_loss,
    adaptive_hinge_loss,
    bpr_loss,
    hinge_loss,
    ideal_difference_from_metadata,
    warp_loss,
)
from rankgrad.lambda_weights import (
    LabelDifferenceWeight,
    NDCGWeight,
)
from rankgrad.listwise import (
    ApproxMRRLoss,
    ApproxNDCGLoss,
    ListMLELoss,
    Poly1SoftmaxLoss,
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
from rankgrad.pointwise import PointwiseMeanSquaredError, SigmoidCrossEntropyLoss
from rankgrad.ranking_softmax import ranking_softmax_loss

__all__ = [
    "ApproxMRRLoss",
    "ApproxNDCGLoss",
    "LabelDifferenceWeight",
    "ListMLELoss",
    "NDCGWeight",
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
    "adaptive_bpr_loss",
    "adaptive_hinge_loss",
    "bpr_loss",
    "build_info",
    "dcg",
    "hinge_loss",
    "ideal_difference_from_metadata",
    "isa_levels",
    "ndcg",
    "ranking_softmax_loss",
    "select_isa",
    "show_versions",
    "threads",
    "warp_loss",
]
