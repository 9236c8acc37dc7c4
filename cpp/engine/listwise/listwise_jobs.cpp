// What the kernels of a listwise or pointwise loss are given for one list, and what becomes of their results.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/listwise/listwise.hpp"
#include "engine/listwise/magnitudes.hpp"

namespace rankgrad {
namespace {

/// Multiplies numbers by a power of two that a list seldom has.
template <class P> void take_out(int exponent, std::int32_t n, P* x) {
    for (std::int32_t k = 0; exponent != 0 && k < n; ++k)
        x[k] = static_cast<P>(std::ldexp(static_cast<double>(x[k]), -exponent));
}

/// Changes the factors of the terms beside that of the targets.
template <class Change> void scale_terms(const ListLossKernels& loss, double* parameters, Change change) {
    for (int k = 0; k < kMostParameters; ++k)
        if (loss.parameters[k].role == kFactorOfTerm) parameters[k] = change(parameters[k]);
}

/// Margins above this may make a value infinite that is not.
constexpr double kFarMargin = 0x1p960;

/// The value where it, or a margin, left the range of double, over 2^exponent: that of a temperature so many times as
/// high. All terms that this changes are nothing beside those that are so large.
double value_of_far_scores(const ListLossKernels& loss, ListJob<double> job, const double* score, int& exponent) {
    constexpr double shrink = 0x1p-4;
    const int margin = exponent_of(job.high * shrink - job.low * shrink) + exponent_of(job.per_temperature);
    const int shift = std::max(40, margin + 4 - 990);
    for (std::int32_t k = 0; k < job.n; ++k) job.score[k] = score[k] * shrink;
    job.low *= shrink;
    job.high *= shrink;
    job.per_temperature = std::ldexp(job.per_temperature, 4 - shift);
    scale_terms(loss, job.parameters, [](double) { return 0.0; });
    exponent += shift;
    return loss.double_sum[kValue](job);
}

}  // namespace

template <class P, class T> double Listwise::sum_list(const LossCall<T>& call, std::int64_t list, ListJob<P>& job,
                                                      const Sizes& sizes, Scratch& s, const Team& team) const {
    const ListLossKernels& loss = kernel();
    const Left left = prepare(call, list, sizes, s, job);
    if (loss.rank_based && !(job.ideal > 0)) {
        fill(call, list, T(0));
        return 0;
    }
    double value = 0;
    int exponent = left.exponent;
    if constexpr (std::is_same_v<P, float>) {
        value = loss.float_sum[call.mode](job);
        scatter(call, list, left, s.single);
    } else if (loss.rank_based) {
        value = smooth_rank_sums(loss.rank, job, call.mode, s.twice.vector.data(), loss_.choice,
                                 std::is_same_v<T, float>, s.ranks, team);
        scatter(call, list, left, s.twice);
    } else {
        const double margin = (job.high - job.low) * job.per_temperature;
        const bool far = with_value(call.mode) && !values_per_item() && !(margin <= kFarMargin);
        double* kept = far ? padded(s.twice.vector, static_cast<std::size_t>(job.n)) : nullptr;
        if (far) std::copy_n(job.score, job.n, kept);  // kernels may overwrite it
        value = loss.double_sum[call.mode](job);
        scatter(call, list, left, s.twice);
        if (far && (!std::isfinite(value) || (std::isinf(margin) && std::abs(value) > 1e250)))
            value = value_of_far_scores(loss, job, kept, exponent);
        if (left.exponent < 0 && values_per_item() && !std::isfinite(value)) {  // the weights as they are
            plan_.gather(list, call.item_weight, s.twice.weight.data());
            value = loss.double_sum[kValue](job);
            exponent = 0;
        }
    }
    return exponent == 0 ? value : std::ldexp(value, exponent);
}

template <class P, class T> Listwise::Left Listwise::prepare(const LossCall<T>& call, std::int64_t list,
                                                             const Sizes& sizes, Scratch& s, ListJob<P>& job) const {
    const ListLossKernels& loss = kernel();
    const auto n = static_cast<std::size_t>(plan_.size(list));
    ListBuffers<P>& b = s.template buffers<P>();
    job.n = plan_.size(list);
    job.score = b.score.data();
    std::copy_n(loss_.parameters, kMostParameters, job.parameters);
    if (loss.order == kByLabel) {
        job.level_begin = plan_.level_begin(list);
        job.n_levels = plan_.n_levels(list);
    }
    Left left;
    left.exponent = prepare_target(call, list, sizes, b, job);
    if (left.exponent != 0) scale_terms(loss, job.parameters, [&](double x) { return std::ldexp(x, -left.exponent); });
    if (loss.per_item) {
        P* weight = padded(b.weight, n);
        if (call.item_weight != nullptr) plan_.gather(list, call.item_weight, weight);
        else std::fill_n(weight, n, P(1));
        left.exponent = excess_exponent(sizes.item_weight);
        if (left.exponent != 0) left.exponent += 2;  // room for a factor of 2
        take_out(left.exponent, job.n, weight);
        job.weight = weight;
        job.value = padded(b.value, n);
    }
    if (call.mode == kHessVector) {
        P* vector = padded(b.vector, n);
        plan_.gather(list, call.vector, vector);
        take_out(left.vector_exponent = excess_exponent(sizes.vector), job.n, vector);
        job.vector = vector;
    }
    job.grad = padded(b.grad, n);
    job.hess = loss.scratch_hess || with_hess(call.mode) ? padded(b.hess, n) : nullptr;
    const int arrays = call.mode == kHessVector ? loss.work_arrays_along_vector : loss.work_arrays;
    std::fill(std::begin(job.work), std::end(job.work), nullptr);
    for (int a = loss.rank_based ? kRank : 0; a < arrays; ++a) {
        if (loss.rank_based && a == kCurvature) continue;  // left to the sums
        job.work[a] = padded(s.work[a], n + 1);
    }
    if (!ideal_.empty()) job.ideal = ideal_[static_cast<std::size_t>(list)];
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    job.scale = call.scale * list_weight * per_temperature_;
    job.curvature_scale = job.scale * per_temperature_;
    left.scale = !is_modest(std::abs(job.scale)) || !is_modest(std::abs(job.curvature_scale)) || left.exponent != 0 ||
                 left.vector_exponent != 0;
    if (call.mode == kHessVector) job.scale = job.curvature_scale;
    if (left.scale) job.scale = job.curvature_scale = 1;
    return left;
}

/// Sets the job's target, and gives the exponent of a power of two that was taken out of it.
template <class P, class T> int Listwise::prepare_target(const LossCall<T>& call, std::int64_t list, const Sizes& sizes,
                                                         ListBuffers<P>& b, ListJob<P>& job) const {
    const ListLossKernels& loss = kernel();
    const auto l = static_cast<std::size_t>(list);
    const std::int64_t begin = plan_.begin(list);
    const bool weighted = call.item_weight != nullptr && !loss.per_item;
    const bool noisy = loss_.target == Target::kNoisyPower;
    const bool normalized = noisy || loss_.target == Target::kNormalizedLabel;
    const double weight_size = weighted ? sizes.item_weight : 1.0;
    const double size = largest_target_ * weight_size;
    const bool modest = largest_target_ == 0 || weight_size == 0 ||
                        (is_modest(largest_target_) && is_modest(weight_size) && is_modest(size));
    const int target_exponent = modest ? 0 : exponent_of(largest_target_);
    const int weight_exponent = modest ? 0 : exponent_of(weight_size);
    job.item_weighted = weighted;
    if (!weighted && !noisy && (modest || normalized || loss.per_item)) {
        if constexpr (std::is_same_v<P, float>) job.target = float_target_.data() + begin;
        else job.target = targets() + begin;
        if (loss.splits_target) job.targets = (std::is_same_v<P, float> ? float_sums_ : target_sums_)[l];
        return 0;
    }
    const double* fixed = normalized && !noisy ? plan_.label(list) : targets() + begin;
    const auto value = [&](std::int32_t k) {
        const std::int64_t item = plan_.item(list, k);
        const double u = noisy ? noise(loss_.seed, call.iteration, list, item - plan_.lists().begin(list)) : 0.0;
        const double w = weighted ? call.item_weight[item] : 1.0;
        return modest ? (fixed[k] - u) * w
                      : std::ldexp(fixed[k] - u, -target_exponent) * std::ldexp(w, -weight_exponent);
    };
    double total = normalized ? 0.0 : 1.0;
    for (std::int32_t k = 0; normalized && k < job.n; ++k) total += value(k);
    P* out = padded(b.target, static_cast<std::size_t>(job.n));
    for (std::int32_t k = 0; k < job.n; ++k) out[k] = static_cast<P>(total != 0 ? value(k) / total : 0.0);
    job.target = out;
    if (loss.splits_target) job.targets = split_sum(job.target, job.n);
    return normalized ? 0 : target_exponent + weight_exponent;
}

template <class P, class T>
void Listwise::scatter(const LossCall<T>& call, std::int64_t list, const Left& left, ListBuffers<P>& b) const {
    const std::int32_t n = plan_.size(list);
    if (left.scale) {
        const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
        Product scale = Product().times(call.scale).times(list_weight).over(loss_.temperature);
        scale.times_power_of_two(left.exponent + left.vector_exponent);
        Product curvature_scale = Product(scale).over(loss_.temperature);
        if (call.mode == kHessVector) scale = curvature_scale;
        const auto multiply = [n](P* x, const Product& factor) {
            for (std::int32_t k = 0; k < n; ++k)
                x[k] = static_cast<P>(Product(factor).times(static_cast<double>(x[k])).value());
        };
        if (call.grad != nullptr) multiply(b.grad.data(), scale);
        if (call.hess != nullptr) multiply(b.hess.data(), curvature_scale);
    }
    for (std::int32_t k = 0; call.row_value != nullptr && values_per_item() && k < n; ++k) {
        const std::int64_t item = plan_.item(list, k);
        call.row_value[item] = static_cast<T>(weighed(call.of_value.item(list, item), static_cast<double>(b.value[k])));
    }
    if (call.grad != nullptr) plan_.scatter(list, b.grad.data(), call.grad);
    if (call.hess == nullptr) return;
    const P floor = static_cast<P>(call.min_hessian);
    for (std::int32_t k = 0; k < n; ++k) b.hess[k] = std::max(b.hess[k], floor);  // NaN stays
    plan_.scatter(list, b.hess.data(), call.hess);
}

template double Listwise::sum_list(const LossCall<float>&, std::int64_t, ListJob<float>&, const Sizes&, Scratch&,
                                   const Team&) const;
template double Listwise::sum_list(const LossCall<float>&, std::int64_t, ListJob<double>&, const Sizes&, Scratch&,
                                   const Team&) const;
template double Listwise::sum_list(const LossCall<double>&, std::int64_t, ListJob<double>&, const Sizes&, Scratch&,
                                   const Team&) const;

}  // namespace rankgrad
