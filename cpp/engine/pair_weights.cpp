// Gains, ideal DCG and discounts: all that does not depend on the scores.
#include "engine/pair_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <sstream>

#include "engine/errors.hpp"
#include "engine/targets.hpp"
#include "engine/workspace.hpp"

namespace rankgrad {
namespace {

/// What the metric calls gain: 2^y - 1, y, or a table's entry.
std::vector<double> table_gains(const Plan& plan, const std::vector<double>& table) {
    std::vector<double> gains(static_cast<std::size_t>(plan.n_valid()) + kPadding);
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        for (std::int32_t k = 0; k < plan.size(l) && !plan.is_nan(l); ++k) {
            const double y = plan.label(l)[k];
            if (!(y >= 0 && y < static_cast<double>(table.size()) && y == std::floor(y))) {
                std::ostringstream text;
                text << "labels (y_true): " << plan.lists().place(plan.item(l, k)) << " holds " << y
                     << ", but gain knows the labels 0 to " << table.size() - 1;
                throw ArgumentError(text.str());
            }
            gains[static_cast<std::size_t>(plan.begin(l) + k)] = table[static_cast<std::size_t>(y)];
        }
    }
    return gains;
}

}  // namespace

PairWeights::PairWeights(const PairWeightOptions& options, const Plan& plan)
    : kind_(options.kind), truncation_(options.truncation) {
    if (!any()) return;
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) plan_begin_.push_back(plan.begin(l));
    make_gains(options, plan);
    sort_positions(plan);
    for (std::int32_t r = 0; r < plan.longest(); ++r)
        discount_.push_back(ranked() && (options.cutoff == 0 || r < options.cutoff) ? 1.0 / std::log2(r + 2.0) : 0.0);
}

/// 2^y and 2^y - 1 have the same differences, and powers of two are exact in float too.
void PairWeights::make_gains(const PairWeightOptions& options, const Plan& plan) {
    const bool exp2 = options.gain == PairWeightOptions::kExp2, table = options.gain == PairWeightOptions::kTable;
    if (!ranked()) {  // differences of labels
        gain_.resize(static_cast<std::size_t>(plan.n_valid()) + kPadding);
        for (std::int64_t l = 0; l < plan.lists().count(); ++l)
            std::copy_n(plan.label_gap(l), plan.size(l), gain_.data() + plan.begin(l));
        return scale_gains(plan, {});
    }
    const std::vector<double> metric = table ? table_gains(plan, options.gain_table)
                                             : make_targets(plan, exp2 ? Target::kExp2Gain : Target::kLinearGain);
    const std::vector<double> ideal =
        options.normalize ? ideal_sums(plan, metric, static_cast<double>(options.cutoff)) : std::vector<double>();
    gain_ = exp2 ? make_targets(plan, Target::kNoisyPower) : metric;
    scale_gains(plan, ideal);
}

void PairWeights::scale_gains(const Plan& plan, const std::vector<double>& ideal) {
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        double* gain = gain_.data() + plan.begin(l);
        double largest = 0;
        for (std::int32_t k = 0; k < plan.size(l); ++k) largest = std::max(largest, std::abs(gain[k]));
        int exponent = 0;
        std::frexp(largest, &exponent);
        for (std::int32_t k = 0; k < plan.size(l); ++k) {
            gain[k] = std::ldexp(gain[k], -exponent);
            const bool fits = static_cast<double>(static_cast<float>(gain[k])) == gain[k];
            fit_float_ = fit_float_ && (fits || plan.is_nan(l));
            ascending_ = ascending_ && (k == 0 || gain[k - 1] <= gain[k] || plan.is_nan(l));
        }
        if (ideal.empty()) scale_.push_back(std::ldexp(1.0, exponent));
        else
            scale_.push_back(ideal[static_cast<std::size_t>(l)] > 0
                                 ? 1.0 / std::ldexp(ideal[static_cast<std::size_t>(l)], -exponent)
                                 : 0.0);
    }
}

void PairWeights::sort_positions(const Plan& plan) {
    by_position_.resize(static_cast<std::size_t>(plan.n_valid()));
    std::vector<std::int32_t> place;
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        place.assign(static_cast<std::size_t>(plan.lists().end(l) - plan.lists().begin(l)), -1);
        for (std::int32_t k = 0; k < plan.size(l); ++k) place[static_cast<std::size_t>(plan.order(l)[k])] = k;
        std::int32_t* out = by_position_.data() + plan.begin(l);
        for (const std::int32_t k : place)
            if (k >= 0) *out++ = k;
    }
}

}  // namespace rankgrad
