// What an evaluation adds up, of which loss, in which order: known to the engine and to the kernels.
#pragma once

namespace rankgrad {

/// What a sum over pairs adds up.
enum PairMode : int {
    kValue,             ///< row values
    kValueGrad,         ///< row values and gradient
    kGradHess,          ///< gradient and diagonal Hessian
    kGradPositiveHess,  ///< gradient and the sum of positive curvatures
    kHessVector,        ///< Hessian times `vector`, into `grad`
    kPairModes
};

namespace {

/// Whether a mode gives row values, and whether it gives a diagonal.
constexpr bool with_value(PairMode mode) { return mode == kValue || mode == kValueGrad; }
constexpr bool with_hess(PairMode mode) { return mode == kGradHess || mode == kGradPositiveHess; }

}  // namespace

/// Parameters of a loss. A loss struct takes what it needs in `set`.
struct LossParameters {
    double unit = 1.0;       ///< the margin 1, as a difference of the scores that a pairwise kernel is given
    double tau = 0.5;
    double epsilon = 1.0;  ///< of the Poly1 softmax
    double cutoff = 0;     ///< ranks up to here count in ApproxNDCG; 0: all
    double cutoff_width = 1.0;
};

/// The order in which a loss wants the items of a list.
enum ItemOrder : int {
    kByPosition,        ///< as they come: no gathering where all are valid
    kByLabel,           ///< lowest label first, ties by position
    kByLabelLastFirst,  ///< lowest label first, ties by position from the last: ListMLE's order backwards
};

}  // namespace rankgrad
