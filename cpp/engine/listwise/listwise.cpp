// One list at a time: copy or gather the scores, choose the arithmetic from their range, call the kernel, write back.
#include "engine/listwise/listwise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/settings/loss_names.hpp"
#include "engine/data/gains.hpp"
#include "engine/runtime/parts.hpp"
#include "engine/listwise/magnitudes.hpp"

namespace rankgrad {
namespace {

PlanOptions options_for(const ListLossKernels& kernel, const ListwiseLoss& loss, PlanOptions options) {
    options.order = kernel.order;
    options.quadratic_cost = kernel.rank_based;
    options.near_linear_cost = kernel.rank_based && loss.choice != Choice::direct;
    options.labels_are_numbers = loss.target != Target::kOne;
    return options;
}

/// The numbers times a power of two, by parts; `to` may be `from`.
template <class T> void widen(const T* from, std::int32_t n, double factor, double* to, const Team& team) {
    if (std::is_same_v<T, double> && factor == 1) return;
    team.run(count_parts(n), [&](std::int64_t part) {
        for (std::int64_t k = part_begin(n, part); k < part_begin(n, part + 1); ++k)
            to[k] = static_cast<double>(from[k]) * factor;
    });
}

/// The largest absolute number; NaN if one of them is not finite.
template <class Number> double largest(std::int32_t n, Number number) {
    double most = 0, bad = 0;
    for (std::int32_t k = 0; k < n; ++k) {
        const double x = number(k);
        most = std::max(most, std::abs(x));
        bad += x - x;
    }
    return most + bad;
}

/// Of a run of lists: the largest target, or label; whether float holds the targets, to the last bit; whether none is
/// so small or large that products lose digits.
struct LookedAt {
    double largest = 0;
    bool same = true, fit = true;
};

/// Whether float holds the numbers, and no product of them loses digits, as the facts tell.
bool all_fit_float(const NumberFacts& facts) {
    return facts.finite && facts.whole && std::max(-facts.low, facts.high) <= 0x1p20;
}

void compare(const double* x, const float* single, std::int32_t n, LookedAt& all) {
    for (std::int32_t k = 0; k < n; ++k) {
        all.same = all.same && static_cast<double>(single[k]) == x[k];
        all.fit = all.fit && fits_float(std::abs(x[k]));
    }
}

}  // namespace

Listwise::Listwise(ListwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options)
    : loss_(std::move(loss)), loss_index_(find_loss(*kernels().list, loss_.name)),
      plan_(std::move(lists), labels, mask, options_for(kernel(), loss_, options)),
      target_(loss_.target == Target::kLabel && !kernel().rank_based ? Room<double>()
                                                                     : make_targets(plan_, loss_.target, options.crew)),
      per_temperature_(1 / loss_.temperature) {
    if (kernel().rank_based) scale_by_ideal(options.crew);
    look_at_targets(options.crew);
}

/// Targets of a list and their ideal sum in one scale, in which sums of them are finite.
void Listwise::scale_by_ideal(const Crew& crew) {
    const double cutoff = parameter(kCutoff);
    const Room<double> discount = discounts(plan_.longest(), cutoff, crew);
    IdealSums ideal = ideal_sums(plan_, target_.data(), cutoff, discount.data(), crew);
    for (std::int64_t l = 0; l < plan_.lists().count(); ++l) {
        const double scale = ideal.scale[static_cast<std::size_t>(l)];
        for (std::int64_t k = plan_.begin(l); scale != 1 && k < plan_.begin(l + 1); ++k) target_.data()[k] *= scale;
    }
    ideal_ = std::move(ideal.sum);
}

/// How large they are, and what they are in float.
void Listwise::look_at_targets(const Crew& crew) {
    const bool in_float = kernel().float_sum[kValue] != nullptr, splits = kernel().splits_target;
    const double* const target = targets();
    const double* const sized = loss_.target == Target::kNormalizedLabel ? plan_.label(0) : target;
    float* const single = in_float ? float_target_.of(plan_.n_valid()) : nullptr;
    if (in_float) std::fill_n(single + plan_.n_valid(), kPadding, 0.0f);
    if (splits) target_sums_.resize(static_cast<std::size_t>(plan_.lists().count()));
    if (splits) float_sums_.resize(target_sums_.size());
    const ListRuns runs(plan_.lists());
    std::vector<LookedAt> looked_at(static_cast<std::size_t>(runs.count()));
    runs.for_each(crew, [&](const ListRun& run, int, const Team&) {
        LookedAt& all = looked_at[static_cast<std::size_t>(run.index)];
        for (std::int64_t l = run.begin; l < run.end; ++l) {
            const std::int64_t begin = plan_.begin(l);
            const std::int32_t n = plan_.size(l);
            if (n == 0) continue;
            const NumberFacts facts = kernels().look_at(target + begin, n);
            const bool are_sized = sized == target && facts.finite;
            const double largest = are_sized ? std::max(-facts.low, facts.high) : largest_size(sized + begin, n);
            if (!plan_.is_nan(l)) all.largest = std::max(all.largest, largest);
            for (std::int32_t k = 0; in_float && k < n; ++k) single[begin + k] = static_cast<float>(target[begin + k]);
            if (in_float && !all_fit_float(facts)) compare(target + begin, single + begin, n, all);
            if (!splits) continue;
            SplitSum& sum = target_sums_[static_cast<std::size_t>(l)] = split_sum(target + begin, n, facts);
            float_sums_[static_cast<std::size_t>(l)] = all.same ? sum : split_sum(single + begin, n);
        }
    });
    for (const LookedAt& of : looked_at) {
        largest_target_ = std::max(largest_target_, of.largest);
        targets_fit_float_ = targets_fit_float_ && of.fit;
        floats_are_targets_ = floats_are_targets_ && of.same;
    }
}

/// 0 if the loss has none of this kind.
double Listwise::parameter(ParameterRole role) const {
    for (int k = 0; k < kMostParameters; ++k)
        if (kernel().parameters[k].role == role) return loss_.parameters[k];
    return 0;
}

const ListLossKernels& Listwise::kernel() const { return kernels().list->losses[loss_index_]; }

bool Listwise::values_per_item() const { return kernel().per_item; }

double Listwise::pairs(std::int64_t /*list*/) const {
    throw ArgumentError("loss: '" + loss_.name + "' has no pairs of items to count");
}

template <class T> double Listwise::evaluate(const LossCall<T>& call) const {
    check_finite(plan_, call);
    const std::int64_t n = plan_.lists().n_items();
    if (!plan_.all_valid()) {
        for (T* out : {call.grad, call.hess, values_per_item() ? call.row_value : nullptr})
            if (out != nullptr) std::fill(out, out + n, T(0));
    }
    const auto value_of = [&](std::int64_t list, Scratch& s, const Team& team) {
        const double value = evaluate_list(call, list, s, team);
        if (call.row_value != nullptr && !values_per_item())
            call.row_value[list] = static_cast<T>(weighed(call.of_value.list(list), value));
        return call.list_weight == nullptr ? value : weighed(call.list_weight[list], value);
    };
    return sum_over_lists(plan_, call, pool_, value_of, plan_.long_lists());
}

template <class T>
double Listwise::evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const std::int32_t n = plan_.size(list);
    if (n == 0) return 0;
    T* score = padded(s.template buffers<T>().score, static_cast<std::size_t>(n));
    const T* from = score;
    if (plan_.in_place(list)) from = call.scores + plan_.lists().begin(list);
    else plan_.gather(list, call.scores, score);
    T low, high;
    const Sizes of = sizes(call, list);
    // Looked at again in our own copy: the caller's memory may have changed since the check.
    if (!copy_scores(from, n, score, &low, &high) || plan_.is_nan(list) || !of.finite()) {
        fill(call, list, std::numeric_limits<T>::quiet_NaN());
        return std::numeric_limits<double>::quiet_NaN();
    }
    const double bottom = static_cast<double>(low), top = static_cast<double>(high);
    if constexpr (std::is_same_v<T, float>) {
        const double size = values_per_item() ? std::max(std::abs(bottom), std::abs(top)) : top - bottom;
        if (fits_floats(call, list, size, of)) {
            ListJob<float> job;
            job.low = low;
            job.high = high;
            return sum_list(call, list, job, of, s, team);
        }
    }
    const MarginUnits units = values_per_item() ? MarginUnits{} : margin_units(bottom, top, loss_.temperature);
    widen(score, n, units.factor, padded(s.twice.score, static_cast<std::size_t>(n)), team);
    ListJob<double> job;
    job.low = bottom * units.factor;
    job.high = top * units.factor;
    job.temperature = loss_.temperature;
    job.per_temperature = units.per_temperature;
    return sum_list(call, list, job, of, s, team);
}

template <class T> Listwise::Sizes Listwise::sizes(const LossCall<T>& call, std::int64_t list) const {
    const std::int32_t n = plan_.size(list);
    Sizes sizes;
    if (call.list_weight != nullptr) sizes.list_weight = largest(1, [&](auto) { return call.list_weight[list]; });
    if (call.item_weight != nullptr)
        sizes.item_weight = largest(n, [&](std::int32_t k) { return call.item_weight[plan_.item(list, k)]; });
    if (call.mode == kHessVector)
        sizes.vector =
            largest(n, [&](std::int32_t k) { return static_cast<double>(call.vector[plan_.item(list, k)]); });
    return sizes;
}

/// Whether float arithmetic serves: each number, and what is made of it, is of modest size.
template <class T>
bool Listwise::fits_floats(const LossCall<T>& call, std::int64_t list, double score, const Sizes& sizes) const {
    const ListLossKernels& loss = kernel();
    if (loss_.temperature != 1 || !(score <= loss.float_range) || !targets_fit_float_) return false;
    for (std::int32_t k = 0; call.item_weight != nullptr && k < plan_.size(list); ++k)
        if (!fits_float(std::abs(call.item_weight[plan_.item(list, k)]))) return false;
    return (floats_are_targets_ || !loss.per_item) && fits_float(sizes.item_weight) &&
           fits_float(largest_target_ * sizes.item_weight) && fits_float(sizes.vector) &&
           fits_float(std::abs(parameter(kFactorOfTerm))) && fits_float(std::abs(call.scale) * sizes.list_weight);
}

/// The same number for all results of a list.
template <class T> void Listwise::fill(const LossCall<T>& call, std::int64_t list, T number) const {
    for (std::int32_t k = 0; k < plan_.size(list); ++k) {
        const std::int64_t item = plan_.item(list, k);
        if (call.row_value != nullptr && values_per_item()) call.row_value[item] = number;
        if (call.grad != nullptr) call.grad[item] = number;
        if (call.hess != nullptr) call.hess[item] = std::max(number, static_cast<T>(call.min_hessian));  // NaN stays
    }
}

template void Listwise::fill(const LossCall<float>&, std::int64_t, float) const;
template void Listwise::fill(const LossCall<double>&, std::int64_t, double) const;
template double Listwise::evaluate(const LossCall<float>&) const;
template double Listwise::evaluate(const LossCall<double>&) const;

}  // namespace rankgrad
