// How the pairs of one list are summed: the choice of the algorithm and of the arithmetic that is safe for the range of the
// scores, and the jobs that the kernels get.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/direct/tiles.hpp"
#include "engine/pairwise/pairwise.hpp"

namespace rankgrad {

template <class T> ListFacts Pairwise::facts(std::int64_t list, double range, PairMode mode) const {
    ListFacts facts;
    facts.items = plan_.size(list);
    facts.pairs = pairs(list);
    facts.levels = plan_.n_levels(list);
    facts.range = range;
    facts.is_float = std::is_same_v<T, float>;
    facts.factored =
        kernels().pair->losses[loss_index_].factored[mode] && range <= (facts.is_float ? kFloatRange : kDoubleRange);
    facts.has_codes = codes_.level(list) != nullptr;
    return facts;
}

/// Where both parts of a difference are infinite, sums of smaller terms tell which is larger.
template <class T>
void Pairwise::sum_overflowed_pairs(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    constexpr double kLogRange = 600;  // of terms and of their sums
    const auto n = static_cast<std::ptrdiff_t>(plan_.size(list));
    std::vector<double*> sums;
    if (with_value(call.mode)) sums.push_back(s.value.data());
    if (call.mode != kValue) sums.push_back(s.grad.data());
    if (with_hess(call.mode)) sums.push_back(s.hess.data());
    std::vector<std::vector<double>> first;
    bool overflowed = false;
    for (double* sum : sums)
        overflowed = std::any_of(sum, sum + n, [](double x) { return std::isnan(x); }) || overflowed;
    if (!overflowed || !(range(s) > kLogRange)) return;
    for (double* sum : sums) {
        first.emplace_back(sum, sum + n);
        std::fill_n(sum, n, 0.0);
    }
    s.log_scale = range(s) - kLogRange;
    sum_pairs(call, list, s, team);
    const double half = std::exp(0.5 * s.log_scale);
    s.log_scale = 0;
    for (std::size_t m = 0; m < sums.size(); ++m)
        for (std::ptrdiff_t k = 0; k < n; ++k) {
            const double before = first[m][static_cast<std::size_t>(k)];
            if (!std::isnan(before)) sums[m][k] = before;
            else if (sums[m][k] != 0) sums[m][k] = sums[m][k] * half * half;
        }
}

/// Chooses the algorithm and the arithmetic from the type, the range of the scores and the labels, never from the machine.
template <class T>
void Pairwise::sum_pairs(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    if (weights_.any()) return sum_weighted_pairs(call, list, s, team);
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    const bool is_float = std::is_same_v<T, float>;
    const bool weighted = call.item_weight != nullptr || call.row_value != nullptr;
    ListFacts list_facts = facts<T>(list, range(s), call.mode);
    list_facts.has_codes = false;  // or the level tables would have done it
    switch (choose_algorithm(loss_.choice, loss, call.mode, list_facts)) {
        case Algorithm::sorted:
            sorted_sums(loss, call.mode, double_job(call, list, s), s.low, s.high, call.item_weight != nullptr, s.sort,
                        team);
            break;
        case Algorithm::moments: loss.moment_sum[call.mode](double_job(call, list, s)); break;
        case Algorithm::direct:
            if (is_float && fits_float(call, s, static_cast<std::size_t>(plan_.size(list)), weighted))
                run_tiles(team, float_job(call, list, s, weighted), loss.float_sum[call.mode]);
            else run_tiles(team, double_job(call, list, s), loss.double_sum[call.mode]);
            break;
        default:  // expansion: level tables want codes
            PairJob<double> job = score_job(list, s);
            if (call.item_weight == nullptr) job.weight = nullptr;
            expansion_sums(loss.expansion[is_float ? 0 : 1], call.mode, job, s.vector.data(), s.low, s.high,
                           s.expansion, s.sort, team);
    }
}

LossParameters Pairwise::parameters(const Scratch& s) const {
    LossParameters parameters = loss_.parameters;
    parameters.unit = s.unit.unit();
    parameters.log_scale = s.log_scale;
    return parameters;
}

/// Whether float keeps the digits of all that a direct sum takes.
template <class T>
bool Pairwise::fits_float(const LossCall<T>& call, const Scratch& s, std::size_t n, bool weighted) const {
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    const double most = loss.factored[call.mode] ? kFloatRange : loss.degree == 0 ? kFloatExponent : kFloatMargin;
    if (!(range(s) <= most)) return false;
    if (std::max(-s.low, s.high) > kFloatScore || (loss.uses_label_gap && !plan_.labels_fit_float())) return false;
    const auto fit = [n](const Buffer<double>& x) {
        bool bad = false;  // without a branch
        for (std::size_t k = 0; k < n; ++k) {
            const double size = std::abs(x[k]);
            bad |= (size < kLeastFloat && size != 0) | !(size <= kMostFloat);
        }
        return !bad;
    };
    return (!weighted || fit(s.weight)) && (call.mode != kHessVector || fit(s.vector));
}

/// All rows of the list, the sums where the results go.
template <class P> PairJob<P> Pairwise::job_for(std::int64_t list, Scratch& s) const {
    PairJob<P> job;
    job.level_begin = plan_.level_begin(list);
    job.n_levels = plan_.n_levels(list);
    job.row_end = plan_.size(list);
    job.parameters = parameters(s);
    job.value = s.value.data();
    job.grad = s.grad.data();
    job.hess = s.hess.data();
    return job;
}

/// In double, from float the first time that they are asked for.
const double* Pairwise::scores(std::size_t n, Scratch& s) {
    if (s.in_float) std::copy_n(s.float_score.data(), n, s.score.data());
    s.in_float = false;
    return s.score.data();
}

/// The operands are the scores, in double.
PairJob<double> Pairwise::score_job(std::int64_t list, Scratch& s) const {
    PairJob<double> job = job_for<double>(list, s);
    job.row = job.column = scores(static_cast<std::size_t>(plan_.size(list)), s);
    job.weight = s.weight.data();
    return job;
}

template <class T>
PairJob<float> Pairwise::float_job(const LossCall<T>& call, std::int64_t list, Scratch& s, bool weighted) const {
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    const auto n = static_cast<std::size_t>(plan_.size(list));
    const double middle = 0.5 * s.low + 0.5 * s.high;
    PairJob<float> job = job_for<float>(list, s);
    if (loss.factored[call.mode]) {
        float* row = padded(s.float_row, n);
        float* column = padded(s.float_column, n);
        kernels().float_exponentials(scores(n, s), static_cast<std::int64_t>(n), middle, 1 / s.unit.unit(), row,
                                     column);
        job.row = row;
        job.column = column;
        if (loss.log_product) job.terms_per_flush = product_terms(range(s), 85, 16);
    } else if (s.in_float) {
        job.row = job.column = s.float_score.data();
    } else {
        job.row = job.column = converted(s.score.data(), n, 0, s.float_row);  // exactly, as they were floats
    }
    if (weighted) job.weight = converted(s.weight.data(), n, 0, s.float_weight);
    if (loss.uses_label_gap) job.label = converted(plan_.label_gap(list), n, 0, s.float_label);
    if (call.mode == kHessVector) job.vector = converted(s.vector.data(), n, 0, s.float_vector);
    return job;
}

template <class T> PairJob<double> Pairwise::double_job(const LossCall<T>& call, std::int64_t list, Scratch& s) const {
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    const auto n = static_cast<std::size_t>(plan_.size(list));
    PairJob<double> job = score_job(list, s);
    if (loss.factored[call.mode] && range(s) <= kDoubleRange) {
        double* row = padded(s.row, n);
        double* column = padded(s.column, n);
        kernels().double_exponentials(job.row, static_cast<std::int64_t>(n), 0.5 * s.low + 0.5 * s.high,
                                      1 / s.unit.unit(), row, column);
        job.row = row;
        job.column = column;
        job.factored = true;
        if (loss.log_product) job.terms_per_flush = product_terms(range(s), kDoubleProduct, kTermsPerFlush);
    }
    if (loss.uses_label_gap) job.label = converted(plan_.label_gap(list), n, 0, s.label);
    if (call.mode == kHessVector) job.vector = s.vector.data();
    return job;
}

template ListFacts Pairwise::facts<float>(std::int64_t, double, PairMode) const;
template ListFacts Pairwise::facts<double>(std::int64_t, double, PairMode) const;
template bool Pairwise::fits_float(const LossCall<float>&, const Scratch&, std::size_t, bool) const;
template bool Pairwise::fits_float(const LossCall<double>&, const Scratch&, std::size_t, bool) const;
template void Pairwise::sum_overflowed_pairs(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template void Pairwise::sum_overflowed_pairs(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;
template void Pairwise::sum_pairs(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template void Pairwise::sum_pairs(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;

}  // namespace rankgrad
