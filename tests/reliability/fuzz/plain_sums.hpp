// The sums over pairs as they are defined, one pair after the other in long double: what the engine is compared with.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
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
    const Real e = gap - d, side = e > 0 ? tau : e < 0 ? 1 - tau : 0;
    if (loss == "mean_squared_error") return {e * e, -2 * e, 2};
    if (loss == "quantile") return {side * std::abs(e), e > 0 ? -side : side, 0};
    if (loss == "squared_quantile") return {side * e * e, -2 * side * e, 2 * side};
    const Real active = d < 1 ? 1 : 0, slack = active * (1 - d);
    if (loss == "hinge") return {slack, -active, 0};
    if (loss == "squared_hinge") return {slack * slack, -2 * slack, 2 * active};
    if (loss == "exponential") return {std::exp(-d), -std::exp(-d), std::exp(-d)};
    const Real p = sigmoid(d), q = sigmoid(-d);
    if (loss == "soft_zero_one") return {q, -p * q, p * q * (p - q)};
    if (loss == "logistic") return {std::log1p(std::exp(-std::abs(d))) + (d < 0 ? -d : 0), -q, p * q};
    return {NAN, NAN, NAN};
}

/// The weight |g_i - g_j| (c + |D_i - D_j|) of a pair, without normalization; `any` is false for weights of 1.
struct PairWeight {
    bool any = false;
    Real constant = 1;
    std::size_t cutoff = 0, truncation = 0;  ///< 0: none
    std::vector<Real> gain, discount{};
    std::vector<std::size_t> rank{};

    /// By descending score, equal scores as they come; items that are not valid have no rank.
    void give_ranks(const std::vector<double>& scores, const std::vector<bool>& valid) {
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < scores.size(); ++i)
            if (valid[i]) order.push_back(i);
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t i, std::size_t j) { return scores[i] > scores[j]; });
        discount.assign(scores.size(), 0);
        rank.assign(scores.size(), 0);
        for (std::size_t r = 0; r < order.size(); ++r) {
            rank[order[r]] = r;
            if (constant == 0 && (cutoff == 0 || r < cutoff)) discount[order[r]] = 1 / std::log2(Real(r) + 2);
        }
    }
    Real operator()(std::size_t i, std::size_t j, int sign) const {
        if (!any) return 1;
        if (truncation != 0 && std::min(rank[i], rank[j]) >= truncation) return 0;
        return std::abs(gain[i] - gain[j]) * (constant + std::abs(discount[i] + Real(sign) * discount[j]));
    }
};

/// Sums of one list with the sums of their absolute terms.
struct Sums {
    Real value = 0, value_terms = 0;
    std::vector<Real> grad, hess, grad_terms, hess_terms;
};

inline Sums one_list(const std::string& loss, const std::vector<double>& labels, const std::vector<double>& scores,
                     const std::vector<double>& weights, const std::vector<bool>& valid, Real temperature, Real tau,
                     const PairWeight& pair_weight) {
    const std::size_t n = labels.size();
    Sums out;
    for (auto* sums : {&out.grad, &out.hess, &out.grad_terms, &out.hess_terms}) sums->assign(n, 0);
    const bool all = loss == "mean_squared_error";
    const bool soft = loss == "soft_zero_one";
    const Real per = all ? 1 : 1 / temperature;  // exact for powers of two
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            if (i == j || !valid[i] || !valid[j] || !(all || labels[i] > labels[j])) continue;
            // Discounts cancel: their terms are counted with the sum.
            const Real w = weights[i] * pair_weight(i, j, -1), more = weights[i] * pair_weight(i, j, 1);
            if (more == 0) continue;
            const Real d = (Real(scores[i]) - Real(scores[j])) * per;
            const Jet jet = pair(loss, d, Real(labels[i]) - Real(labels[j]), tau);
            const Real slope = w * jet.slope * per, bend = w * jet.curvature * per * per;
            // The curvature of the soft zero-one loss vanishes at equal scores: its terms are counted with p q.
            const Real bend_terms = (soft ? sigmoid(d) * sigmoid(-d) : jet.curvature) * per * per;
            out.value += w * jet.value;
            out.value_terms += std::abs(more * jet.value);
            for (const std::size_t item : {i, j}) {
                out.grad[item] += item == i ? slope : -slope;
                out.hess[item] += bend;
                out.grad_terms[item] += std::abs(more * jet.slope * per);
                out.hess_terms[item] += std::abs(more * bend_terms);
            }
        }
    return out;
}

}  // namespace plain
