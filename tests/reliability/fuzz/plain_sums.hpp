// The sums over pairs as they are defined, one pair after the other in long double: what the engine is compared with.
#pragma once

#include <cmath>
#include <string>
#include <vector>

namespace plain {

using Real = long double;

struct Jet {
    Real value, slope, curvature;
};

inline Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }

/// The loss of a pair by its margin and label gap; tau as the engine's parameter.
inline Jet pair(const std::string& loss, Real d, Real gap, Real tau) {
    const Real active = d < 1 ? 1 : 0, slack = active * (1 - d), p = sigmoid(d), q = sigmoid(-d), e = gap - d;
    const Real side = e > 0 ? tau : e < 0 ? 1 - tau : 0;
    if (loss == "hinge") return {slack, -active, 0};
    if (loss == "squared_hinge") return {slack * slack, -2 * slack, 2 * active};
    if (loss == "logistic") return {std::log1p(std::exp(-std::abs(d))) + (d < 0 ? -d : 0), -q, p * q};
    if (loss == "soft_zero_one") return {q, -p * q, p * q * (p - q)};
    if (loss == "exponential") return {std::exp(-d), -std::exp(-d), std::exp(-d)};
    if (loss == "mean_squared_error") return {e * e, -2 * e, 2};
    if (loss == "quantile") return {side * std::abs(e), e > 0 ? -side : side, 0};
    if (loss == "squared_quantile") return {side * e * e, -2 * side * e, 2 * side};
    return {NAN, NAN, NAN};
}

/// Sums of one list with the sums of their absolute terms.
struct Sums {
    Real value = 0, value_terms = 0;
    std::vector<Real> grad, hess, grad_terms, hess_terms;
};

inline Sums one_list(const std::string& loss, const std::vector<double>& labels, const std::vector<double>& scores,
                     const std::vector<double>& weights, const std::vector<bool>& valid, Real temperature, Real tau) {
    const std::size_t n = labels.size();
    Sums out;
    for (auto* sums : {&out.grad, &out.hess, &out.grad_terms, &out.hess_terms}) sums->assign(n, 0);
    const bool all = loss == "mean_squared_error";
    const Real t = all ? 1 : temperature;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            if (i == j || !valid[i] || !valid[j] || !(all || labels[i] > labels[j])) continue;
            const Real d = (Real(scores[i]) - Real(scores[j])) / t;
            const Jet jet = pair(loss, d, Real(labels[i]) - Real(labels[j]), tau);
            const Real w = weights[i], slope = w * jet.slope / t, bend = w * jet.curvature / (t * t);
            // The curvature of the soft zero-one loss vanishes at equal scores: its terms are counted with p q.
            const Real bend_terms = loss == "soft_zero_one" ? w * sigmoid(d) * sigmoid(-d) / (t * t) : bend;
            out.value += w * jet.value;
            out.value_terms += std::abs(w * jet.value);
            for (const std::size_t item : {i, j}) {
                out.grad[item] += item == i ? slope : -slope;
                out.hess[item] += bend;
                out.grad_terms[item] += std::abs(slope);
                out.hess_terms[item] += std::abs(bend_terms);
            }
        }
    return out;
}

}  // namespace plain
