// Sums of exponentials of which a part, over the lower or the higher label levels, is too large for a double: their
// difference is infinite of the sign of the larger one, or a number after all.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/data/gathered_list.hpp"

namespace rankgrad {

/// What a pair's loss is multiplied by.
using PairWeightOf = std::function<double(std::int32_t row, std::int32_t column)>;

/// Whether a derivative is not finite.
bool has_overflowed_sums(const GatheredList& list);

/// Of the exponential loss: sums that are not finite are made again, relative to their largest terms. In O(n); with
/// pair weights pair by pair. `weight_of` is empty without.
void mend_overflowed_sums(const GatheredList& list, const PairWeightOf& weight_of);

}  // namespace rankgrad
