// The way of a list's numbers into label order, and of its results back.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/data/parts.hpp"
#include "engine/data/windows.hpp"
#include "engine/data/label_order.hpp"
#include "engine/pairwise/pairwise.hpp"

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

/// Copies the list's numbers in label order, and clears its sums.
template <class T>
ItemPart Pairwise::gather_items(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const std::int64_t base = plan_.lists().begin(list), n = plan_.size(list);
    const std::int32_t* order = plan_.order(list);
    const auto size = static_cast<std::size_t>(n);
    const double factor = s.unit.factor();
    double* score = padded(s.score, size);
    float* float_score = s.in_float ? padded(s.float_score, size) : nullptr;
    double* weight = padded(s.weight, size);
    double* vector = call.mode == kHessVector ? padded(s.vector, size) : nullptr;
    double* sums[] = {with_value(call.mode) ? padded(s.value, size) : nullptr,
                      call.mode != kValue ? padded(s.grad, size) : nullptr,
                      with_hess(call.mode) ? padded(s.hess, size) : nullptr};
    if (call.item_weight != nullptr) s.ones = 0;
    for (; call.item_weight == nullptr && s.ones < size; ++s.ones) weight[s.ones] = 1.0;

    for_parts(team, n, s.parts, [&](std::int64_t begin, std::int64_t end, ItemPart& part) {
        if (s.in_float)
            gather_scores(call.scores + base, order + begin, end - begin, factor, float_score + begin, part);
        else gather_scores(call.scores + base, order + begin, end - begin, factor, score + begin, part);
        if (call.item_weight != nullptr)
            gather_numbers(call.item_weight + base, order + begin, end - begin, weight + begin, part);
        if (vector != nullptr) gather_numbers(call.vector + base, order + begin, end - begin, vector + begin, part);
        for (double* sum : sums)
            if (sum != nullptr) std::fill(sum + begin, sum + end, 0.0);
    });
    for (double* numbers : {score, vector, sums[0], sums[1], sums[2]})
        if (numbers != nullptr) std::fill_n(numbers + n, kPadding, 0.0);
    if (s.in_float) std::fill_n(float_score + n, kPadding, 0.0f);
    return joined(s.parts);
}

/// The list's numbers in a unit in which differences of its scores fit. False if a number is not finite.
template <class T>
bool Pairwise::gather(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    s.unit = unit_;
    s.pair_scale = 1;
    s.in_float =
        std::is_same_v<T, float> && unit_.fits_float() && !weights_.any() && plan_.size(list) <= kGatheredBlock;
    ItemPart all = gather_items(call, list, s, team);
    const int degree = kernels().pair->losses[loss_index_].degree;
    const double largest = std::max(-all.low, all.high);
    if (all.finite && s.in_float && largest * s.unit.factor() > kFloatScore) {
        s.in_float = false;
        all = gather_items(call, list, s, team);
    }
    if (all.finite && !s.unit.fits(all.low, all.high, degree)) {
        s.unit = unit_.for_scores(all.low, all.high, degree);
        all = gather_items(call, list, s, team);
    }
    s.low = all.low * s.unit.factor();
    s.high = all.high * s.unit.factor();
    return all.finite && (call.list_weight == nullptr || std::isfinite(call.list_weight[list]));
}

template <class T>
double Pairwise::scatter(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const std::int64_t base = plan_.lists().begin(list), n = plan_.size(list);
    const std::int32_t* order = plan_.order(list);
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    const int degree = kernels().pair->losses[loss_index_].degree;
    const double scale = call.scale * list_weight * s.pair_scale;
    const double value_factor =
        factor_of(s.unit.of_value(s.pair_scale, degree), with_value(call.mode) ? s.value.data() : nullptr, n);
    const ScoreUnit::Scale of_hess = s.unit.of_hess(scale);
    const ScoreUnit::Scale of_grad = call.mode == kHessVector ? of_hess : s.unit.of_grad(scale, degree);
    const double hess_factor = factor_of(of_hess, with_hess(call.mode) ? s.hess.data() : nullptr, n);
    const double grad_factor = factor_of(of_grad, call.mode == kValue ? nullptr : s.grad.data(), n);
    double* value = s.value.data();
    const double *grad = s.grad.data(), *hess = s.hess.data();
    const double* weight = call.item_weight == nullptr ? nullptr : s.weight.data();
    const bool anywhere = plan_.n_levels(list) > kWindowLevels;
    const auto of_list = [&](T* x) { return x == nullptr ? nullptr : x + base; };
    for_parts(team, n, s.parts, [&](std::int64_t begin, std::int64_t end, ItemPart& part) {
        if (with_value(call.mode))
            part.value = weighted_sum(weight == nullptr ? nullptr : weight + begin, value + begin, end - begin);
        if (call.row_value != nullptr) weigh_values(plan_, call, list, order, begin, end, value);
        scatter_results(value, order, begin, end, value_factor, kNoLeast, anywhere, of_list(call.row_value));
        scatter_results(grad, order, begin, end, grad_factor, kNoLeast, anywhere, of_list(call.grad));
        scatter_results(hess, order, begin, end, hess_factor, call.min_hessian, anywhere, of_list(call.hess));
    });
    double total = 0;
    for (const ItemPart& part : s.parts) total += part.value;
    return list_weight == 0 ? 0 : list_weight * (value_factor * total);
}

template bool Pairwise::gather(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template bool Pairwise::gather(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;
template double Pairwise::scatter(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template double Pairwise::scatter(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;

}  // namespace rankgrad
