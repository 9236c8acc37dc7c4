// Sums over the pairs of one list, each pair multiplied by a weight of its labels and ranks, which derivatives hold
// constant.
#pragma once

#include "engine/data/gathered_list.hpp"
#include "engine/lambda/pair_weights.hpp"

namespace rankgrad {

/// The kernels of one loss with pair weights, and those of all losses.
struct LambdaKernels {
    const LambdaPairKernels& of_loss;
    const LambdaFamily& family;
};

/// `scores` are those of the list as they come, from which ranks are found. The vector of kHessVector is centred in
/// place.
template <class T> void lambda_sums(GatheredList& list, const T* scores, const LambdaKernels& lambda,
                                    const PairWeights& weights, bool by_scans, LambdaMemory& memory);

/// What lambda_sums has multiplied the pairs of a list by, `list.scale` left out.
PairWeightsOf pair_weights_of(const GatheredList& list, const PairWeights& weights, const LambdaMemory& memory);

}  // namespace rankgrad
