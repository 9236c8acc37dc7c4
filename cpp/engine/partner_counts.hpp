// The hinge without weights: its derivatives are numbers of pairs, exact, in O(n log n) for any number of label levels.
#pragma once

#include <cstdint>

#include "engine/parallel.hpp"
#include "engine/radix_sort.hpp"
#include "kernels/kernel_table.hpp"

namespace rankgrad {

/// One list, its items in label order, and how many partners they have: items of another level with 1 - m > 0.
template <class N> struct PartnerCountJob {
    const N* score = nullptr;  ///< from `low` to `high`
    double low = 0, high = 0;
    const std::int32_t* level_begin = nullptr;
    std::int32_t n_levels = 0;
    std::int32_t* slope = nullptr;     ///< of each item: partners above it less those below; null: not wanted
    std::int32_t* partners = nullptr;  ///< of each item; null: not wanted
};

/// Gives the sum of phi over all pairs in modes with values. The loss has merge counts.
template <class N> double count_partners(const PairLossKernels& loss, PairMode mode, const PartnerCountJob<N>& job,
                                         SortScratch<N>& scratch, Team team);

}  // namespace rankgrad
