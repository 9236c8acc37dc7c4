// The dot product of counts and scores, whose terms cancel: summed with the errors of products and sums.
#pragma once

#include "kernels/simd/compensated.hpp"
#include "kernels/contract/sorted.hpp"

namespace rankgrad {
namespace {

class ExactDot {
    using V = Lanes<double>;
    static constexpr int kChains = 2;      // independent sums hide the latency of an addition
    static constexpr int kLowerBits = 31;  // of a double, which leave 22 digits
    static constexpr std::ptrdiff_t kStep = kChains * V::count;

    V sum_[kChains], error_[kChains];

    static RANKGRAD_INLINE V upper_digits(V x) {
        constexpr typename V::Bits none{};
        return V::from_bits(x.bits() & (~none << kLowerBits));
    }
    /// A count times a float, or times the upper digits of a double, fits a double: it has no rounding error, and the
    /// result is the same whether or not the compiler contracts it into the sum.
    template <class N> RANKGRAD_INLINE void add(V count, V score, int chain) {
        const V upper = sizeof(N) == 4 ? score : upper_digits(score), sum = sum_[chain], product = count * upper,
                next = sum + product, added = next - sum;
        error_[chain] += (sum - (next - added)) + (product - added);
        if constexpr (sizeof(N) != 4) error_[chain] += count * (score - upper);
        sum_[chain] = next;
    }

public:
    ExactDot() {
        for (int c = 0; c < kChains; ++c) sum_[c] = error_[c] = V(0);
    }

    template <class N> void add(const std::int32_t* count, const N* score, std::ptrdiff_t n) {
        std::ptrdiff_t k = 0;
        for (; k + kStep <= n; k += kStep)
            for (int c = 0; c < kChains; ++c) {
                const std::ptrdiff_t at = k + c * V::count;
                add<N>(load_doubles(count + at), load_doubles(score + at), c);
            }
        for (; k < n; ++k) {
            V one(0);
            set_lane<double>(one.v, 0, static_cast<double>(count[k]));
            add<N>(one, V(static_cast<double>(score[k])), 0);
        }
    }

    /// Added as a tree.
    Compensated total() const {
        Compensated part[kChains * V::count];
        for (int c = 0; c < kChains; ++c) {
            double sum[V::count], error[V::count];
            sum_[c].store(sum);
            error_[c].store(error);
            for (int l = 0; l < V::count; ++l) part[c * V::count + l] = {sum[l], error[l]};
        }
        for (int half = kChains * V::count / 2; half > 0; half /= 2)
            for (int k = 0; k < half; ++k) part[k] += part[k + half];
        return part[0];
    }

    template <class N>
    static void add_to(const N* score, const std::int32_t* slope, std::int64_t n, SumWithError& all) {
        ExactDot products;
        products.add(slope, score, n);
        Compensated sum{all.sum, all.error};
        sum += products.total();
        all = {sum.sum, sum.error};
    }
};

}  // namespace
}  // namespace rankgrad
