// The bins of scores of a list whose range is so wide that most bins of it would be empty: only the others are made.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/sorting/argsort.hpp"

namespace rankgrad {

/// Scores in one cluster lie on one grid of bins; where a gap is wide a new grid begins, so that positions keep the
/// digits of what is near, however far from zero or from other clusters it is.
struct ScoreBins {
    Buffer<std::int32_t> bin;  ///< of each item
    Buffer<double> place;      ///< of each item in its bin
    std::vector<double> step;  ///< widths from the bin before to each bin
};

/// Bins of n scores from `low` to `high`, in any order.
void find_bins(const double* score, std::int32_t n, double low, double high, double width, ScoreBins& bins,
               SortScratch<double>& sort, const Team& team);

}  // namespace rankgrad
