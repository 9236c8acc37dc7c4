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

/// (1 + e^range)^2 must fit the type: beyond this range of scores the factored form is not used.
constexpr double kFloatRange = 40, kDoubleRange = 340;
/// Pairs in one kernel call, between two looks at the interrupt flag.
constexpr double kPairsPerCall = 1e7;

int find_loss(const std::string& name) {
    const KernelTable& table = kernels();
    for (int k = 0; k < table.n_pair_losses; ++k)
        if (name == table.pair_losses[k].name) return k;
    throw ArgumentError("loss: '" + name + "' is not a registered pairwise loss");
}

/// Terms a lane may take before (1 + e^range)^terms leaves the type, and before float rounding adds up.
std::int32_t product_terms(double range, double log_limit, int most) {
    const double terms = log_limit / (range + 0.7);
    return std::clamp(static_cast<int>(terms), 1, most);
}

template <class T> T* converted(const double* x, std::size_t n, double centre, std::vector<T>& buffer) {
    T* out = padded(buffer, n);
    for (std::size_t k = 0; k < n; ++k) out[k] = static_cast<T>(x[k] - centre);
    for (std::size_t k = n; k < n + kPadding; ++k) out[k] = T(0);
    return out;
}

}  // namespace

std::vector<std::string> pair_loss_names() {
    std::vector<std::string> names;
    for (int k = 0; k < kernels().n_pair_losses; ++k) names.emplace_back(kernels().pair_losses[k].name);
    return names;
}

Pairwise::Pairwise(PairwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options)
    : loss_(std::move(loss)), loss_index_(find_loss(loss_.name)), plan_([&] {
          options.labels_are_numbers = kernels().pair_losses[loss_index_].uses_label_gap;
          return Plan(std::move(lists), labels, mask, options);
      }()) {
    if (kernels().pair_losses[loss_index_].all_pairs) loss_.temperature = 1.0;
}

double Pairwise::pairs(std::int64_t list) const {
    const double m = plan_.size(list);
    return kernels().pair_losses[loss_index_].all_pairs ? m * m : plan_.pairs(list);
}

template <class T> double Pairwise::evaluate(const LossCall<T>& call) const {
    check_scores(plan_, call);
    if (!plan_.all_valid())
        for (T* out : {call.row_value, call.grad, call.hess})
            if (out != nullptr) std::fill(out, out + plan_.lists().n_items(), T(0));

    return sum_over_lists(plan_, call, pool_, [&](std::int64_t list, Scratch& scratch, Worker& worker) {
        return evaluate_list(call, list, scratch, worker);
    });
}

template <class T>
double Pairwise::evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& s, Worker& worker) const {
    const auto n = static_cast<std::size_t>(plan_.size(list));
    if (n == 0) return 0.0;
    const bool finite = gather(call, list, s) && !plan_.is_nan(list);
    const double start = finite ? 0.0 : std::numeric_limits<double>::quiet_NaN();
    for (std::vector<double>* sum : {&s.value, &s.grad, &s.hess}) {
        if (sum == &s.value && !with_value(call.mode)) continue;
        if (sum == &s.grad && call.mode == kValue) continue;
        if (sum == &s.hess && !with_hess(call.mode)) continue;
        std::fill_n(padded(*sum, n), n + kPadding, start);
    }
    if (finite && pairs(list) > 0) sum_pairs(call, list, s, worker);
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

/// Chooses the arithmetic from the type, the range of the scores and the labels, never from the machine.
template <class T>
void Pairwise::sum_pairs(const LossCall<T>& call, std::int64_t list, Scratch& s, Worker& worker) const {
    const PairLossKernels& loss = kernels().pair_losses[loss_index_];
    const bool in_float = std::is_same_v<T, float> && !loss.all_pairs && plan_.labels_fit_float() &&
                          (!loss.factored || s.high - s.low <= kFloatRange);
    if (in_float) {
        run(loss.float_sum[call.mode][call.item_weight != nullptr], float_job(call, list, s), list, s, worker);
    } else {
        run(loss.double_sum[call.mode], double_job(call, list, s), list, s, worker);
    }
}

template <class T>
PairJob<float> Pairwise::float_job(const LossCall<T>& call, std::int64_t list, Scratch& s) const {
    const PairLossKernels& loss = kernels().pair_losses[loss_index_];
    const auto n = static_cast<std::size_t>(plan_.size(list));
    const double middle = 0.5 * (s.low + s.high);
    PairJob<float> job;
    if (loss.factored) {
        float* row = padded(s.float_row, n);
        float* column = padded(s.float_column, n);
        kernels().float_exponentials(s.score.data(), static_cast<std::int64_t>(n), middle, row, column);
        job.row = row;
        job.column = column;
        if (loss.log_product) job.terms_per_flush = product_terms(s.high - s.low, 85, 16);
    } else {
        // At temperature 1 the scores are exact in float as they are; else rounding is least around the middle.
        job.row = job.column = converted(s.score.data(), n, loss_.temperature == 1.0 ? 0.0 : middle, s.float_row);
    }
    if (call.item_weight != nullptr) job.weight = converted(s.weight.data(), n, 0, s.float_weight);
    if (loss.uses_label_gap) job.label = converted(plan_.label(list), n, 0, s.float_label);
    if (call.mode == kHessVector) job.vector = converted(s.vector.data(), n, 0, s.float_vector);
    return job;
}

template <class T>
PairJob<double> Pairwise::double_job(const LossCall<T>& call, std::int64_t list, Scratch& s) const {
    const PairLossKernels& loss = kernels().pair_losses[loss_index_];
    const auto n = static_cast<std::size_t>(plan_.size(list));
    const double range = s.high - s.low;
    PairJob<double> job;
    job.row = job.column = s.score.data();
    if (loss.factored && range <= kDoubleRange) {
        double* row = padded(s.row, n);
        double* column = padded(s.column, n);
        kernels().double_exponentials(s.score.data(), static_cast<std::int64_t>(n), 0.5 * (s.low + s.high), row, column);
        job.row = row;
        job.column = column;
        job.factored = true;
        if (loss.log_product) job.terms_per_flush = product_terms(range, 705, 64);
    }
    job.weight = s.weight.data();
    if (loss.uses_label_gap) job.label = converted(plan_.label(list), n, 0, s.label);
    if (call.mode == kHessVector) job.vector = s.vector.data();
    return job;
}

/// Row ranges of at most kPairsPerCall pairs, in order.
template <class P>
void Pairwise::run(PairSum<P> kernel, PairJob<P> job, std::int64_t list, Scratch& s, Worker& worker) const {
    const std::int32_t n = plan_.size(list);
    job.level_begin = plan_.level_begin(list);
    job.n_levels = plan_.n_levels(list);
    job.parameters = loss_.parameters;
    job.value = s.value.data();
    job.grad = s.grad.data();
    job.hess = s.hess.data();
    const bool whole = kernels().pair_losses[loss_index_].all_pairs;
    const auto rows = static_cast<std::int32_t>(whole ? n : std::max(64.0, std::min<double>(n, kPairsPerCall / n)));
    for (std::int32_t row = 0; row < n && !worker.stopped(); row += rows) {
        job.row_begin = row;
        job.row_end = n - row < rows ? n : row + rows;
        kernel(job);
    }
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
