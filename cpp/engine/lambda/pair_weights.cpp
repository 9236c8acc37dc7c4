// Gains, ideal DCG and discounts: all that does not depend on the scores.
#include "engine/lambda/pair_weights.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include "engine/data/list_runs.hpp"
#include "engine/runtime/errors.hpp"
#include "engine/runtime/isa_dispatch.hpp"

namespace rankgrad {
namespace {

/// Products with larger gains are normal numbers in float, too.
constexpr double kLeastFloatGain = 1e-15;
/// What gains that no float holds are brought to: room for values above, and for small gains below.
constexpr double kHugeGain = 0x1p40;

/// Room for a number of each valid item.
Room<double> room_for(const Plan& plan) {
    Room<double> room;
    std::fill_n(room.of(plan.n_valid()) + plan.n_valid(), kPadding, 0.0);
    return room;
}

/// Calls body(list) for all lists.
template <class Body> void for_lists(const Plan& plan, const Crew& crew, Body body) {
    ListRuns(plan.lists()).for_each(crew, [&](const ListRun& run, int, const Team& team) {
        for (std::int64_t l = run.begin; l < run.end; ++l) body(l, team);
    });
}

/// The gains of a table.
Room<double> table_gains(const Plan& plan, const std::vector<double>& table, const Crew& crew) {
    const Gain gain{Gain::kTable, table.data(), static_cast<std::int64_t>(table.size())};
    Room<double> gains = room_for(plan);
    for_items(crew, plan.n_valid(), [&](std::int64_t begin, std::int64_t end) {
        std::transform(plan.label(0) + begin, plan.label(0) + end, gains.data() + begin, gain);
    });
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        double* const of_list = gains.data() + plan.begin(l);
        if (plan.is_nan(l)) std::fill_n(of_list, plan.size(l), 0.0);
        if (kernels().double_finite(of_list, plan.size(l))) continue;
        const auto k = static_cast<std::int32_t>(
            std::find_if_not(of_list, of_list + plan.size(l), [](double g) { return std::isfinite(g); }) - of_list);
        throw ArgumentError("labels (y_true): " + plan.lists().place(plan.item(l, k)) + gain.fault(plan.label(l)[k]));
    }
    return gains;
}

/// What has the differences of 2^y. Powers of whole labels are exact, in float too. Others are gains 2^y - 1, which
/// keep the differences of labels as small as 1e-300, or, where that is near -1 for all labels, powers relative to the
/// largest.
Room<double> powers(const Plan& plan, const Crew& crew) {
    Room<double> powers = room_for(plan);
    for_lists(plan, crew, [&](std::int64_t l, const Team& team) {
        const double* const label = plan.label(l);
        double* const out = powers.data() + plan.begin(l);
        const std::int32_t n = plan.size(l);
        const bool whole = std::all_of(label, label + n, [](double y) { return y == std::floor(y); });
        const bool gains = std::any_of(label, label + n, [](double y) { return y >= 0; });
        const double top = n == 0 || gains ? 0 : *std::max_element(label, label + n), scale = std::exp2(top);
        for_items(team, n, [=](std::int64_t begin, std::int64_t end) {
            for (std::int64_t k = begin; k < end; ++k)
                out[k] = whole ? std::exp2(label[k]) : scale * exp2_gain(label[k] - top);
        });
    });
    return powers;
}

/// Labels as far as their differences are wanted.
Room<double> label_gaps(const Plan& plan) {
    Room<double> gaps = room_for(plan);
    std::copy_n(plan.label_gap(0), plan.n_valid(), gaps.data());
    return gaps;
}

}  // namespace

PairWeights::PairWeights(const PairWeightOptions& options, const Plan& plan, const Crew& crew)
    : form_(options.form), ranked_(options.ranked), truncation_(options.truncation) {
    if (!any()) return;
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) plan_begin_.push_back(plan.begin(l));
    if (ranked()) {
        discount_ = discounts(plan.longest(), static_cast<double>(options.cutoff), crew);
    } else {
        std::fill_n(discount_.of(plan.longest()), plan.longest(), 0.0);
    }
    make_gains(options, plan, crew);
    sort_positions(plan, crew);
}

void PairWeights::make_gains(const PairWeightOptions& options, const Plan& plan, const Crew& crew) {
    const bool exp2 = ranked() && options.gain == Gain::kExp2;
    const bool table = ranked() && options.gain == Gain::kTable;
    Room<double> metric = table ? table_gains(plan, options.gain_table, crew)
                                : make_targets(plan, exp2 ? Target::kExp2Gain : Target::kLinearGain, crew);
    IdealSums ideal;
    if (ranked() && options.normalize)
        ideal = ideal_sums(plan, metric.data(), static_cast<double>(options.cutoff), discount_.data(), crew);
    gain_ = exp2 ? powers(plan, crew) : table ? std::move(metric) : label_gaps(plan);
    scale_gains(plan, ideal, crew);
}

/// Weights that overflow are the largest number there is: times a difference of 0 they are nothing.
void PairWeights::scale_gains(const Plan& plan, const IdealSums& ideal, const Crew& crew) {
    constexpr double most = std::numeric_limits<double>::max();
    std::atomic<bool> fit{true}, ascending{true};
    scale_.resize(static_cast<std::size_t>(plan.lists().count()));
    for_lists(plan, crew, [&](std::int64_t l, const Team&) {
        double* const gain = gain_.data() + plan.begin(l);
        const std::int32_t n = plan.size(l);
        // At most 1, as float wants them; a huge gain leaves room for small ones below and for values above.
        const double largest = largest_size(gain, n);
        const double unit = unit_scale(largest) * (largest > 0x1p500 ? kHugeGain : 1.0);
        bool all_fit = true;
        for (std::int32_t k = 0; k < n; ++k) {
            gain[k] *= unit;
            const bool fits = static_cast<double>(static_cast<float>(gain[k])) == gain[k] &&
                              (gain[k] == 0 || std::abs(gain[k]) >= kLeastFloatGain);
            all_fit = all_fit && fits;
        }
        if (!plan.is_nan(l) && !all_fit) fit.store(false, std::memory_order_relaxed);
        if (!plan.is_nan(l) && !std::is_sorted(gain, gain + n)) ascending.store(false, std::memory_order_relaxed);
        const auto list = static_cast<std::size_t>(l);
        if (ideal.sum.empty()) scale_[list] = 1.0 / unit;
        else scale_[list] = ideal.sum[list] > 0 ? std::min(ideal.scale[list] / unit / ideal.sum[list], most) : 0.0;
    });
    fit_float_ = fit.load();
    ascending_ = ascending.load();
}

void PairWeights::sort_positions(const Plan& plan, const Crew& crew) {
    std::int32_t* const by_position = by_position_.of(plan.n_valid());
    for_lists(plan, crew, [&](std::int64_t l, const Team& team) {
        const std::int32_t n = plan.size(l), *const order = plan.order(l);
        std::int32_t* const out = by_position + plan.begin(l);
        if (n == plan.lists().end(l) - plan.lists().begin(l))
            return for_items(team, n, [=](std::int64_t begin, std::int64_t end) {
                for (auto k = static_cast<std::int32_t>(begin); k < end; ++k) out[order[k]] = k;
            });
        std::vector<std::int32_t> place(static_cast<std::size_t>(plan.lists().end(l) - plan.lists().begin(l)), -1);
        for (std::int32_t k = 0; k < n; ++k) place[static_cast<std::size_t>(order[k])] = k;
        std::copy_if(place.begin(), place.end(), out, [](std::int32_t k) { return k >= 0; });
    });
}

}  // namespace rankgrad
