// This instruction set's sums by merges of sorted items, an entry per pairwise loss, empty for a loss that has none;
// and the counts of partners.
#include "kernels/sorted/exact_dot.hpp"
#include "kernels/direct/count_tiles.hpp"
#include "kernels/isa.hpp"
#include "kernels/sorted/merge_counts.hpp"
#include "kernels/sorted/merge_sums.hpp"

namespace rankgrad {
namespace {

template <class Loss, PairMode mode, bool weighted> constexpr MergeSums merge_sums() {
    if constexpr (Loss::hinge_power == 0) {
        return {};
    } else {
        using Sum = MergePairSum<Loss::hinge_power, mode, weighted>;
        return {&MergePath<double>::cut, &MergePath<double>::call, &Sum::totals, &Sum::chain, &Sum::sums};
    }
}
template <class N> constexpr CountKernels<N> count_kernels() {
    return {&MergePath<N>::cut, &MergePath<N>::call, &PartnerCounts<N>::count, &CountTiles<N>::count,
            &ExactDot::add_to<N>};
}
template <class... Losses> constexpr MergeFamily merge_family(List<Losses...>) {
    return {{{{merge_sums<Losses, kValue, false>(), merge_sums<Losses, kValue, true>()},
              {merge_sums<Losses, kValueGrad, false>(), merge_sums<Losses, kValueGrad, true>()},
              {merge_sums<Losses, kGradHess, false>(), merge_sums<Losses, kGradHess, true>()},
              {merge_sums<Losses, kGradPositiveHess, false>(), merge_sums<Losses, kGradPositiveHess, true>()},
              {merge_sums<Losses, kHessVector, false>(), merge_sums<Losses, kHessVector, true>()}}...},
            {count_kernels<float>(), count_kernels<double>()}};
}

}  // namespace

const MergeFamily RANKGRAD_OF_ISA(sorted_kernels) = merge_family(PairLosses());

}  // namespace rankgrad
