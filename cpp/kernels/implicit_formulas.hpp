// Losses of implicit feedback: one positive item against one negative.
//
// A formula is a loss l of the positive's score p, the negative's score n and the ideal difference d (1 without partial
// credit). `eval` gives l with its first two derivatives with respect to n; those with respect to p are -l' and l''. A
// negative of -infinity is no negative: every formula is 0 there. `usable` tells where p (finite) and n are what the formula
// can take; elsewhere its results mean nothing. A `staged` formula is computed in two steps, by `stage` and `finish`.
#pragma once

#include "kernels/lane_group.hpp"

namespace rankgrad {
namespace {

constexpr double kInfinity = __builtin_huge_val();

template <class V> struct ImplicitJet {
    V value, slope, curvature;
};

/// l = d - sigmoid(x), x = p - n: Collie's and Spotlight's "BPR". With q = 1 - sigmoid(x), l = (d - 1) + q keeps the digits of
/// a small q. `narrow` is faster and takes |x| up to half the range of exp_inside.
template <bool narrow> struct SigmoidGap {
    static constexpr bool staged = narrow;

    template <class V> static auto usable(V positive, V negative) {
        const V x = positive - negative, range(0.5 * ExpInside<typename V::Scalar>::range);
        return narrow ? x * x < range * range : negative < V(kInfinity);
    }
    template <class V> static V stage(V positive, V negative) {
        const V x = positive - negative, range(ExpInside<typename V::Scalar>::range);
        return exp_inside(narrow ? x : min(max(x, -range), range));
    }
    template <class V> static ImplicitJet<V> finish(V u, V ideal) {
        const V q = V(1) / (V(1) + u);
        const V p = u * q;
        const V pq = p * q;
        return {(ideal - V(1)) + q, pq, pq * (p - q)};
    }
    template <class V> static ImplicitJet<V> eval(V positive, V negative, V ideal, V, V) {
        const ImplicitJet<V> jet = finish(stage(positive, negative), ideal);
        if constexpr (narrow) return jet;
        const auto there = positive - negative < V(kInfinity);
        return {select(there, jet.value, V(0)), select(there, jet.slope, V(0)), select(there, jet.curvature, V(0))};
    }
};

/// What most formulas take: any number below infinity.
struct AnyNegative {
    static constexpr bool staged = false;
    template <class V> static auto usable(V, V negative) { return negative < V(kInfinity); }
};

/// l = -log sigmoid(z), z = x - (d - 1): the textbook's BPR for d = 1. [Rendle et al., 2009]
struct NegativeLogSigmoid : AnyNegative {
    template <class V> static ImplicitJet<V> eval(V positive, V negative, V ideal, V, V) {
        const V z = (positive - negative) - (ideal - V(1));
        const auto there = z < V(kInfinity);
        const V e = select(there, exp_inside(max(-abs(z), V(-ExpInside<typename V::Scalar>::range))), V(0));
        const V p_large = V(1) / (V(1) + e);
        const V p_small = e * p_large;
        return {max(-z, V(0)) + log1p(e), select(z > V(0), p_small, p_large), p_small * p_large};
    }
};

/// l = max(0, h), h = d - x; at h = 0 the slope is `kink`.
struct SlackHinge : AnyNegative {
    template <class V> static ImplicitJet<V> eval(V positive, V negative, V ideal, V, V kink) {
        const V h = ideal - (positive - negative);
        return {max(h, V(0)), select(h > V(0), V(1), select(h < V(0), V(0), kink)), V(0)};
    }
};

/// l = w max(0, h), h = d - p + n, w a function of the estimated rank: WARP. [Weston, Bengio & Usunier, 2011]
struct RankedHinge : AnyNegative {
    template <class V> static V slack(V positive, V negative, V ideal) { return (ideal - positive) + negative; }
    template <class V> static ImplicitJet<V> eval(V positive, V negative, V ideal, V rank_weight, V) {
        const V h = slack(positive, negative, ideal);
        const auto violated = h > V(0);
        return {select(violated, rank_weight * h, V(0)), select(violated, rank_weight, V(0)), V(0)};
    }
};

}  // namespace
}  // namespace rankgrad
