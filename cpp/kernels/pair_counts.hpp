// Sums over pairs for phi(m) = max(0, 1 - m) without weights: whether a pair counts, as integers, which are exact and of which a
// CPU adds more at a time. The sum of phi follows from the counts: an item's share is its count times 1 - s_i as a row, times s_i
// as a column.
#pragma once

#include "kernels/kernel_table.hpp"
#include "kernels/lane_sums.hpp"

namespace rankgrad {
namespace {

template <class T, bool with_value> class PairCounts {
    using V = Lanes<T>;
    using D = Lanes<double>;
    using Counts = typename V::Mask;

    const PairJob<T>& job_;
    const double origin_;  // a score that others are counted from, so that a shift of all changes nothing

public:
    explicit PairCounts(const PairJob<T>& job) : job_(job), origin_(static_cast<double>(job.row[0])) {}

    /// -1 for each pair that counts.
    static RANKGRAD_INLINE Counts active(V margin) { return margin < V(1); }

    /// Adds the counts of rows, summed over the lanes.
    template <int n> RANKGRAD_INLINE void add_rows(std::int32_t first, const Counts (&slope)[n]) const {
        double total[n] = {};
        add_sums(total, slope);
        const T* score = job_.row + first;
        double *grad = job_.grad + first, *value = with_value ? job_.value + first : nullptr;
        int r = 0;
        for (; r + D::count <= n; r += D::count) {
            const D counts = D::load(total + r);
            (D::load(grad + r) + counts).store(grad + r);
            if constexpr (!with_value) continue;
            (D::load(value + r) - counts * (D(1) - (load_doubles(score + r) - D(origin_)))).store(value + r);
        }
        for (; r < n; ++r) {
            grad[r] += total[r];
            if constexpr (with_value) value[r] -= total[r] * (1 - (static_cast<double>(score[r]) - origin_));
        }
    }

    /// Adds the counts of the first n columns of a register.
    RANKGRAD_INLINE void add_columns(std::int32_t first, Counts slope, int n) const {
        std::int32_t count[V::count];
        static_assert(sizeof count == sizeof slope, "only float is counted");
        std::memcpy(count, &slope, sizeof count);
        const T* score = job_.column + first;
        double *grad = job_.grad + first, *value = with_value ? job_.value + first : nullptr;
        int l = 0;
        const auto add = [&] {
            const D counts = load_doubles(count + l);
            (D::load(grad + l) + counts).store(grad + l);
            if constexpr (with_value)
                multiply_add(counts, load_doubles(score + l) - D(origin_), D::load(value + l)).store(value + l);
        };
        if (n == V::count)  // most registers: a loop of known length
            for (; l < V::count; l += D::count) add();
        for (; l + D::count <= n; l += D::count) add();
        for (; l < n; ++l) {
            const auto counts = static_cast<double>(count[l]);
            grad[l] += counts;
            if constexpr (with_value) value[l] += counts * (static_cast<double>(score[l]) - origin_);
        }
    }
};

}  // namespace
}  // namespace rankgrad
