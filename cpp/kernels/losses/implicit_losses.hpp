// One small struct per loss of implicit feedback, and the list of them. This is the file to edit for a new loss.
//
// A formula is a loss l, of one positive item against one negative, of the positive's score p, the negative's score n
// and the ideal difference d (1 without partial credit). `eval` gives l with its first two derivatives with respect to
// n; those with respect to p are -l' and l''. A negative of -infinity is no negative: every formula is 0 there. x = p -
// n is always taken first: a large score or offset that the two share must not cost digits of d.
//
// `check` marks in `bad` where a formula's results, or squares and sums of them, would be wrong. A loss may have a
// formula that is `Narrow`: faster, for fewer numbers. A `staged` formula is computed in two steps, by `stage` and
// `finish`. A `linear` one grows as d - x where x is very negative. A loss with parameters names them and takes their
// numbers in `set`.
#pragma once

#include "kernels/contract/implicit.hpp"
#include "kernels/losses/type_list.hpp"
#include "kernels/simd/lane_group.hpp"

namespace rankgrad {
namespace {

constexpr double kInfinity = __builtin_huge_val();

/// What a formula is given: see ImplicitPairs.
template <class V> struct ImplicitPair {
    V positive, negative, ideal, ideal_rest, rank_weight;
};

template <class V> struct ImplicitJet {
    V value, slope, curvature;
};

/// What a formula has unless it says otherwise; it is right for all scores but violations so large that squares, or
/// sums, of them might overflow.
struct ImplicitFormula {
    static constexpr Parameter parameters[kMostParameters] = {};
    static constexpr bool less_one = false;  ///< takes d - 1 for d
    static constexpr bool ranked = false;    ///< takes rank weights
    static constexpr bool staged = false, linear = true;
    using Narrow = void;
    void set(const double* /*parameters*/) {}
    template <class V, class R> RANKGRAD_INLINE static R check(V positive, V negative, V, R bad) {
        return flagged(positive - negative > V(-kFar<typename V::Scalar>), bad);
    }
};

/// p - q = tanh(x / 2) for p = sigmoid(x), q = 1 - p. Near 0, where p and q cancel, Lambert's continued fraction:
/// y / (1 + y^2 / (3 + y^2 / (5 + ...))), right to 2e-16 for y = x / 2 up to 1/2.
template <class V> RANKGRAD_INLINE V tanh_half(V x, V p, V q) {
    const V y = V(0.5) * x, z = y * y;
    const V above = multiply_add(multiply_add(z + V(378), z, V(17325)), z, V(135135));
    const V below = multiply_add(multiply_add(multiply_add(V(28), z, V(3150)), z, V(62370)), z, V(135135));
    return select(abs(x) < V(1), y * above / below, p - q);
}

/// Up to it e^-x is a normal number. Beyond, 0 is as good.
template <class V> constexpr double kLastNormal = sizeof(typename V::Scalar) == sizeof(float) ? 87.33 : 708.39;

/// l = d - sigmoid(x): Collie's and Spotlight's "BPR". With q = 1 - sigmoid(x), l = (d - 1) + q keeps the digits of a
/// small q. `narrow` is faster and takes |x| up to half the range of exp_inside.
template <bool narrow> struct SigmoidGapIn : ImplicitFormula {
    static constexpr bool less_one = true, staged = narrow, linear = false;

    template <class V, class R> RANKGRAD_INLINE static R check(V positive, V negative, V, R bad) {
        const V x = positive - negative, range(0.5 * ExpInside<typename V::Scalar>::range);
        return flagged(narrow ? x * x < range * range : negative < V(kInfinity), bad);
    }
    template <class V> RANKGRAD_INLINE static V stage(V positive, V negative) {
        const V x = positive - negative, range(kLastNormal<V>);
        return exp_inside(narrow ? x : min(max(x, -range), range));
    }
    template <class V> RANKGRAD_INLINE static ImplicitJet<V> finish(V u, V x, V ideal) {
        V q = V(1) / (V(1) + u);
        if constexpr (!narrow) q = select(x < V(kLastNormal<V>), q, V(0));
        const V p = u * q;
        const V pq = p * q;
        return {ideal + q, pq, pq * tanh_half(x, p, q)};
    }
    template <class V> RANKGRAD_INLINE ImplicitJet<V> eval(const ImplicitPair<V>& pair) const {
        const V x = pair.positive - pair.negative;
        V u = stage(pair.positive, pair.negative);
        if constexpr (!narrow) u = select(x > V(-kLastNormal<V>), u, V(0));
        ImplicitJet<V> jet = finish(u, x, pair.ideal);
        if constexpr (!narrow) jet.value = select(pair.negative > V(-kInfinity), jet.value, V(0));
        return jet;
    }
};

struct SigmoidGap : SigmoidGapIn<false> {
    static constexpr const char* name = "sigmoid_gap";
    using Narrow = SigmoidGapIn<true>;
};

/// l = -log sigmoid(z), z = x - (d - 1): the textbook's BPR for d = 1. [Rendle et al., 2009]
struct NegativeLogSigmoid : ImplicitFormula {
    static constexpr const char* name = "negative_log_sigmoid";
    static constexpr bool less_one = true;
    template <class V> RANKGRAD_INLINE ImplicitJet<V> eval(const ImplicitPair<V>& pair) const {
        const V z = (pair.positive - pair.negative) - pair.ideal;
        const V size = abs(z), last(kLastNormal<V>);
        const V e = select(size > last, V(0), exp_inside(-min(size, last)));
        const V p_large = V(1) / (V(1) + e);
        const V p_small = e * p_large;
        return {max(-z, V(0)) + log1p(e), select(z > V(0), p_small, p_large), p_small * p_large};
    }
};

/// h = d - x, and a number with the sign of h as of real numbers. Rounding keeps the order of x and d, so that their
/// rounding errors decide where the rounded ones are equal. (That of x is Knuth's, exact for any two numbers.)
template <class V> struct Slack {
    V h, sign;

    RANKGRAD_INLINE explicit Slack(const ImplicitPair<V>& pair) {
        const V x = pair.positive - pair.negative, back = pair.positive - x;
        const V error = (pair.positive - (x + back)) + (back - pair.negative);
        const V rounded = pair.ideal - x, rest = pair.ideal_rest - error;
        h = rounded + rest;
        sign = select(rounded > V(0), rounded, select(rounded < V(0), rounded, rest));
    }
};

/// l = max(0, h), h = d - x; at h = 0 the slope is `kink`. `narrow` is faster, but cannot tell where h is 0.
template <bool narrow> struct SlackHingeIn : ImplicitFormula {
    double kink = 1;
    void set(const double* given) { kink = given[0]; }
    template <class V, class R> RANKGRAD_INLINE static R check(V positive, V negative, V ideal, R bad) {
        bad = ImplicitFormula::check(positive, negative, ideal, bad);
        if constexpr (narrow) bad = flagged(abs(ideal - (positive - negative)) > V(0), bad);
        return bad;
    }
    template <class V> RANKGRAD_INLINE ImplicitJet<V> eval(const ImplicitPair<V>& pair) const {
        if constexpr (narrow) {
            const V h = pair.ideal - (pair.positive - pair.negative);
            return {max(h, V(0)), select(h > V(0), V(1), V(0)), V(0)};
        }
        const Slack<V> slack(pair);
        const V slope = select(slack.sign > V(0), V(1), select(slack.sign < V(0), V(0), V(kink)));
        return {max(slack.h, V(0)), slope, V(0)};
    }
};

struct SlackHinge : SlackHingeIn<false> {
    static constexpr const char* name = "hinge";
    static constexpr Parameter parameters[kMostParameters] = {{"kink", 1.0}};
    using Narrow = SlackHingeIn<true>;
};

/// l = w max(0, h), h = d - x, w a function of the estimated rank: WARP. [Weston, Bengio & Usunier, 2011]
struct RankedHinge : ImplicitFormula {
    static constexpr const char* name = "ranked_hinge";
    static constexpr bool ranked = true;
    template <class V> RANKGRAD_INLINE ImplicitJet<V> eval(const ImplicitPair<V>& pair) const {
        const Slack<V> slack(pair);
        return {pair.rank_weight * max(slack.h, V(0)), select(slack.sign > V(0), pair.rank_weight, V(0)), V(0)};
    }
};

using ImplicitLosses = List<SigmoidGap, NegativeLogSigmoid, SlackHinge, RankedHinge>;

}  // namespace
}  // namespace rankgrad
