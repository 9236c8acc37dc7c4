// The bins of scores of a list whose range is so wide that most bins of it would be empty: only the others are made.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/radix_sort.hpp"

namespace rankgrad {

struct ScoreBins {
    Buffer<std::int32_t> bin;  ///< of each item
    std::vector<double> grid;  ///< score * per_unit at the lower end of each bin, ascending
};

/// Bins floor(score * per_unit) of n scores from `low` to `high`, in any order.
void find_bins(const double* score, std::int32_t n, double low, double high, double per_unit, ScoreBins& bins,
               SortScratch<double>& sort, const Team& team);

}  // namespace rankgrad
