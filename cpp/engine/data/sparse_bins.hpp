// The bins of scores of a list whose range is so wide that most bins of it would be empty: only the others are made.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/sorting/argsort.hpp"
#include "kernels/contract/bin_grid.hpp"

namespace rankgrad {

/// Widths without a score after which a new grid begins: what is farther away is not a near bin.
constexpr double kWideGap = 6;

/// Scores in one cluster lie on one grid of bins; where a gap is wide a new grid begins, so that positions keep the
/// digits of what is near, however far from zero or from other clusters it is.
struct ScoreBins {
    Buffer<std::int32_t> bin;  ///< of each item
    Buffer<double> place;      ///< of each item in its bin
    std::vector<double> step;  ///< widths from the bin before to each bin
};

/// Goes through scores in ascending order.
class BinWalk {
public:
    explicit BinWalk(double width) : width_(width) {}

    void next(double x);
    /// Widths from the bin of the score before, 0 if it is the same, and the place in it.
    double step() const { return step_; }
    double place() const { return at_.place; }

private:
    double width_;
    double score_ = 0, step_ = 0;
    bool first_ = true;
    BinGrid grid_;
    BinPlace at_{};
};

/// Bins of n scores from `low` to `high`, in any order.
void find_bins(const double* score, std::int32_t n, double low, double high, double width, ScoreBins& bins,
               SortScratch<double>& sort, const Team& team);

}  // namespace rankgrad
