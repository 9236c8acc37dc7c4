// Gains, ideal DCG and discounts: all that does not depend on the scores.
#include "engine/lambda/pair_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "engine/runtime/errors.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {
namespace {

/// Products with larger gains are normal numbers in float, too.
constexpr double kLeastFloatGain = 1e-15;
/// What gains that no float holds are brought to: room for values above, and for small gains below.
constexpr double kHugeGain = 0x1p40;

/// The gains of a table.
std::vector<double> table_gains(const Plan& plan, const std::vector<double>& table) {
    const Gain gain{Gain::kTable, table.data(), static_cast<std::int64_t>(table.size())};
    std::vector<double> gains(static_cast<std::size_t>(plan.n_valid()) + kPadding);
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        for (std::int32_t k = 0; k < plan.size(l) && !plan.is_nan(l); ++k) {
            const double y = plan.label(l)[k], g = gain(y);
            if (!std::isfinite(g))
                throw ArgumentError("labels (y_true): " + plan.lists().place(plan.item(l, k)) + gain.fault(y));
            gains[static_cast<std::size_t>(plan.begin(l) + k)] = g;
        }
    }
    return gains;
}

/// What has the differences of 2^y. Powers of whole labels are exact, in float too. Others are gains 2^y - 1, which
/// keep the differences of labels as small as 1e-300, or, where that is near -1 for all labels, powers relative to the
/// largest.
std::vector<double> powers(const Plan& plan) {
    std::vector<double> out(static_cast<std::size_t>(plan.n_valid()) + kPadding);
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        const double* const label = plan.label(l);
        const std::int32_t n = plan.size(l);
        const bool whole = std::all_of(label, label + n, [](double y) { return y == std::floor(y); });
        const bool gains = std::any_of(label, label + n, [](double y) { return y >= 0; });
        const double top = n == 0 || gains ? 0 : *std::max_element(label, label + n), scale = std::exp2(top);
        for (std::int32_t k = 0; k < n; ++k)
            out[static_cast<std::size_t>(plan.begin(l) + k)] =
                whole ? std::exp2(label[k]) : scale * exp2_gain(label[k] - top);
    }
    return out;
}

/// Labels as far as their differences are wanted.
std::vector<double> label_gaps(const Plan& plan) {
    std::vector<double> gaps(static_cast<std::size_t>(plan.n_valid()) + kPadding);
    for (std::int64_t l = 0; l < plan.lists().count(); ++l)
        std::copy_n(plan.label_gap(l), plan.size(l), gaps.data() + plan.begin(l));
    return gaps;
}

}  // namespace

PairWeights::PairWeights(const PairWeightOptions& options, const Plan& plan)
    : form_(options.form), ranked_(options.ranked), truncation_(options.truncation) {
    if (!any()) return;
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) plan_begin_.push_back(plan.begin(l));
    make_gains(options, plan);
    sort_positions(plan);
    for (std::int32_t r = 0; r < plan.longest(); ++r)
        discount_.push_back(ranked() && (options.cutoff == 0 || r < options.cutoff) ? discount_of(r) : 0.0);
}

void PairWeights::make_gains(const PairWeightOptions& options, const Plan& plan) {
    const bool exp2 = ranked() && options.gain == Gain::kExp2;
    const bool table = ranked() && options.gain == Gain::kTable;
    const std::vector<double> metric = table ? table_gains(plan, options.gain_table)
                                             : make_targets(plan, exp2 ? Target::kExp2Gain : Target::kLinearGain);
    const bool normalize = ranked() && options.normalize;
    gain_ = exp2 ? powers(plan) : table ? metric : label_gaps(plan);
    scale_gains(plan, normalize ? ideal_sums(plan, metric, static_cast<double>(options.cutoff)) : IdealSums());
}

/// Weights that overflow are the largest number there is: times a difference of 0 they are nothing.
void PairWeights::scale_gains(const Plan& plan, const IdealSums& ideal) {
    constexpr double most = std::numeric_limits<double>::max();
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        double* gain = gain_.data() + plan.begin(l);
        // At most 1, as float wants them; a huge gain leaves room for small ones below and for values above.
        const double largest = largest_size(gain, plan.size(l));
        const double unit = unit_scale(largest) * (largest > 0x1p500 ? kHugeGain : 1.0);
        for (std::int32_t k = 0; k < plan.size(l); ++k) {
            gain[k] *= unit;
            const bool fits = static_cast<double>(static_cast<float>(gain[k])) == gain[k] &&
                              (gain[k] == 0 || std::abs(gain[k]) >= kLeastFloatGain);
            fit_float_ = fit_float_ && (fits || plan.is_nan(l));
            ascending_ = ascending_ && (k == 0 || gain[k - 1] <= gain[k] || plan.is_nan(l));
        }
        const auto list = static_cast<std::size_t>(l);
        if (ideal.sum.empty()) scale_.push_back(1.0 / unit);
        else scale_.push_back(ideal.sum[list] > 0 ? std::min(ideal.scale[list] / unit / ideal.sum[list], most) : 0.0);
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
