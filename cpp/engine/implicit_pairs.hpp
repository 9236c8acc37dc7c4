// What the implicit losses share inside a block of positives: the arrays of one kernel call, and how they are filled.
#pragma once

#include <algorithm>
#include <type_traits>

#include "engine/dispatch.hpp"
#include "engine/implicit.hpp"
#include "engine/workspace.hpp"

namespace rankgrad {

constexpr std::int64_t kBlock = 512;  ///< positives of a block, and pairs in one kernel call

template <class T> const ImplicitKernels<T>& implicit_kernels() {
    if constexpr (std::is_same_v<T, float>) return kernels().implicit->of_float;
    else return kernels().implicit->of_double;
}

/// The arrays of one kernel call. `value`, `slope` and `curvature` are 0 between calls.
template <class T> struct Pairs {
    static constexpr std::size_t size = kBlock + kPadding;
    T positive[size], negative[size], ideal[size], factor[size], square_factor[size], rank_weight[size];
    T value[size], slope[size], curvature[size], grad[size], hess[size];
    T row[size];  // of (K, B): the negative chosen, -1 for none
    std::int64_t positive_item[size], negative_item[size];
    ImplicitFormula formula;
};

/// Sums in double over the pairs of each positive of a block.
struct Sums {
    double value[kBlock], slope[kBlock], curvature[kBlock];
};

/// Several running sums, so that one addition need not wait for the one before.
template <class T> double total(const T* x, std::int64_t n) {
    double part[4] = {0, 0, 0, 0};
    std::int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; ++k) part[k] += static_cast<double>(x[i + k]);
    for (; i < n; ++i) part[0] += static_cast<double>(x[i]);
    return (part[0] + part[1]) + (part[2] + part[3]);
}

/// Moves the running sums of the first n pairs, one pair or more of each positive, to those in double.
template <class T> void flush(PairMode mode, Sums& sums, Pairs<T>& pairs, std::int64_t n) {
    const auto move = [n](double* to, T* from) {
        for (std::int64_t i = 0; i < n; ++i) {
            to[i] += static_cast<double>(from[i]);
            from[i] = T(0);
        }
    };
    if (mode != kGradHess) move(sums.value, pairs.value);
    if (mode != kValue) move(sums.slope, pairs.slope);
    if (mode == kGradHess) move(sums.curvature, pairs.curvature);
}

/// Fills Pairs for positives of a call.
template <class T> class PairFiller {
public:
    PairFiller(const ImplicitLoss& loss, const ImplicitCall<T>& call)
        : twice_square_(loss.square ? 2.0 : 0.0), call_(call), kernels_(implicit_kernels<T>()) {}

    double weight(std::int64_t b) const { return call_.weight == nullptr ? 1.0 : call_.weight[b]; }
    bool has_credit() const { return !call_.ideal.features.empty(); }

    /// Readies the first n pairs and a register past them.
    void clear(Pairs<T>& pairs, std::int64_t n) const {
        const auto count = static_cast<std::size_t>(n) + kPadding;
        for (T* sum : {pairs.value, pairs.slope, pairs.curvature}) std::fill_n(sum, count, T(0));
        for (T* in : {pairs.positive, pairs.ideal, pairs.factor, pairs.square_factor, pairs.rank_weight})
            std::fill_n(in, count, T(1));
    }

    /// Pairs first to first + n belong to positive b.
    void fill(Pairs<T>& pairs, std::int64_t b, std::int64_t first, std::int64_t n) const {
        std::fill_n(pairs.positive + first, n, call_.positive[b]);
        std::fill_n(pairs.ideal + first, n, margin(b));
        std::fill_n(pairs.factor + first, n, static_cast<T>(factor(b)));
        std::fill_n(pairs.square_factor + first, n, static_cast<T>(twice_square_ * factor(b)));
        if (has_credit()) std::fill_n(pairs.positive_item + first, n, call_.ideal.positive_items[b]);
    }

    /// Pair i belongs to positive begin + i.
    void fill_each(Pairs<T>& pairs, std::int64_t begin, std::int64_t end) const {
        const std::int64_t n = end - begin;
        std::copy_n(call_.positive + begin, n, pairs.positive);
        std::fill_n(pairs.ideal, n, margin(begin));
        for (std::int64_t i = 0; call_.ideal.margins != nullptr && i < n; ++i) pairs.ideal[i] = margin(begin + i);
        std::fill_n(pairs.factor, n, static_cast<T>(factor(begin)));
        std::fill_n(pairs.square_factor, n, static_cast<T>(twice_square_ * factor(begin)));
        const bool uniform = call_.weight == nullptr && call_.cotangent == nullptr;
        for (std::int64_t i = 0; !uniform && i < n; ++i) {
            pairs.factor[i] = static_cast<T>(factor(begin + i));
            pairs.square_factor[i] = static_cast<T>(twice_square_ * factor(begin + i));
        }
        if (has_credit()) std::copy_n(call_.ideal.positive_items + begin, n, pairs.positive_item);
    }

    /// Pair i belongs to positive begin + i, and its negative stands at `at` + i.
    void set_ideals(Pairs<T>& pairs, std::int64_t begin, std::int64_t end, std::int64_t at) const {
        if (!has_credit()) return;
        for (std::int64_t b = begin; b < end; ++b) pairs.ideal[b - begin] = margin(b);
        subtract_credit(pairs, call_.ideal.negative_items + at, end - begin);
    }

    void subtract_credit(Pairs<T>& pairs, const std::int64_t* negative_item, std::int64_t n) const {
        for (const Feature& f : call_.ideal.features) {
            const T credit = static_cast<T>(f.weight);
            if (f.integers != nullptr)
                kernels_.subtract_integer_matches(f.integers, credit, pairs.positive_item, negative_item, n,
                                                  pairs.ideal);
            else kernels_.subtract_real_matches(f.reals, credit, pairs.positive_item, negative_item, n, pairs.ideal);
        }
    }

private:
    double factor(std::int64_t b) const {
        return call_.grad_scale * weight(b) * (call_.cotangent == nullptr ? 1.0 : call_.cotangent[b]);
    }
    T margin(std::int64_t b) const {
        return static_cast<T>(call_.ideal.margins == nullptr ? call_.ideal.margin : call_.ideal.margins[b]);
    }

    double twice_square_;
    const ImplicitCall<T>& call_;
    const ImplicitKernels<T>& kernels_;
};

}  // namespace rankgrad
