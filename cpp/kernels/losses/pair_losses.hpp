// One small struct per pairwise loss, and the list of them. This is the file to edit for a new loss.
//
// A loss is phi(m, gap) of the margin m = (s_i - s_j) / temperature, where item i has the higher label and gap = y_i -
// y_j. `eval` gives phi, phi', phi'' and a curvature that is never negative, for Newton steps of boosting. T is a whole
// register (Lanes), so formulas are branch-free: select(condition, a, b).
//
// Scores are not divided by the temperature beforehand, so that a margin is rounded once: (s_i - s_j) times 1 /
// temperature. A homogeneous loss, phi(c m, c gap; c) = c^degree phi(m, gap; 1), e.g. of slacks 1 - m, declares its
// `degree`: it then gets the difference itself, with `unit` for the number 1, and the engine divides its results by
// temperature^degree (positive curvatures by temperature^2). The curvature of a loss of degree 1 is 0.
//
// A loss of u = e^-m alone may declare the factored form: with u = e^-s_i * e^s_j it costs n exponentials per list
// instead of one per pair. `eval_factored(u, p)` also gets p = 1 / (1 + u), because the sum over pairs shares
// divisions. `add` and `flush` say how its values are summed.
//
// A loss whose two curvatures are the same number may say so: `curvature_is_positive`.
//
// A loss that is analytic for |Im m| < pi may declare itself `expandable` and give its tails, series in e^-|m|
// (expansion_tables.hpp says which): long lists are then summed in near-linear time.
//
// A loss with parameters names them, with the numbers they have if none are given, and takes them in `set`.
//
// Two forms have exact sums in less time: max(0, 1 - m)^p declares hinge_power = p (sorted/merge_sums.hpp), and e^-m
// declares that it is `exponential` (direct/closed_forms.hpp).
#pragma once

#include "kernels/contract/modes.hpp"
#include "kernels/losses/type_list.hpp"
#include "kernels/simd/vector_math.hpp"

namespace rankgrad {
namespace {

template <class T> struct Jet {
    T value, slope, curvature, positive_curvature;
};
template <class Mask, class T> RANKGRAD_INLINE Jet<T> only_where(Mask mask, const Jet<T>& jet) {
    return {select(mask, jet.value, T(0)), select(mask, jet.slope, T(0)), select(mask, jet.curvature, T(0)),
            select(mask, jet.positive_curvature, T(0))};
}

/// What a loss has unless it says otherwise.
struct PairLoss {
    static constexpr bool factored = false;
    static constexpr bool log_product = false;
    static constexpr bool uses_label_gap = false;
    static constexpr bool all_pairs = false;
    static constexpr bool expandable = false;
    static constexpr bool exponential = false;
    static constexpr int hinge_power = 0;
    static constexpr int degree = 0;
    static constexpr bool curvature_is_positive = false;  ///< positive_curvature is the same number
    static constexpr bool factored_curvature = true;      ///< else the factored form serves value and slope only
    static constexpr Parameter parameters[kMostParameters] = {};
    void set(const LossParameters&) {}
    template <class T> T add(T total, T value) const { return total + value; }
    template <class T> T flush(T total) const { return total; }
};

/// Whether the factored form of a loss serves a mode.
template <class Loss> constexpr bool factored_in(PairMode mode) {
    return Loss::factored && (Loss::factored_curvature || (mode != kGradHess && mode != kHessVector));
}

/// phi(m) = max(0, 1 - m). Subgradient 0 at the kink, as torch and JAX. [Herbrich, Graepel & Obermayer, 2000]
struct Hinge : PairLoss {
    static constexpr const char* name = "hinge";
    static constexpr int hinge_power = 1;
    static constexpr int degree = 1;
    double unit = 1;
    void set(const LossParameters& p) { unit = p.unit; }
    template <class T> Jet<T> eval(T margin, T /*label_gap*/) const {
        const T excess = margin - T(unit);
        const auto active = negative(excess);
        return {-masked(active, excess), masked(active, T(-1)), T(0), masked(active, T(1))};
    }
};

/// phi(m) = max(0, 1 - m)^2. [Chapelle & Keerthi, 2010]
struct SquaredHinge : PairLoss {
    static constexpr const char* name = "squared_hinge";
    static constexpr bool curvature_is_positive = true;
    static constexpr int hinge_power = 2;
    static constexpr int degree = 2;
    double unit = 1;
    void set(const LossParameters& p) { unit = p.unit; }
    template <class T> Jet<T> eval(T margin, T /*label_gap*/) const {
        const T slack = max(T(unit) - margin, T(0));
        const T active = select(slack > T(0), T(2), T(0));
        return {slack * slack, T(-2) * slack, active, active};
    }
};

/// phi(m) = log(1 + e^-m): RankNet. With p = sigmoid(m), q = 1 - p: phi' = -q, phi'' = p q. [Burges et al., 2005]
struct Logistic : PairLoss {
    static constexpr const char* name = "logistic";
    static constexpr bool curvature_is_positive = true;
    static constexpr bool factored = true;
    static constexpr bool log_product = true;
    static constexpr bool expandable = true;
    static constexpr double left_constant = 0, left_slope = -1;  // phi(m) = -m + phi(-m)
    static double right_tail(int k) { return (k % 2 ? 1.0 : -1.0) / k; }
    static double left_tail(int k) { return right_tail(k); }
    static double positive_tail(int k) { return k % 2 ? k : -k; }
    template <class T> Jet<T> eval(T margin, T /*label_gap*/) const {
        const T e = exp(-abs(margin));
        const T p_large = T(1) / (T(1) + e);
        const T p_small = e * p_large;
        const T q = select(margin > T(0), p_small, p_large);
        const T curvature = p_small * p_large;
        return {max(-margin, T(0)) + log1p(e), -q, curvature, curvature};
    }
    template <class T> Jet<T> eval_factored(T u, T p) const {
        const T q = u * p;
        return {u, -q, p * q, p * q};
    }
    /// (1 + total)(1 + u) - 1: every term is positive, so small u keep all their digits.
    template <class T> T add(T total, T u) const { return multiply_add(total, u, total + u); }
    template <class T> T flush(T total) const { return log1p(total); }
};

/// phi(m) = sigmoid(-m), a smooth count of misordered pairs: phi' = -p q, phi'' = p q (p - q). Not convex: the positive
/// curvature is p q.
struct SoftZeroOne : PairLoss {
    static constexpr const char* name = "soft_zero_one";
    static constexpr bool factored = true;
    static constexpr bool factored_curvature = false;  // p - q = tanh(m / 2) cancels when made from u = e^-m
    static constexpr bool expandable = true;
    static constexpr double left_constant = 1, left_slope = 0;  // phi(m) = 1 - phi(-m)
    static double right_tail(int k) { return k % 2 ? 1.0 : -1.0; }
    static double left_tail(int k) { return -right_tail(k); }
    static double positive_tail(int k) { return k % 2 ? k : -k; }
    template <class T> Jet<T> eval(T margin, T /*label_gap*/) const {
        const T e = exp(-abs(margin));
        const T p_large = T(1) / (T(1) + e);
        const T p_small = e * p_large;
        const T pq = p_small * p_large;
        const T gap = pq * (one_less_exp(abs(margin)) * p_large);  // p q |p - q|
        return {select(margin > T(0), p_small, p_large), -pq, select(margin > T(0), gap, -gap), pq};
    }
    template <class T> Jet<T> eval_factored(T u, T p) const {
        const T q = u * p;
        const T pq = p * q;
        return {q, -pq, T(0), pq};
    }
};

/// phi(m) = e^-m: RankBoost. [Freund et al., 2003]
struct Exponential : PairLoss {
    static constexpr const char* name = "exponential";
    static constexpr bool curvature_is_positive = true;
    static constexpr bool exponential = true;
    static constexpr bool factored = true;
    template <class T> Jet<T> eval(T margin, T /*label_gap*/) const { return eval_factored(exp(-margin), T(1)); }
    template <class T> Jet<T> eval_factored(T product, T /*p*/) const {
        const T u = rounded(product);
        return {u, -u, u, u};
    }
};

/// What both quantile losses are made of: e = gap - m, and tau.
struct QuantileError : PairLoss {
    static constexpr bool curvature_is_positive = true;
    static constexpr bool uses_label_gap = true;
    static constexpr Parameter parameters[kMostParameters] = {{"tau", 0.5}};
    double tau = 0.5, unit = 1;
    void set(const LossParameters& p) {
        tau = p.own[0];
        unit = p.unit;
    }
    template <class T> T error_of(T margin, T label_gap) const { return rounded(T(unit) * label_gap) - margin; }
};

/// phi = tau max(e, 0) + (1 - tau) max(-e, 0), the pairwise quantile loss of Rax; slope 0 at the kink, no curvature
/// anywhere.
struct Quantile : QuantileError {
    static constexpr const char* name = "quantile";
    static constexpr int degree = 1;
    template <class T> Jet<T> eval(T margin, T label_gap) const {
        const T error = error_of(margin, label_gap);
        const T under = select(error > T(0), T(tau), T(0));
        const T over = select(error < T(0), T(1 - tau), T(0));
        return {(under - over) * error, over - under, T(0), T(0)};
    }
};

/// The same with each part squared: phi = tau max(e, 0)^2 + (1 - tau) max(-e, 0)^2.
struct SquaredQuantile : QuantileError {
    static constexpr const char* name = "squared_quantile";
    static constexpr int degree = 2;
    template <class T> Jet<T> eval(T margin, T label_gap) const {
        const T error = error_of(margin, label_gap);
        const T side = select(error > T(0), T(tau), select(error < T(0), T(1 - tau), T(0)));
        return {side * error * error, T(-2) * side * error, T(2) * side, T(2) * side};
    }
};

/// phi = (gap - m)^2 over all ordered pairs, ties included, temperature unused: keras-rs and Rax. Summed in O(n) by
/// moments (direct/closed_forms.hpp).
struct MeanSquaredError : PairLoss {
    static constexpr const char* name = "mean_squared_error";
    static constexpr bool curvature_is_positive = true;
    static constexpr bool uses_label_gap = true;
    static constexpr bool all_pairs = true;
    static constexpr int degree = 2;
    double unit = 1;
    void set(const LossParameters& p) { unit = p.unit; }
    template <class T> Jet<T> eval(T margin, T label_gap) const {
        const T error = T(unit) * label_gap - margin;
        return {error * error, T(-2) * error, T(2), T(2)};
    }
};

using PairLosses =
    List<Hinge, SquaredHinge, Logistic, SoftZeroOne, Exponential, Quantile, SquaredQuantile, MeanSquaredError>;
constexpr int kPairLosses = count_of(PairLosses());

}  // namespace
}  // namespace rankgrad
