// One list at a time: gather the scores in label order, choose the arithmetic that is safe for their range, let the kernel
// add up the pairs, scatter the results. Sums of a list depend on that list alone, so threads cannot change a bit.
#include "engine/pairwise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "engine/dispatch.hpp"
#include "engine/errors.hpp"

namespace rankgrad {
namespace {

int find_loss(const std::string& name) {
    const KernelTable& table = kernels();
    for (int k = 0; k < table.pair->count; ++k)
        if (name == table.pair->losses[k].name) return k;
    throw ArgumentError("loss: '" + name + "' is not a registered pairwise loss");
}

}  // namespace

std::vector<std::string> pair_loss_names() {
    std::vector<std::string> names;
    for (int k = 0; k < kernels().pair->count; ++k) names.emplace_back(kernels().pair->losses[k].name);
    return names;
}

Pairwise::Pairwise(PairwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options)
    : loss_(std::move(loss)), loss_index_(find_loss(loss_.name)), plan_([&] {
          const PairLossKernels& kernels_of_loss = kernels().pair->losses[loss_index_];
          options.labels_are_numbers = kernels_of_loss.uses_label_gap;
          options.near_linear_cost = loss_.choice != Choice::direct && has_fast_sums(kernels_of_loss);
          return Plan(std::move(lists), labels, mask, options);
      }()) {
    const PairLossKernels& kernels_of_loss = kernels().pair->losses[loss_index_];
    if (kernels_of_loss.all_pairs) loss_.temperature = 1.0;
    if (kernels_of_loss.expansion != nullptr && loss_.choice != Choice::direct)
        codes_ = LevelCodes(plan_, kFewestTableItems);
}

double Pairwise::pairs(std::int64_t list) const {
    const double m = plan_.size(list);
    return kernels().pair->losses[loss_index_].all_pairs ? m * m : plan_.pairs(list);
}

template <class T> double Pairwise::evaluate(const LossCall<T>& call) const {
    check_scores(plan_, call, loss_.temperature);
    if (!plan_.all_valid())
        for (T* out : {call.row_value, call.grad, call.hess})
            if (out != nullptr) std::fill(out, out + plan_.lists().n_items(), T(0));

    return sum_over_lists(
        plan_, call, pool_,
        [&](std::int64_t list, Scratch& scratch, Team team) { return evaluate_list(call, list, scratch, team); },
        plan_.long_lists());
}

template <class T>
double Pairwise::evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& s, Team team) const {
    const auto n = static_cast<std::size_t>(plan_.size(list));
    if (n == 0) return 0.0;
    if (codes_.level(list) != nullptr && !plan_.is_nan(list)) {
        const PairLossKernels& loss = kernels().pair->losses[loss_index_];
        LevelTableSum<T> sum(plan_, codes_, call, list, s.tables, team);
        if (sum.read() && choose_algorithm(loss_.choice, loss, call.mode,
                                           facts<T>(list, sum.range() / loss_.temperature)) == Algorithm::level_tables)
            return sum.run(loss.expansion[std::is_same_v<T, float> ? 0 : 1], loss_.temperature,
                           call.list_weight == nullptr ? 1.0 : call.list_weight[list], s.expansion);
    }
    const bool finite = gather(call, list, s) && !plan_.is_nan(list);
    const double start = finite ? 0.0 : std::numeric_limits<double>::quiet_NaN();
    for (std::vector<double>* sum : {&s.value, &s.grad, &s.hess}) {
        if (sum == &s.value && !with_value(call.mode)) continue;
        if (sum == &s.grad && call.mode == kValue) continue;
        if (sum == &s.hess && !with_hess(call.mode)) continue;
        std::fill_n(padded(*sum, n), n + kPadding, start);
    }
    if (finite && pairs(list) > 0) sum_pairs(call, list, s, team);
    return scatter(call, list, s);
}

/// Copies the list's numbers in label order. False if one of them is not finite.
template <class T> bool Pairwise::gather(const LossCall<T>& call, std::int64_t list, Scratch& s) const {
    const std::int64_t base = plan_.lists().begin(list);
    const std::int32_t* order = plan_.order(list);
    const auto n = static_cast<std::size_t>(plan_.size(list));
    double* score = padded(s.score, n);
    double low = std::numeric_limits<double>::infinity(), high = -low, bad = 0;
    for (std::size_t k = 0; k < n; ++k) {
        const double x = static_cast<double>(call.scores[base + order[k]]);
        score[k] = x;
        low = x < low ? x : low;
        high = x > high ? x : high;
        bad += x - x;
    }
    std::fill_n(score + n, kPadding, 0.0);
    if (loss_.temperature != 1.0) {
        for (std::size_t k = 0; k < n; ++k) score[k] /= loss_.temperature;
        low /= loss_.temperature;
        high /= loss_.temperature;
    }
    s.low = low;
    s.high = high;
    double* weight = padded(s.weight, n);
    for (std::size_t k = 0; k < n; ++k) {
        weight[k] = call.item_weight == nullptr ? 1.0 : call.item_weight[base + order[k]];
        bad += weight[k] - weight[k];
    }
    if (call.list_weight != nullptr) bad += call.list_weight[list] - call.list_weight[list];
    if (call.mode == kHessVector) {
        double* vector = zeroed(s.vector, n);
        for (std::size_t k = 0; k < n; ++k) {
            vector[k] = static_cast<double>(call.vector[base + order[k]]);
            bad += vector[k] - vector[k];
        }
    }
    return bad == 0;
}

template <class T> double Pairwise::scatter(const LossCall<T>& call, std::int64_t list, const Scratch& s) const {
    const std::int64_t base = plan_.lists().begin(list);
    const std::int32_t* order = plan_.order(list);
    const std::int32_t n = plan_.size(list);
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    const double per_temperature = call.scale * list_weight / loss_.temperature;
    const double per_square = per_temperature / loss_.temperature;
    double total = 0;
    if (with_value(call.mode))
        for (std::int32_t k = 0; k < n; ++k) total += s.weight[k] * s.value[k];
    if (call.row_value != nullptr)
        for (std::int32_t k = 0; k < n; ++k) call.row_value[base + order[k]] = static_cast<T>(s.value[k]);
    if (call.grad != nullptr) {
        const double factor = call.mode == kHessVector ? per_square : per_temperature;
        for (std::int32_t k = 0; k < n; ++k) call.grad[base + order[k]] = static_cast<T>(factor * s.grad[k]);
    }
    if (call.hess != nullptr)
        for (std::int32_t k = 0; k < n; ++k) {
            const double h = per_square * s.hess[k];
            call.hess[base + order[k]] = static_cast<T>(h < call.min_hessian ? call.min_hessian : h);
        }
    return list_weight * total;
}

template double Pairwise::evaluate(const LossCall<float>&) const;
template double Pairwise::evaluate(const LossCall<double>&) const;

}  // namespace rankgrad
