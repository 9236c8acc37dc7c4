// One list at a time: gather the scores in label order, choose the arithmetic that is safe for their range, let the kernel
// add up the pairs, scatter the results. Sums of a list depend on that list alone, so threads cannot change a bit.
#include "engine/pairwise/pairwise.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/settings/loss_names.hpp"

namespace rankgrad {
namespace {

/// The square of a temperature, and one divided by it, are normal numbers: level tables do not take a unit apart.
constexpr double kLeastTemperature = 1e-150;

}  // namespace

Pairwise::Pairwise(PairwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options)
    : loss_(std::move(loss)), loss_index_(find_loss(*kernels().pair, loss_.name)), plan_([&] {
          const PairLossKernels& kernels_of_loss = kernels().pair->losses[loss_index_];
          options.labels_are_numbers = kernels_of_loss.uses_label_gap || loss_.weight.kind != PairWeightOptions::kNone;
          options.near_linear_cost = loss_.choice != Choice::direct && has_fast_sums(kernels_of_loss);
          return Plan(std::move(lists), labels, mask, options);
      }()),
      weights_(loss_.weight, plan_) {
    const PairLossKernels& kernels_of_loss = kernels().pair->losses[loss_index_];
    if (kernels_of_loss.all_pairs) loss_.temperature = 1.0;
    unit_ = ScoreUnit(loss_.temperature);
    if (weights_.any()) return;
    std::vector<std::int64_t> with_codes;
    for (std::int64_t l = 0; l < plan_.lists().count(); ++l)
        if (plan_.n_levels(l) <= kMostCodes && may_take_tables(loss_.choice, kernels_of_loss, facts<double>(l, 0)))
            with_codes.push_back(l);
    codes_ = LevelCodes(plan_, with_codes);
}

double Pairwise::pairs(std::int64_t list) const {
    const double m = plan_.size(list);
    return kernels().pair->losses[loss_index_].all_pairs ? m * m : plan_.pairs(list);
}

template <class T> double Pairwise::evaluate(const LossCall<T>& call) const {
    if (!reads_all_first()) check_finite(plan_, call);
    if (!plan_.all_valid())
        for (T* out : {call.row_value, call.grad, call.hess})
            if (out != nullptr) std::fill(out, out + plan_.lists().n_items(), T(0));

    return sum_over_lists(
        plan_, call, pool_,
        [&](std::int64_t list, Scratch& scratch, const Team& team) { return evaluate_list(call, list, scratch, team); },
        plan_.long_lists());
}

template <class T>
double Pairwise::evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const auto n = static_cast<std::size_t>(plan_.size(list));
    if (n == 0) return 0.0;
    const bool moderate = loss_.temperature >= kLeastTemperature && loss_.temperature <= 1 / kLeastTemperature;
    if (codes_.level(list) != nullptr && moderate && !plan_.is_nan(list)) {
        const PairLossKernels& loss = kernels().pair->losses[loss_index_];
        LevelTableSum<T> sum(plan_, codes_, call, list, s.tables, team);
        if (sum.read() &&
            choose_algorithm(loss_.choice, loss, call.mode,
                             facts<T>(list, sum.range() / loss_.temperature, call.mode)) == Algorithm::level_tables)
            return sum.run(loss.expansion[std::is_same_v<T, float> ? 0 : 1], loss_.temperature,
                           call.list_weight == nullptr ? 1.0 : call.list_weight[list], s.expansion);
    }
    double value = 0;
    if (is_counted(call, list) && count(call, list, s, team, value)) return value;
    if (!gather(call, list, s, team) || plan_.is_nan(list)) {
        if (reads_all_first()) check_finite(plan_, call);
        for (Buffer<double>* sum : {&s.value, &s.grad, &s.hess})
            std::fill_n(padded(*sum, n), n, std::numeric_limits<double>::quiet_NaN());
    } else if (pairs(list) > 0) {
        sum_pairs(call, list, s, team);
        if (kernels().pair->losses[loss_index_].exponential) sum_overflowed_pairs(call, list, s, team);
    }
    return scatter(call, list, s, team);
}

template double Pairwise::evaluate(const LossCall<float>&) const;
template double Pairwise::evaluate(const LossCall<double>&) const;

}  // namespace rankgrad
