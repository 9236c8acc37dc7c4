// The near-linear sums of smooth ranks for lists of so many bins that memory for all of them would be more than for the
// items: the items are sorted, and segments of bins are done one by one.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/data/score_bins.hpp"
#include "engine/runtime/parallel.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// Some bins in the order of the scores. All other numbers are items and begin a bin; from `near_begin` to `near_end`
/// are those bins, too, that are near to the segment.
struct RankSegment {
    std::int32_t near_begin, begin, end, near_end;
    std::int32_t first_bin, near_bins, bins;  ///< of near_begin; from there to `begin`, and from there on
    BinWalk walk;                             ///< up to near_begin
};

class SegmentedSums {
public:
    /// The items of the job are in ascending order of their scores.
    SegmentedSums(const ExpansionKernels& kernels, const ListJob<double>& job, const Team& team);

    /// Does the sums one after the other, up to one without functions.
    void run(const SmoothRankSum* sum);

private:
    struct Local;

    void cut();
    void load(const RankSegment& segment, const SmoothRankSum& sum, Local& local) const;
    void carry(const SmoothRankSum& sum, bool downwards);
    void results(const SmoothRankSum& sum, std::size_t index) const;
    ListJob<double> from(std::int32_t item) const;

    const ExpansionKernels& kernels_;
    const ListJob<double>& job_;
    Team team_;
    std::vector<RankSegment> segments_;
    Buffer<double> carried_[2];  ///< from below and from above, of each segment
};

}  // namespace rankgrad
