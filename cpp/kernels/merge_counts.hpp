// The sum over all pairs between two groups of items, each in the order of the scores, for phi(m) = max(0, 1 - m) without
// weights, once the partners of every item are known (merge_path.hpp). Its derivatives are whole numbers:
//   slope c_i = (partners above i) - (partners below i), as an integer.
// With P the number of pairs of partners, the sum over them is sum (1 - s_i + s_j) = P + sum_i c_i s_i.
#pragma once

#include "kernels/count_products.hpp"
#include "kernels/kernel_table.hpp"

namespace rankgrad {
namespace {

template <class N> class PartnerCounts {
    /// out[item[k]] becomes what `write` makes of it.
    template <class Write>
    static void put(const std::int32_t* item, std::ptrdiff_t from, std::ptrdiff_t to, std::int32_t* out, Write write) {
        constexpr std::ptrdiff_t kAhead = 32;  // items whose places are asked for, as they are anywhere
        std::ptrdiff_t k = from;
        for (; k + kAhead < to; ++k) {
            RANKGRAD_PREFETCH(out + item[k + kAhead]);
            write(out[item[k]], k);
        }
        for (; k < to; ++k) write(out[item[k]], k);
    }
    template <class Count> static void put_all(const CountJob<N>& job, std::ptrdiff_t from, std::ptrdiff_t to,
                                               std::int32_t* out, Count count) {
        if (out == nullptr) return;
        if (job.first) put(job.item, from, to, out, [=](std::int32_t& x, std::ptrdiff_t k) { x = count(k); });
        else put(job.item, from, to, out, [=](std::int32_t& x, std::ptrdiff_t k) { x += count(k); });
    }

    /// Items [from, to) of one group, whose partners are counted from `first`.
    static void put_counts(const CountJob<N>& job, std::ptrdiff_t from, std::ptrdiff_t to, std::ptrdiff_t first) {
        const auto origin = static_cast<std::int32_t>(first);
        const std::int32_t* reach = job.reach;
        const auto above = [=](std::ptrdiff_t k) { return reach[k] - origin; };
        const auto all = [=](std::ptrdiff_t k) { return reach[k] < origin ? origin - reach[k] : reach[k] - origin; };
        put_all(job, from, to, job.slope, above);
        put_all(job, from, to, job.partners, all);
    }

public:
    /// The rows of one side of a piece.
    static void count(const CountJob<N>& job, MergePiece& piece, bool lower) {
        const std::ptrdiff_t from = lower ? piece.lower.row : piece.upper.row_end + 1,
                             to = lower ? piece.lower.row_end : piece.upper.row + 1;
        const std::ptrdiff_t first = lower ? job.middle : job.middle - 1;
        put_counts(job, from, to, first);
        if (!job.with_value) return;
        std::int64_t pairs = 0;
        for (std::ptrdiff_t k = from; !lower && k < to; ++k) pairs += first - job.reach[k];
        CountProducts products;
        products.add(job.reach, first, job.score, from, to);
        const Compensated total = products.total();
        MergeSide& side = lower ? piece.lower : piece.upper;
        side.sum[0] = total.sum;
        side.error[0] = total.error;
        side.sum[1] = static_cast<double>(pairs);
    }

    static double value(const MergePiece* pieces, std::int64_t n) {
        Compensated total;
        double pairs = 0;
        for (std::int64_t k = 0; k < n; ++k) {
            total += {pieces[k].upper.sum[0], pieces[k].upper.error[0]};
            total += {pieces[k].lower.sum[0], pieces[k].lower.error[0]};
            pairs += pieces[k].upper.sum[1];
        }
        return total.total() + pairs;  // last, as large products that cancel would take its digits
    }
};

}  // namespace
}  // namespace rankgrad
