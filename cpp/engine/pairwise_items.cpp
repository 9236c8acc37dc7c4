// The way of a list's numbers into label order, and of its results back.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/dispatch.hpp"
#include "engine/item_parts.hpp"
#include "engine/item_windows.hpp"
#include "engine/label_order.hpp"
#include "engine/pairwise.hpp"

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
    else add([=](std::int64_t k) { return weight[k] * x[k]; });
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

template <class From>
void gather_numbers(const From* from, const std::int32_t* order, std::int64_t n, double* out, ItemPart& part) {
    for (std::int64_t k = 0; k < n; ++k) out[k] = static_cast<double>(from[order[k]]);
    part.finite = kernels().double_finite(out, n) && part.finite;
}

}  // namespace

/// Copies the list's numbers in label order, and clears its sums. False if a number is not finite.
template <class T>
bool Pairwise::gather(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const std::int64_t base = plan_.lists().begin(list), n = plan_.size(list);
    const std::int32_t* order = plan_.order(list);
    const auto size = static_cast<std::size_t>(n);
    s.in_float = std::is_same_v<T, float> && loss_.temperature == 1.0 && !weights_.any() && n <= kGatheredBlock;
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
        if (s.in_float) gather_scores(call.scores + base, order + begin, end - begin, 1.0, float_score + begin, part);
        else gather_scores(call.scores + base, order + begin, end - begin, loss_.temperature, score + begin, part);
        if (call.item_weight != nullptr)
            gather_numbers(call.item_weight + base, order + begin, end - begin, weight + begin, part);
        if (vector != nullptr) gather_numbers(call.vector + base, order + begin, end - begin, vector + begin, part);
        for (double* sum : sums)
            if (sum != nullptr) std::fill(sum + begin, sum + end, 0.0);
    });
    for (double* numbers : {score, vector, sums[0], sums[1], sums[2]})
        if (numbers != nullptr) std::fill_n(numbers + n, kPadding, 0.0);
    if (s.in_float) std::fill_n(float_score + n, kPadding, 0.0f);
    const ItemPart all = joined(s.parts);
    s.low = all.low / loss_.temperature;
    s.high = all.high / loss_.temperature;
    return all.finite && (call.list_weight == nullptr || std::isfinite(call.list_weight[list]));
}

template <class T>
double Pairwise::scatter(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const std::int64_t base = plan_.lists().begin(list), n = plan_.size(list);
    const std::int32_t* order = plan_.order(list);
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    const double per_temperature = call.scale * list_weight / loss_.temperature;
    const double per_square = per_temperature / loss_.temperature;
    const double grad_factor = call.mode == kHessVector ? per_square : per_temperature;
    double* value = s.value.data();
    const double *grad = s.grad.data(), *hess = s.hess.data();
    const double* weight = call.item_weight == nullptr ? nullptr : s.weight.data();
    const bool anywhere = plan_.n_levels(list) > kWindowLevels;
    const auto of_list = [&](T* x) { return x == nullptr ? nullptr : x + base; };
    for_parts(team, n, s.parts, [&](std::int64_t begin, std::int64_t end, ItemPart& part) {
        if (with_value(call.mode))
            part.value = weighted_sum(weight == nullptr ? nullptr : weight + begin, value + begin, end - begin);
        if (call.row_value != nullptr) weigh_values(plan_, call, list, order, begin, end, value);
        scatter_results(value, order, begin, end, 1.0, kNoLeast, anywhere, of_list(call.row_value));
        scatter_results(grad, order, begin, end, grad_factor, kNoLeast, anywhere, of_list(call.grad));
        scatter_results(hess, order, begin, end, per_square, call.min_hessian, anywhere, of_list(call.hess));
    });
    double total = 0;
    for (const ItemPart& part : s.parts) total += part.value;
    return list_weight * total;
}

template bool Pairwise::gather(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template bool Pairwise::gather(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;
template double Pairwise::scatter(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template double Pairwise::scatter(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;

}  // namespace rankgrad
