// Losses of implicit feedback: one positive item against one sampled negative at a time, the choice of a negative among
// many, and the partial credit for negatives that resemble the positive.
//
// A formula is a loss l of the positive's score p, the negative's score n and the ideal difference d (1 without partial
// credit). `eval` gives l with its first two derivatives with respect to n; those with respect to p are -l' and l''. A
// negative of -infinity is no negative: every formula is 0 there.
#pragma once

#include "kernels/pair_losses.hpp"

namespace rankgrad {
namespace {

constexpr double kInfinity = __builtin_huge_val();

template <class V> struct ImplicitJet {
    V value, slope, curvature;
};

/// l = d - sigmoid(x), x = p - n: Collie's and Spotlight's "BPR". With q = 1 - sigmoid(x), l = (d - 1) + q keeps the digits of
/// a small q. `narrow`: all scores are known to be finite with |x| in the range of exp_inside.
template <bool narrow> struct SigmoidGap {
    template <class V> static ImplicitJet<V> eval(V positive, V negative, V ideal, V, V) {
        const V x = positive - negative;
        const V range(ExpInside<typename V::Scalar>::range);
        const V u = exp_inside(narrow ? x : min(max(x, -range), range));
        const V q = V(1) / (V(1) + u);
        const V p = u * q;
        const V pq = p * q, value = (ideal - V(1)) + q;
        if constexpr (narrow) return {value, pq, pq * (p - q)};
        const auto there = x < V(kInfinity);
        return {select(there, value, V(0)), select(there, pq, V(0)), select(there, pq * (p - q), V(0))};
    }
};

/// l = -log sigmoid(z), z = x - (d - 1): the textbook's BPR for d = 1. [Rendle et al., 2009]
struct NegativeLogSigmoid {
    template <class V> static ImplicitJet<V> eval(V positive, V negative, V ideal, V, V) {
        const V z = (positive - negative) - (ideal - V(1));
        const V e = exp(-abs(z));
        const V p_large = V(1) / (V(1) + e);
        const V p_small = e * p_large;
        return {max(-z, V(0)) + log1p(e), select(z > V(0), p_small, p_large), p_small * p_large};
    }
};

/// l = max(0, h), h = d - x; at h = 0 the slope is `kink`.
struct SlackHinge {
    template <class V> static ImplicitJet<V> eval(V positive, V negative, V ideal, V, V kink) {
        const V h = ideal - (positive - negative);
        return {max(h, V(0)), select(h > V(0), V(1), select(h < V(0), V(0), kink)), V(0)};
    }
};

/// l = w max(0, h), h = d - p + n, w a function of the estimated rank: WARP. [Weston, Bengio & Usunier, 2011]
struct RankedHinge {
    template <class V> static V slack(V positive, V negative, V ideal) { return (ideal - positive) + negative; }
    template <class V> static ImplicitJet<V> eval(V positive, V negative, V ideal, V rank_weight, V) {
        const V h = slack(positive, negative, ideal);
        const auto violated = h > V(0);
        return {select(violated, rank_weight * h, V(0)), select(violated, rank_weight, V(0)), V(0)};
    }
};

/// Adds up l + square l^2, and factor times its derivatives, over rows of pairs; see ImplicitPairs.
template <class Formula, class T, PairMode mode> struct ImplicitSum {
    using V = Lanes<T>;

    RANKGRAD_INLINE static void step(const ImplicitPairs<T>& job, std::int64_t i, V negative, T* grad, T* hess) {
        const V rank_weight = job.rank_weight == nullptr ? V(1) : V::load(job.rank_weight + i);
        const ImplicitJet<V> jet =
            Formula::eval(V::load(job.positive + i), negative, V::load(job.ideal + i), rank_weight, V(job.kink));
        if constexpr (mode != kGradHess)
            multiply_add(jet.value, multiply_add(V(job.square), jet.value, V(1)), V::load(job.value + i))
                .store(job.value + i);
        if constexpr (mode == kValue) return;
        const V square_factor = V::load(job.square_factor + i);
        const V outer = multiply_add(square_factor, jet.value, V::load(job.factor + i));
        const V slope = outer * jet.slope;
        slope.store(grad);
        (V::load(job.slope + i) + slope).store(job.slope + i);
        if constexpr (mode == kGradHess) {
            const V curvature = multiply_add(square_factor * jet.slope, jet.slope, outer * jet.curvature);
            curvature.store(hess);
            (V::load(job.curvature + i) + curvature).store(job.curvature + i);
        }
    }

    static void call(const ImplicitPairs<T>& given) {
        const ImplicitPairs<T> job = given;  // a copy that stores cannot alias
        std::int64_t i = 0;
        for (; i + V::count <= job.n; i += V::count)
            step(job, i, V::load(job.negative + i), mode == kValue ? nullptr : job.grad_negative + i,
                 mode == kGradHess ? job.hess_negative + i : nullptr);
        if (i == job.n) return;
        T negative[V::count], grad[V::count], hess[V::count];
        for (int l = 0; l < V::count; ++l)
            negative[l] = job.negative[i + l < job.n ? i + l : i];  // past n: not read by anybody
        step(job, i, V::load(negative), grad, hess);
        for (int l = 0; i + l < job.n; ++l) {
            if constexpr (mode != kValue) job.grad_negative[i + l] = grad[l];
            if constexpr (mode == kGradHess) job.hess_negative[i + l] = hess[l];
        }
    }
};

/// Where the largest of `rows` rows of n numbers stands, column by column: the first such row, counted from `first_row`.
template <class T> void largest_in_columns(const T* x, std::int64_t stride, std::int64_t rows, std::int64_t n,
                                           T first_row, T* best, T* best_row) {
    using V = Lanes<T>;
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) {
        V top = V::load(best + i), top_row = V::load(best_row + i), row(first_row);
        for (std::int64_t k = 0; k < rows; ++k, row += V(1)) {
            const V candidate = V::load(x + k * stride + i);
            const auto larger = candidate > top;
            top = select(larger, candidate, top);
            top_row = select(larger, row, top_row);
        }
        top.store(best + i);
        top_row.store(best_row + i);
    }
    for (; i < n; ++i)
        for (std::int64_t k = 0; k < rows; ++k)
            if (x[k * stride + i] > best[i]) {
                best[i] = x[k * stride + i];
                best_row[i] = first_row + static_cast<T>(k);
            }
}

/// Notes `row` in `first` of every column that violates its ideal difference and had no violation (-1) before. True if a
/// column is left without one.
template <class T>
bool violations_in_row(const T* positive, const T* negative, const T* ideal, std::int64_t n, T row, T* first) {
    using V = Lanes<T>;
    const V here(row);
    V lowest = here;
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) {
        const V slack = RankedHinge::slack(V::load(positive + i), V::load(negative + i), V::load(ideal + i));
        const V before = V::load(first + i);
        const V now = select(before < V(0), select(slack > V(0), here, before), before);
        lowest = min(lowest, now);
        now.store(first + i);
    }
    T part[V::count];
    lowest.store(part);
    bool left = false;
    for (int l = 0; l < V::count; ++l) left = left || part[l] < T(0);
    for (; i < n; ++i) {
        if (first[i] < T(0) && (ideal[i] - positive[i]) + negative[i] > T(0)) first[i] = row;
        left = left || first[i] < T(0);
    }
    return left;
}

/// The first place of the largest of n numbers, -1 if there is none above -infinity.
template <class T> std::int64_t largest_in_list(const T* x, std::int64_t n) {
    using V = Lanes<T>;
    V top(-kInfinity);
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) top = max(top, V::load(x + i));
    T part[V::count];
    top.store(part);
    T largest = part[0];
    for (int l = 1; l < V::count; ++l) largest = part[l] > largest ? part[l] : largest;
    for (; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    if (!(largest > static_cast<T>(-kInfinity))) return -1;
    for (i = 0; x[i] < largest;) ++i;
    return i;
}

/// The first of n negatives of one positive that violates its ideal difference, or -1.
template <class T> std::int64_t violation_in_list(T positive, const T* negative, const T* ideal, std::int64_t n) {
    using V = Lanes<T>;
    const V p(positive);
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) {
        T part[V::count];
        RankedHinge::slack(p, V::load(negative + i), V::load(ideal + i)).store(part);
        T largest = part[0];
        for (int l = 1; l < V::count; ++l) largest = part[l] > largest ? part[l] : largest;
        if (largest > T(0)) break;
    }
    for (; i < n; ++i)
        if ((ideal[i] - positive) + negative[i] > T(0)) return i;
    return -1;
}

/// Partial credit: ideal[i] -= weight where the two items have the same category. A NaN is like nothing.
template <class T, class Category> void subtract_matches(const Category* category, T weight,
                                                         const std::int64_t* positive_item,
                                                         const std::int64_t* negative_item, std::int64_t n, T* ideal) {
    for (std::int64_t i = 0; i < n; ++i)
        ideal[i] -= category[positive_item[i]] == category[negative_item[i]] ? weight : T(0);
}

/// Smallest and largest of n numbers, and the first that is NaN or +infinity.
template <class T> ScoreRange<T> score_range(const T* x, std::int64_t n) {
    using V = Lanes<T>;
    V bad(0), low(kInfinity), high(-kInfinity);
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) {
        const V v = V::load(x + i);
        bad = select(v < V(kInfinity), bad, V(1));
        low = min(v, low);
        high = max(v, high);
    }
    T lows[V::count], highs[V::count];
    low.store(lows);
    high.store(highs);
    ScoreRange<T> range{lows[0], highs[0], -1};
    for (int l = 1; l < V::count; ++l) {
        range.low = lows[l] < range.low ? lows[l] : range.low;
        range.high = highs[l] > range.high ? highs[l] : range.high;
    }
    for (std::int64_t k = i; k < n; ++k) {
        range.low = x[k] < range.low ? x[k] : range.low;
        range.high = x[k] > range.high ? x[k] : range.high;
    }
    for (i = sum(bad) > 0 ? 0 : i; i < n && range.first_bad < 0; ++i)
        if (!(x[i] < static_cast<T>(kInfinity))) range.first_bad = i;
    return range;
}

template <class Formula, class T> constexpr ImplicitSums<T> implicit_sums() {
    return {&ImplicitSum<Formula, T, kValue>::call, &ImplicitSum<Formula, T, kValueGrad>::call,
            &ImplicitSum<Formula, T, kGradHess>::call};
}
template <class T> constexpr ImplicitKernels<T> implicit_kernels() {
    return {{implicit_sums<SigmoidGap<false>, T>(), implicit_sums<SigmoidGap<true>, T>(),
             implicit_sums<NegativeLogSigmoid, T>(), implicit_sums<SlackHinge, T>(), implicit_sums<RankedHinge, T>()},
            &largest_in_columns<T>,
            &violations_in_row<T>,
            &largest_in_list<T>,
            &violation_in_list<T>,
            &subtract_matches<T, std::int64_t>,
            &subtract_matches<T, double>,
            &score_range<T>,
            ExpInside<T>::range};
}

}  // namespace
}  // namespace rankgrad
