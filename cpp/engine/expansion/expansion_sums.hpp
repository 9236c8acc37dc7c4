// Near-linear sums over the pairs of a list, for losses that declare an expansion (kernels/expansion/block_pass.hpp).
#pragma once

#include "engine/data/gathered_list.hpp"
#include "engine/data/score_bins.hpp"

namespace rankgrad {

/// Adds what the direct sum over all pairs would add. The vector of kHessVector is centred in place.
void expansion_sums(GatheredList& list, ExpansionScratch& scratch);

}  // namespace rankgrad
