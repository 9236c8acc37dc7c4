// One list at a time: copy or gather the scores, choose the arithmetic from their range, call the kernel, write back.
#include "engine/listwise.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "engine/dispatch.hpp"
#include "engine/gains.hpp"
#include "engine/item_parts.hpp"

namespace rankgrad {
namespace {

int find_loss(const std::string& name) {
    const KernelTable& table = kernels();
    for (int k = 0; k < table.list->count; ++k)
        if (name == table.list->losses[k].name) return k;
    throw ArgumentError("loss: '" + name + "' is not a registered listwise loss");
}

PlanOptions options_for(const ListLossKernels& kernel, const ListwiseLoss& loss, Target target, PlanOptions options) {
    options.order = kernel.order;
    options.quadratic_cost = kernel.rank_based;
    options.near_linear_cost = kernel.rank_based && loss.choice != Choice::direct;
    options.labels_are_numbers = target != Target::kOne;
    return options;
}

/// The numbers divided by the temperature, by parts; `to` may be `from`.
template <class T> void divide(const T* from, std::int32_t n, double temperature, double* to, const Team& team) {
    if (std::is_same_v<T, double> && temperature == 1.0) return;
    team.run(count_parts(n), [&](std::int64_t part) {
        for (std::int64_t k = part_begin(n, part); k < part_begin(n, part + 1); ++k)
            to[k] = static_cast<double>(from[k]) / temperature;
    });
}

template <class P> ListBuffers<P>& buffers_of(ListScratch& s) {
    if constexpr (std::is_same_v<P, float>) return s.single;
    else return s.twice;
}

}  // namespace

std::vector<std::string> list_loss_names() {
    std::vector<std::string> names;
    for (int k = 0; k < kernels().list->count; ++k) names.emplace_back(kernels().list->losses[k].name);
    return names;
}

Listwise::Listwise(ListwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options)
    : loss_(std::move(loss)), loss_index_(find_loss(loss_.name)), target_kind_(target_of(loss_.target)),
      plan_(std::move(lists), labels, mask, options_for(kernel(), loss_, target_kind_, options)),
      target_(make_targets(plan_, target_kind_)) {
    if (kernel().float_sum[kValue] != nullptr) {
        targets_fit_float_ = fit_float_sums(target_.data(), static_cast<std::int64_t>(target_.size()));
        float_target_.assign(target_.begin(), target_.end());
    }
    if (kernel().rank_based) scale_by_ideal();
    loss_.parameters.cutoff_width = loss_.temperature;
    per_temperature_ = 1 / loss_.temperature;
}

/// Targets of a list and their ideal sum in one scale, in which sums of them are finite.
void Listwise::scale_by_ideal() {
    IdealSums ideal = ideal_sums(plan_, target_, loss_.parameters.cutoff);
    for (std::int64_t l = 0; l < plan_.lists().count(); ++l)
        for (std::int64_t k = plan_.begin(l); k < plan_.begin(l + 1); ++k)
            target_[static_cast<std::size_t>(k)] *= ideal.scale[static_cast<std::size_t>(l)];
    ideal_ = std::move(ideal.sum);
}

const ListLossKernels& Listwise::kernel() const { return kernels().list->losses[loss_index_]; }

bool Listwise::values_per_item() const { return kernel().per_item; }

double Listwise::pairs(std::int64_t /*list*/) const {
    throw ArgumentError("loss: '" + loss_.name + "' has no pairs of items to count");
}

template <class T> double Listwise::evaluate(const LossCall<T>& call) const {
    check_finite(plan_, call);
    check_range(plan_, call, loss_.temperature);
    const std::int64_t n = plan_.lists().n_items();
    if (!plan_.all_valid()) {
        for (T* out : {call.grad, call.hess, values_per_item() ? call.row_value : nullptr})
            if (out != nullptr) std::fill(out, out + n, T(0));
    }
    const auto value_of = [&](std::int64_t list, Scratch& s, const Team& team) {
        const double value = evaluate_list(call, list, s, team);
        if (call.row_value != nullptr && !values_per_item())
            call.row_value[list] = static_cast<T>(weighed(call.of_value.list(list), value));
        return call.list_weight == nullptr ? value : call.list_weight[list] * value;
    };
    return sum_over_lists(plan_, call, pool_, value_of, plan_.long_lists());
}

template <class T>
double Listwise::evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const std::int32_t n = plan_.size(list);
    if (n == 0) return 0;
    T* score = padded(buffers_of<T>(s).score, static_cast<std::size_t>(n));
    const T* from = score;
    if (plan_.in_place(list)) from = call.scores + plan_.lists().begin(list);
    else plan_.gather(list, call.scores, score);
    T low, high;
    // Looked at again in our own copy: the caller's memory may have changed since the check.
    if (!copy_scores(from, n, score, &low, &high) || plan_.is_nan(list) || !finite_arguments(call, list)) {
        fill(call, list, std::numeric_limits<T>::quiet_NaN());
        return std::numeric_limits<double>::quiet_NaN();
    }
    const double range = (static_cast<double>(high) - static_cast<double>(low)) / loss_.temperature;
    if constexpr (std::is_same_v<T, float>) {
        const double reach = values_per_item() ? std::max(std::abs(double{low}), std::abs(double{high})) : range;
        if (loss_.temperature == 1.0 && reach <= kernel().float_range && fits_float(call, list))
            return sum_list<float>(call, list, high, s, team);
    }
    divide(score, n, loss_.temperature, padded(s.twice.score, static_cast<std::size_t>(n)), team);
    return sum_list<double>(call, list, static_cast<double>(high) / loss_.temperature, s, team);
}

/// What the kernels multiply by in float: targets, item weights, and the factors of the list.
template <class T> bool Listwise::fits_float(const LossCall<T>& call, std::int64_t list) const {
    const double factor = call.scale * (call.list_weight == nullptr ? 1.0 : call.list_weight[list]);
    const std::int32_t n = plan_.size(list);
    if (!fits_float_sums(factor)) return false;
    if (!targets_fit_float_ && !fit_float_sums(target_.data() + plan_.begin(list), n)) return false;
    for (std::int32_t k = 0; call.item_weight != nullptr && k < n; ++k)
        if (!fits_float_sums(call.item_weight[plan_.item(list, k)])) return false;
    return true;
}

template <class T> bool Listwise::finite_arguments(const LossCall<T>& call, std::int64_t list) const {
    double bad = 0;
    if (call.list_weight != nullptr) bad += call.list_weight[list] - call.list_weight[list];
    for (std::int32_t k = 0; call.item_weight != nullptr && k < plan_.size(list); ++k) {
        const double w = call.item_weight[plan_.item(list, k)];
        bad += w - w;
    }
    for (std::int32_t k = 0; call.mode == kHessVector && k < plan_.size(list); ++k) {
        const double v = static_cast<double>(call.vector[plan_.item(list, k)]);
        bad += v - v;
    }
    return bad == 0;
}

template <class P, class T>
double Listwise::sum_list(const LossCall<T>& call, std::int64_t list, P high, Scratch& s, const Team& team) const {
    ListJob<P> task = job<P>(call, list, s);
    task.high = high;
    double value = 0;
    if constexpr (std::is_same_v<P, float>) {
        value = kernel().float_sum[call.mode](task);
    } else if (!kernel().rank_based) {
        value = kernel().double_sum[call.mode](task);
    } else if (task.ideal > 0) {
        double low;
        copy_scores(task.score, task.n, task.score, &low, &task.high);
        value = smooth_rank_sums(kernel().rank, task, call.mode, low, s.twice.vector.data(), loss_.choice,
                                 std::is_same_v<T, float>, s.ranks, team);
    } else {
        fill(call, list, T(0));
        return 0;
    }
    scatter<P>(call, list, buffers_of<P>(s));
    return value;
}

template <class P, class T> ListJob<P> Listwise::job(const LossCall<T>& call, std::int64_t list, Scratch& s) const {
    const auto n = static_cast<std::size_t>(plan_.size(list));
    ListBuffers<P>& b = buffers_of<P>(s);
    ListJob<P> job;
    job.n = plan_.size(list);
    job.score = b.score.data();
    job.target = target<P>(call, list, b);
    if (kernel().order == kByLabel) {
        job.level_begin = plan_.level_begin(list);
        job.n_levels = plan_.n_levels(list);
    }
    if (kernel().per_item) {
        P* weight = padded(b.weight, n);
        if (call.item_weight != nullptr) plan_.gather(list, call.item_weight, weight);
        else std::fill_n(weight, n, P(1));
        job.weight = weight;
        job.value = padded(b.value, n);
    }
    if (call.mode == kHessVector) {
        P* vector = padded(b.vector, n);
        plan_.gather(list, call.vector, vector);
        job.vector = vector;
    }
    job.grad = padded(b.grad, n);
    job.hess = padded(b.hess, n);
    const int arrays = call.mode == kHessVector ? kernel().work_arrays_along_vector : kernel().work_arrays;
    for (int a = kernel().rank_based ? kRank : 0; a < arrays; ++a) job.work[a] = padded(s.work[a], n + 1);
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    job.scale = call.scale * list_weight * per_temperature_;
    job.curvature_scale = job.scale * per_temperature_;
    if (call.mode == kHessVector) job.scale = job.curvature_scale;
    job.parameters = loss_.parameters;
    if (!ideal_.empty()) job.ideal = ideal_[static_cast<std::size_t>(list)];
    return job;
}

template <class P, class T>
const P* Listwise::target(const LossCall<T>& call, std::int64_t list, ListBuffers<P>& b) const {
    const std::int64_t begin = plan_.begin(list);
    const std::int32_t n = plan_.size(list);
    const bool weighted = call.item_weight != nullptr && !kernel().per_item;
    if (!weighted && target_kind_ != Target::kNoisyPower) {
        if constexpr (std::is_same_v<P, float>) return float_target_.data() + begin;
        else return target_.data() + begin;
    }
    const bool normalized = target_kind_ == Target::kNormalizedLabel, noisy = target_kind_ == Target::kNoisyPower;
    const double* fixed = normalized ? plan_.label(list) : target_.data() + begin;
    const bool divided = normalized || noisy;
    // In a scale in which their sum is finite; the noise must not become large.
    const double scale = divided ? unit_scale(std::max(largest_size(fixed, n), noisy ? 1.0 : 0.0)) : 1.0;
    double heaviest = 0;
    for (std::int32_t k = 0; divided && weighted && k < n; ++k)
        heaviest = std::max(heaviest, std::abs(call.item_weight[plan_.item(list, k)]));
    const double weight_scale = divided && weighted ? unit_scale(heaviest) : 1.0;
    const auto value = [&](std::int32_t k) {
        const std::int64_t item = plan_.item(list, k);
        const double u = noisy ? noise(loss_.seed, call.iteration, list, item - plan_.lists().begin(list)) : 0.0;
        return (fixed[k] - u) * scale * (weighted ? call.item_weight[item] * weight_scale : 1.0);
    };
    double total = divided ? 0.0 : 1.0;
    for (std::int32_t k = 0; divided && k < n; ++k) total += value(k);
    P* out = padded(b.target, static_cast<std::size_t>(n));
    for (std::int32_t k = 0; k < n; ++k) out[k] = static_cast<P>(total != 0 ? value(k) / total : 0.0);
    return out;
}

template <class P, class T>
void Listwise::scatter(const LossCall<T>& call, std::int64_t list, ListBuffers<P>& b) const {
    for (std::int32_t k = 0; call.row_value != nullptr && values_per_item() && k < plan_.size(list); ++k) {
        const std::int64_t item = plan_.item(list, k);
        call.row_value[item] = static_cast<T>(weighed(call.of_value.item(list, item), static_cast<double>(b.value[k])));
    }
    if (call.grad != nullptr) plan_.scatter(list, b.grad.data(), call.grad);
    if (call.hess == nullptr) return;
    const P floor = static_cast<P>(call.min_hessian);
    for (std::int32_t k = 0; k < plan_.size(list); ++k) b.hess[k] = std::max(b.hess[k], floor);  // NaN stays
    plan_.scatter(list, b.hess.data(), call.hess);
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

template double Listwise::evaluate(const LossCall<float>&) const;
template double Listwise::evaluate(const LossCall<double>&) const;

}  // namespace rankgrad
