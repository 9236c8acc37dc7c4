// Gathers a list's numbers into label order and scatters the results back.
#include "engine/data/gathered_list.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "engine/data/label_order.hpp"
#include "engine/runtime/isa_dispatch.hpp"

namespace rankgrad {
namespace {

/// Weights may be null, for ones.
double weighted_sum(const double* weight, const double* x, std::int64_t n) {
    constexpr int chains = 8;  // independent sums, which no addition waits for
    double sum[chains] = {};
    const auto add = [&](auto term) {
        std::int64_t k = 0;
        for (; k + chains <= n; k += chains)
            for (int c = 0; c < chains; ++c) sum[c] += term(k + c);
        for (; k < n; ++k) sum[0] += term(k);
    };
    if (weight == nullptr) add([=](std::int64_t k) { return x[k]; });
    else add([=](std::int64_t k) { return weight[k] == 0 ? 0 : weight[k] * x[k]; });  // the value may be infinite
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

/// What sums are left to be multiplied by: a scale that is no number of its own is multiplied in here.
double factor_of(const ScoreUnit::Scale& scale, double* sums, std::int64_t n) {
    if (scale.is_normal()) return scale.number();
    for (std::int64_t k = 0; sums != nullptr && k < n; ++k)  // it may be infinite: nothing times anything is nothing
        if (sums[k] != 0) sums[k] = std::ldexp(sums[k] * scale.factor, scale.exponent);
    return 1.0;
}

template <class From>
void gather_numbers(const From* from, const std::int32_t* order, std::int64_t n, double* out, ItemPart& part) {
    for (std::int64_t k = 0; k < n; ++k) out[k] = static_cast<double>(from[order[k]]);
    part.finite = kernels().double_finite(out, n) && part.finite;
}

}  // namespace

template <class T>
GatheredList::GatheredList(const LossCall<T>& call, const Plan& of_plan, std::int64_t of_list, BoundPairLoss bound,
                           bool short_in_float, ListMemory& of_memory, const Team& of_team)
    : plan(of_plan), list(of_list), loss(bound.kernels), parameters(bound.parameters), mode(call.mode),
      is_float(std::is_same_v<T, float>), has_weights(call.item_weight != nullptr),
      row_weighted(has_weights || call.row_value != nullptr), memory(of_memory), team(of_team), unit(bound.unit),
      in_float_(is_float && short_in_float && unit.fits_float() && n() <= kGatheredBlock) {
    ItemPart all = gather(call);
    const double largest = std::max(-all.low, all.high);
    if (all.finite && in_float_ && largest * unit.factor() > kFloatScore) {
        in_float_ = false;
        all = gather(call);
    }
    if (all.finite && !unit.fits(all.low, all.high, loss.degree)) {
        unit = unit.for_scores(all.low, all.high, loss.degree);
        all = gather(call);
    }
    low = all.low * unit.factor();
    high = all.high * unit.factor();
    parameters.unit = unit.unit();
    finite = all.finite && (call.list_weight == nullptr || std::isfinite(call.list_weight[list]));
}

template <class T> ItemPart GatheredList::gather(const LossCall<T>& call) {
    const std::int64_t base = plan.lists().begin(list);
    const std::int32_t* order = plan.order(list);
    const auto size = static_cast<std::size_t>(n());
    const double factor = unit.factor();
    double* score = padded(memory.score, size);
    float* float_score = in_float_ ? padded(memory.float_score, size) : nullptr;
    double* weight = has_weights ? padded(memory.weight, size) : nullptr;
    double* vector = mode == kHessVector ? padded(memory.vector, size) : nullptr;
    double* sums[] = {with_value(mode) ? padded(memory.value, size) : nullptr,
                      mode != kValue ? padded(memory.grad, size) : nullptr,
                      with_hess(mode) ? padded(memory.hess, size) : nullptr};
    if (has_weights) memory.ones = 0;

    for_parts(team, n(), memory.parts, [&](std::int64_t begin, std::int64_t end, ItemPart& part) {
        if (in_float_) gather_scores(call.scores + base, order + begin, end - begin, factor, float_score + begin, part);
        else gather_scores(call.scores + base, order + begin, end - begin, factor, score + begin, part);
        if (has_weights) gather_numbers(call.item_weight + base, order + begin, end - begin, weight + begin, part);
        if (vector != nullptr) gather_numbers(call.vector + base, order + begin, end - begin, vector + begin, part);
        for (double* sum : sums)
            if (sum != nullptr) std::fill(sum + begin, sum + end, 0.0);
    });
    for (double* numbers : {score, vector, sums[0], sums[1], sums[2]})
        if (numbers != nullptr) std::fill_n(numbers + size, kPadding, 0.0);
    if (in_float_) std::fill_n(float_score + size, kPadding, 0.0f);
    return joined(memory.parts);
}

const double* GatheredList::scores() {
    if (in_float_) std::copy_n(memory.float_score.data(), n(), memory.score.data());
    in_float_ = false;
    return memory.score.data();
}

SumArrays GatheredList::arrays() const {
    return {in_float_ ? memory.float_score.data() : nullptr,
            memory.score.data(),
            weights(),
            mode == kHessVector ? memory.vector.data() : nullptr,
            loss.uses_label_gap ? plan.label_gap(list) : nullptr,
            with_value(mode) ? memory.value.data() : nullptr,
            mode != kValue ? memory.grad.data() : nullptr,
            with_hess(mode) ? memory.hess.data() : nullptr};
}

const double* GatheredList::weights() const {
    double* weight = padded(memory.weight, static_cast<std::size_t>(n()));
    for (; !has_weights && memory.ones < static_cast<std::size_t>(n()); ++memory.ones) weight[memory.ones] = 1.0;
    return weight;
}

PairJob<double> GatheredList::score_job() {
    PairJob<double> job;
    job.row = job.column = scores();
    job.weight = has_weights ? memory.weight.data() : nullptr;
    job.vector = mode == kHessVector ? memory.vector.data() : nullptr;
    job.level_begin = level_begin();
    job.n_levels = n_levels();
    job.row_end = n();
    job.parameters = parameters;
    job.value = with_value(mode) ? memory.value.data() : nullptr;
    job.grad = mode != kValue ? memory.grad.data() : nullptr;
    job.hess = with_hess(mode) ? memory.hess.data() : nullptr;
    return job;
}

void GatheredList::set_nan() {
    for (Buffer<double>* sum : {&memory.value, &memory.grad, &memory.hess})
        std::fill_n(padded(*sum, static_cast<std::size_t>(n())), n(), std::numeric_limits<double>::quiet_NaN());
}

template <class T> double GatheredList::scatter(const LossCall<T>& call) {
    const std::int64_t base = plan.lists().begin(list);
    const std::int32_t* order = plan.order(list);
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    const double all_scale = call.scale * list_weight * scale;
    double* const value = with_value(mode) ? memory.value.data() : nullptr;
    double* const grad = mode != kValue ? memory.grad.data() : nullptr;
    double* const hess = with_hess(mode) ? memory.hess.data() : nullptr;
    const double value_factor = factor_of(unit.of_value(scale, loss.degree), value, n());
    const ScoreUnit::Scale of_hess = unit.of_hess(all_scale);
    const ScoreUnit::Scale of_grad = mode == kHessVector ? of_hess : unit.of_grad(all_scale, loss.degree);
    const double hess_factor = factor_of(of_hess, hess, n());
    const double grad_factor = factor_of(of_grad, grad, n());
    const double* weight = has_weights ? memory.weight.data() : nullptr;
    const bool anywhere = n_levels() > kNearLevels;
    const auto of_list = [&](T* x) { return x == nullptr ? nullptr : x + base; };
    for_parts(team, n(), memory.parts, [&](std::int64_t begin, std::int64_t end, ItemPart& part) {
        if (value != nullptr)
            part.value = weighted_sum(weight == nullptr ? nullptr : weight + begin, value + begin, end - begin);
        if (call.row_value != nullptr) weigh_values(plan, call, list, order, begin, end, value);
        scatter_results(value, order, begin, end, value_factor, kNoLeast, anywhere, of_list(call.row_value));
        scatter_results(grad, order, begin, end, grad_factor, kNoLeast, anywhere, of_list(call.grad));
        scatter_results(hess, order, begin, end, hess_factor, call.min_hessian, anywhere, of_list(call.hess));
    });
    double total = 0;
    for (const ItemPart& part : memory.parts) total += part.value;
    return list_weight == 0 ? 0 : list_weight * (value_factor * total);
}

template GatheredList::GatheredList(const LossCall<float>&, const Plan&, std::int64_t, BoundPairLoss, bool, ListMemory&,
                                    const Team&);
template GatheredList::GatheredList(const LossCall<double>&, const Plan&, std::int64_t, BoundPairLoss, bool,
                                    ListMemory&, const Team&);
template double GatheredList::scatter(const LossCall<float>&);
template double GatheredList::scatter(const LossCall<double>&);

}  // namespace rankgrad
