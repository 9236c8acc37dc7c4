// Sums over pairs for phi(m) = max(0, 1 - m)^p in O(n log n), exact but for rounding, for any number of label levels.
#pragma once

#include "engine/data/gathered_list.hpp"

namespace rankgrad {

/// Adds what the direct sum over all pairs would add. The loss has merge sums.
void sorted_sums(GatheredList& list);

}  // namespace rankgrad
