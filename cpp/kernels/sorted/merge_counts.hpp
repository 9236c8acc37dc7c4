// Counts of partners between two groups of items, each sorted by score, for phi(m) = max(0, 1 - m) without weights,
// once the merge path (merge_path.hpp) has found where every item's partners end.
#pragma once

#include "kernels/contract/sorted.hpp"

namespace rankgrad {
namespace {

template <class N> class PartnerCounts {
    /// Items [from, to) of one group, whose partners are counted from `origin`, downwards from the upper group.
    template <bool upper>
    static std::int64_t add(const CountJob<N>& job, std::ptrdiff_t from, std::ptrdiff_t to, std::ptrdiff_t origin) {
        const std::int32_t *partner_end = job.partner_end, start = static_cast<std::int32_t>(origin);
        std::int32_t *slope = job.slope, *partners = job.partners;
        std::int64_t pairs = 0;
        for (std::ptrdiff_t k = from; upper && k < to; ++k) pairs += start - partner_end[k];
        const bool first = slope == partner_end;
        for (std::ptrdiff_t k = from; partners != nullptr && k < to; ++k)
            partners[k] = (first ? 0 : partners[k]) + (upper ? start - partner_end[k] : partner_end[k] - start);
        if (first) {
            for (std::ptrdiff_t k = from; k < to; ++k) slope[k] -= start;
        } else {
            for (std::ptrdiff_t k = from; k < to; ++k) slope[k] += partner_end[k] - start;
        }
        return pairs;
    }

public:
    static std::int64_t count(const CountJob<N>& job, const MergePiece& piece) {
        const MergeSide &upper = piece.upper, &lower = piece.lower;
        add<false>(job, lower.row, lower.row_end, job.middle);
        return add<true>(job, upper.row_end + 1, upper.row + 1, job.middle - 1);
    }
};

}  // namespace
}  // namespace rankgrad
