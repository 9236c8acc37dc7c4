// The bins of scores of a list whose range is so wide that most bins of it would be empty: only the others are made.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/radix_sort.hpp"

namespace rankgrad {

struct ScoreBins {
    std::vector<std::int32_t> bin;  ///< of each item
    std::vector<double> grid;       ///< number of each bin in the whole range, ascending
};

/// Bins floor((score - low) * per_unit), low the least score, for n scores in any order.
void find_bins(const double* score, std::int32_t n, double low, double per_unit, ScoreBins& bins, SortScratch& sort);

}  // namespace rankgrad
