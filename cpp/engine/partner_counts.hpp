// The hinge without weights: its derivatives are numbers of pairs, exact; in O(n log n) for any number of label levels.
#pragma once

#include <cstdint>
#include <type_traits>

#include "engine/parallel.hpp"
#include "engine/radix_sort.hpp"
#include "kernels/kernel_table.hpp"

namespace rankgrad {

/// Writes the counts of all items. Gives the sum of phi over all pairs in modes with values. The loss is one that is counted,
/// scores are from `low` to `high`.
template <class N> double count_by_merges(const PairLossKernels& loss, PairMode mode, const PartnerCountJob<N>& job,
                                          double low, double high, SortScratch<N>& scratch, Team team);

/// Likewise pair by pair, but gives the number of pairs of partners.
template <class N>
std::int64_t count_pair_by_pair(const PairLossKernels& loss, const PartnerCountJob<N>& job, Team team);

/// The kernels for scores of type N.
template <class N> const CountKernels<N>& counts_of(const PairLossKernels& loss) {
    if constexpr (std::is_same_v<N, float>) return loss.counts->of_float;
    else return loss.counts->of_double;
}

}  // namespace rankgrad
