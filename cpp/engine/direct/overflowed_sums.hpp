// Sums of exponentials of which a part, over the lower or the higher label levels, is too large for a double: their
// difference is infinite of the sign of the larger one, or a number after all.
#pragma once

#include "engine/data/gathered_list.hpp"

namespace rankgrad {

/// Of the exponential loss: sums that are not finite are made again, relative to their largest terms. In O(n); with
/// pair weights pair by pair. `weights_of` is empty without.
void mend_overflowed_sums(const GatheredList& list, const PairWeightsOf& weights_of);

}  // namespace rankgrad
