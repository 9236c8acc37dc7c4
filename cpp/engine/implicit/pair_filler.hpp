// What the implicit losses share inside a block of positives: the arrays of one kernel call, and how they are filled.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/implicit/implicit.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {

constexpr std::int64_t kBlock = 512;  ///< positives of a block, and pairs in one kernel call

template <class T> const ImplicitKernels<T>& implicit_kernels() {
    if constexpr (std::is_same_v<T, float>) return kernels().implicit->of_float;
    else return kernels().implicit->of_double;
}

/// Numbers as those of another type: themselves, or copies in `room`.
template <class C, class T> const C* as(const T* x, std::int64_t n, [[maybe_unused]] C* room) {
    if constexpr (std::is_same_v<T, C>) {
        return x;
    } else {
        std::copy_n(x, n, room);
        return room;
    }
}

/// The arrays of one kernel call that computes in C. `value`, `slope` and `curvature` are 0 between calls.
template <class C> struct Pairs {
    static constexpr std::size_t size = kBlock + kPadding;
    C positive[size], negative[size], ideal[size], ideal_rest[size], rank_weight[size];
    C weight[size], factor[size], square_factor[size];
    C value[size], slope[size], curvature[size], grad[size], hess[size];
    double ideal_in_double[size];  // before it is split, where there is credit
    std::int64_t positive_item[size], negative_item[size];
    bool narrow;
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
template <class T, class C> class PairFiller {
public:
    /// The weights of the value are multiplied by `unit`.
    PairFiller(const ImplicitLoss& loss, const ImplicitCall<T>& call, double unit)
        : less_one_(loss.kernels().less_one), ranked_(loss.kernels().ranked), twice_square_(loss.square ? 2.0 : 0.0),
          unit_(unit), call_(call), kernels_(kernels().implicit->in_double) {}

    double weight(std::int64_t b) const { return unit_ * (call_.weight == nullptr ? 1.0 : call_.weight[b]); }
    bool has_credit() const { return !call_.ideal.features.empty(); }

    /// Whether nothing but scores can take a sum over these positives out of the range of C.
    bool is_usual(std::int64_t begin, std::int64_t end) const {
        constexpr double least = sizeof(C) == sizeof(float) ? 0x1p-100 : 0x1p-1000;
        const auto usual = [](double x) { return x == 0 || (std::abs(x) >= least && std::abs(x) <= kFar<C>); };
        double credit = 0;
        for (const Feature& f : call_.ideal.features) credit += std::abs(f.weight);
        const bool alike = call_.weight == nullptr && call_.cotangent == nullptr && call_.ideal.margins == nullptr;
        for (std::int64_t b = begin; b < (alike ? begin + 1 : end); ++b)
            if (!usual(weight(b)) || !usual(factor(b)) || !(std::abs(margin(b)) + credit <= kFar<C>)) return false;
        return true;
    }

    /// Readies sums, and whatever is not filled if only the first n pairs are.
    void clear(Pairs<C>& pairs, std::int64_t n) const {
        for (C* sum : {pairs.value, pairs.slope, pairs.curvature}) std::fill_n(sum, pairs.size, C(0));
        for (C* in : {pairs.positive, pairs.ideal, pairs.ideal_rest, pairs.weight, pairs.factor, pairs.square_factor})
            std::fill(in + n, in + pairs.size, C(1));
        if (ranked_) std::fill_n(pairs.rank_weight, pairs.size, C(1));
    }

    /// Multiplies values by their weights.
    void weigh(Sums& sums, std::int64_t begin, std::int64_t end) const {
        if (call_.weight == nullptr && unit_ == 1.0) return;
        for (std::int64_t b = begin; b < end; ++b) sums.value[b - begin] *= weight(b);
    }

    /// Pairs first to first + n belong to positive b.
    void fill(Pairs<C>& pairs, std::int64_t b, std::int64_t first, std::int64_t n) const {
        std::fill_n(pairs.positive + first, n, static_cast<C>(call_.positive[b]));
        const auto [ideal, rest] = split(margin(b));
        std::fill_n(pairs.ideal + first, n, ideal);
        std::fill_n(pairs.ideal_rest + first, n, rest);
        std::fill_n(pairs.weight + first, n, static_cast<C>(weight(b)));
        const double f = factor(b);
        std::fill_n(pairs.factor + first, n, static_cast<C>(f));
        std::fill_n(pairs.square_factor + first, n, static_cast<C>(twice_square_ * f));
        if (!has_credit()) return;
        std::fill_n(pairs.ideal_in_double + first, n, margin(b));
        std::fill_n(pairs.positive_item + first, n, call_.ideal.positive_items[b]);
    }

    /// Pair i belongs to positive begin + i.
    void fill_each(Pairs<C>& pairs, std::int64_t begin, std::int64_t end) const {
        const std::int64_t n = end - begin;
        fill(pairs, begin, 0, n);
        std::copy_n(call_.positive + begin, n, pairs.positive);
        if (has_credit()) std::copy_n(call_.ideal.positive_items + begin, n, pairs.positive_item);
        for (std::int64_t i = 0; call_.ideal.margins != nullptr && i < n; ++i)
            std::tie(pairs.ideal[i], pairs.ideal_rest[i]) = split(pairs.ideal_in_double[i] = margin(begin + i));
        for (std::int64_t i = 0; call_.weight != nullptr && i < n; ++i)
            pairs.weight[i] = static_cast<C>(weight(begin + i));
        for (std::int64_t i = 0; (call_.weight != nullptr || call_.cotangent != nullptr) && i < n; ++i) {
            const double f = factor(begin + i);
            pairs.factor[i] = static_cast<C>(f);
            pairs.square_factor[i] = static_cast<C>(twice_square_ * f);
        }
    }

    /// Pair i belongs to positive begin + i, and its negative stands at `at` + i.
    void set_ideals(Pairs<C>& pairs, std::int64_t begin, std::int64_t end, std::int64_t at) const {
        if (!has_credit()) return;
        for (std::int64_t b = begin; b < end; ++b) pairs.ideal_in_double[b - begin] = margin(b);
        subtract_credit(pairs, call_.ideal.negative_items + at, end - begin);
    }

    void subtract_credit(Pairs<C>& pairs, const std::int64_t* negative_item, std::int64_t n) const {
        double* ideal = pairs.ideal_in_double;
        for (const Feature& f : call_.ideal.features) {
            if (f.integers != nullptr)
                kernels_.subtract_integer_matches(f.integers, f.weight, pairs.positive_item, negative_item, n, ideal);
            else kernels_.subtract_real_matches(f.reals, f.weight, pairs.positive_item, negative_item, n, ideal);
        }
        for (std::int64_t i = 0; i < n; ++i) std::tie(pairs.ideal[i], pairs.ideal_rest[i]) = split(ideal[i]);
    }

private:
    /// The ideal difference as the formula wants it, and what is left of it in C, rounded upwards.
    std::pair<C, C> split(double d) const {
        if (less_one_) return {static_cast<C>(d - 1), C(0)};
        const C ideal = static_cast<C>(d);
        const double left = d - static_cast<double>(ideal);
        return {ideal, rounded_upwards(left)};
    }

    static C rounded_upwards(double x) {
        const C nearest = static_cast<C>(x);
        if constexpr (std::is_same_v<C, double>) return nearest;
        // The next number, without a branch that half of the numbers would take.
        std::int32_t bits;
        std::memcpy(&bits, &nearest, sizeof bits);
        bits += static_cast<double>(nearest) < x ? (bits >= 0 ? 1 : -1) : 0;
        C next;
        std::memcpy(&next, &bits, sizeof bits);
        return next;
    }

    /// The product of three, 0 if one of them is, else a finite number.
    double factor(std::int64_t b) const {
        constexpr double most = std::numeric_limits<double>::max();
        double part[] = {call_.grad_scale, call_.weight == nullptr ? 1.0 : call_.weight[b],
                         call_.cotangent == nullptr ? 1.0 : call_.cotangent[b]};
        const double first = part[0] * part[1], product = first * part[2];
        if (std::isnormal(first) && std::isnormal(product)) return product;
        std::sort(part, part + 3, [](double x, double y) { return std::abs(x) < std::abs(y); });
        return part[0] == 0 ? 0.0 : std::clamp(part[0] * part[2] * part[1], -most, most);
    }
    double margin(std::int64_t b) const {
        return call_.ideal.margins == nullptr ? call_.ideal.margin : call_.ideal.margins[b];
    }

    bool less_one_, ranked_;
    double twice_square_, unit_;
    const ImplicitCall<T>& call_;
    const ImplicitDoubleKernels& kernels_;
};

}  // namespace rankgrad
