// What an evaluation adds up: known to the engine and to the kernels.
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

}  // namespace rankgrad
