// The sum over all pairs between two groups of items, each in the order of the scores, for phi(m) = max(0, 1 - m) without
// weights, once the partners of every item are known (merge_path.hpp). Its derivatives are whole numbers:
//   slope c_i = (partners above i) - (partners below i), as an integer.
// With P the number of pairs of partners, the sum over them is sum (1 - s_i + s_j) = P + sum_i c_i s_i. The terms of that
// cancel, and so they are added with the errors of products and sums.
#pragma once

#include "kernels/compensated.hpp"
#include "kernels/kernel_table.hpp"

namespace rankgrad {
namespace {

template <class N> class PartnerCounts {
    using V = Lanes<double>;
    static constexpr int kChains = 2;      // independent sums, which no addition waits for
    static constexpr int kLowerBits = 31;  // of a double, which leave 22 digits
    static constexpr std::ptrdiff_t kStep = kChains * V::count;

    V sum_[kChains], error_[kChains];
    PartnerCounts() {
        for (int c = 0; c < kChains; ++c) sum_[c] = error_[c] = V(0);
    }

    /// A count times the score's upper digits is no longer than a double: it has no rounding error, and the sum that it goes into
    /// is the same whether or not the compiler contracts them.
    RANKGRAD_INLINE void add_product(V count, V score, int chain) {
        const V upper = upper_digits(score), sum = sum_[chain], product = count * upper, next = sum + product,
                added = next - sum;
        error_[chain] += ((sum - (next - added)) + (product - added)) + count * (score - upper);
        sum_[chain] = next;
    }
    static RANKGRAD_INLINE V upper_digits(V x) {
        constexpr typename V::Bits none{};
        return V::from_bits(x.bits() & (~none << kLowerBits));
    }

    template <class Count>
    static void put(const CountJob<N>& job, std::ptrdiff_t from, std::ptrdiff_t to, std::int32_t* out, Count count) {
        if (out == nullptr) return;
        const std::int32_t* item = job.item;
        if (job.first)
            for (std::ptrdiff_t k = from; k < to; ++k) out[item[k]] = count(k);
        else
            for (std::ptrdiff_t k = from; k < to; ++k) out[item[k]] += count(k);
    }

    void add_products(const CountJob<N>& job, std::ptrdiff_t from, std::ptrdiff_t to, std::ptrdiff_t first) {
        const V start(static_cast<double>(first));
        std::ptrdiff_t k = from;
        for (; k + kStep <= to; k += kStep)
            for (int c = 0; c < kChains; ++c) {
                const std::ptrdiff_t at = k + c * V::count;
                add_product(load_doubles(job.reach + at) - start, load_doubles(job.score + at), c);
            }
        for (; k < to; ++k) {
            V one(0);
            set_lane<double>(one.v, 0, static_cast<double>(job.reach[k] - first));
            add_product(one, V(static_cast<double>(job.score[k])), 0);
        }
    }

    /// Items [from, to) of one group, whose partners are counted from `first`.
    void add(const CountJob<N>& job, std::ptrdiff_t from, std::ptrdiff_t to, std::ptrdiff_t first) {
        const auto origin = static_cast<std::int32_t>(first);
        const std::int32_t* reach = job.reach;
        const auto above = [=](std::ptrdiff_t k) { return reach[k] - origin; };
        const auto all = [=](std::ptrdiff_t k) { return reach[k] < origin ? origin - reach[k] : reach[k] - origin; };
        put(job, from, to, job.slope, above);
        put(job, from, to, job.partners, all);
        if (job.with_value) add_products(job, from, to, first);
    }

public:
    /// The rows of one side of a piece.
    static void count(const CountJob<N>& job, MergePiece& piece, bool lower) {
        PartnerCounts counts;
        const std::ptrdiff_t from = lower ? piece.lower.row : piece.upper.row_end + 1,
                             to = lower ? piece.lower.row_end : piece.upper.row + 1;
        counts.add(job, from, to, lower ? job.middle : job.middle - 1);
        if (!job.with_value) return;
        Compensated total;
        if (!lower) {
            std::int64_t pairs = 0;
            for (std::ptrdiff_t k = from; k < to; ++k) pairs += job.middle - 1 - job.reach[k];
            total.add(static_cast<double>(pairs));
        }
        for (int c = 0; c < kChains; ++c) {
            double sum[V::count], error[V::count];
            counts.sum_[c].store(sum);
            counts.error_[c].store(error);
            for (int l = 0; l < V::count; ++l) total += {sum[l], error[l]};
        }
        MergeSide& side = lower ? piece.lower : piece.upper;
        side.sum[0] = total.sum;
        side.error[0] = total.error;
    }

    static double value(const MergePiece* pieces, std::int64_t n) {
        Compensated total;
        for (std::int64_t k = 0; k < n; ++k) {
            total += {pieces[k].upper.sum[0], pieces[k].upper.error[0]};
            total += {pieces[k].lower.sum[0], pieces[k].lower.error[0]};
        }
        return total.total();
    }
};

}  // namespace
}  // namespace rankgrad
