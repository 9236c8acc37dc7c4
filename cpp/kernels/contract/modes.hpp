// What an evaluation adds up, of which loss with which parameters, in which order: known to the engine and to the
// kernels.
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

/// What the engine has to know of a parameter of a listwise loss.
enum ParameterRole : int {
    kPlain,
    kFactorOfTerm,  ///< multiplies a term beside that of the targets: a power of two taken out of them goes out of it
    kCutoff,        ///< ranks up to here count, in the ideal sum too; 0: all
};

/// A parameter that a loss has: its name, and its number if none is given.
struct Parameter {
    const char* name = nullptr;
    double usual = 0;
    ParameterRole role = kPlain;
};

/// A loss declares `static constexpr Parameter parameters[kMostParameters]` (those without a name are none) and gets
/// its numbers in the same order, in `set`.
constexpr int kMostParameters = 4;

/// What `set` of a pairwise loss gets.
struct LossParameters {
    double unit = 1.0;  ///< the margin 1, as a difference of the scores that a pairwise kernel is given
    double own[kMostParameters] = {};
};

/// The order in which a loss wants the items of a list.
enum ItemOrder : int {
    kByPosition,        ///< as they come: no gathering where all are valid
    kByLabel,           ///< lowest label first, ties by position
    kByLabelLastFirst,  ///< lowest label first, ties by position from the last: ListMLE's order backwards
};

}  // namespace rankgrad
