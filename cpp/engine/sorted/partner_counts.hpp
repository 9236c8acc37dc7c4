// The hinge without weights: its derivatives are numbers of pairs, exact; in O(n log n) for any number of label levels.
#pragma once

#include <cstdint>
#include <type_traits>

#include "engine/runtime/parallel.hpp"
#include "engine/sorting/argsort.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

template <class N> struct CountScratch {
    Buffer<N> score;
    SortScratch<N> sort;
    Buffer<std::int32_t> carried[2][2];
};

/// Pairs of partners, and the sum over them: sum (unit - s_i + s_j) = unit pairs + sum_i slope_i s_i.
struct CountedPairs {
    std::int64_t pairs = 0;
    SumWithError products;

    void operator+=(const CountedPairs& more);
    double value(double unit) const {  // the pairs last, as large products that cancel would take their digits
        return products.sum + products.error + unit * static_cast<double>(pairs);
    }
};

/// Write the counts of all items of a list. The products are 0 if no value is wanted. The loss is one that is counted,
/// scores are from `low` to `high`.
template <class N> CountedPairs count_by_merges(const PairLossKernels& loss, const PartnerCountJob<N>& job,
                                                bool with_value, double low, double high, CountScratch<N>& scratch,
                                                const Team& team);
/// The pairs alone.
template <class N>
std::int64_t count_pair_by_pair(const PairLossKernels& loss, const PartnerCountJob<N>& job, const Team& team);

/// The kernels for scores of type N.
template <class N> const CountKernels<N>& counts_of(const PairLossKernels& loss) {
    if constexpr (std::is_same_v<N, float>) return loss.counts->of_float;
    else return loss.counts->of_double;
}

}  // namespace rankgrad
