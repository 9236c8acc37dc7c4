// Sums with pair weights pair by pair.
#pragma once

#include "engine/data/gathered_list.hpp"
#include "engine/lambda/pair_weights.hpp"

namespace rankgrad {

/// The discounts of the items are in `memory`, and with a truncation their ranks.
void sum_pair_by_pair(GatheredList& list, const LambdaPairKernels& kernels, const PairWeights& weights,
                      LambdaMemory& memory);

}  // namespace rankgrad
