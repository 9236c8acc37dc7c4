// How the pairs of one list are summed: the choice of the algorithm and of the arithmetic that is safe for the range of the
// scores, and the jobs that the kernels get.
#include <algorithm>
#include <type_traits>

#include "engine/dispatch.hpp"
#include "engine/item_tiles.hpp"
#include "engine/pairwise.hpp"

namespace rankgrad {
namespace {

/// Terms a lane may take before (1 + e^range)^terms leaves the type, and before float rounding adds up.
std::int32_t product_terms(double range, double log_limit, int most) {
    const double terms = log_limit / (range + 0.7);
    return std::clamp(static_cast<int>(terms), 1, most);
}

}  // namespace

template <class T> ListFacts Pairwise::facts(std::int64_t list, double range) const {
    ListFacts facts;
    facts.items = plan_.size(list);
    facts.pairs = pairs(list);
    facts.levels = plan_.n_levels(list);
    facts.range = range;
    facts.is_float = std::is_same_v<T, float>;
    facts.factored = range <= (facts.is_float ? kFloatRange : kDoubleRange);
    facts.has_codes = codes_.level(list) != nullptr;
    return facts;
}

/// Chooses the algorithm and the arithmetic from the type, the range of the scores and the labels, never from the machine.
template <class T>
void Pairwise::sum_pairs(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    if (weights_.any()) return sum_weighted_pairs(call, list, s, team);
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    const bool is_float = std::is_same_v<T, float>;
    const double range = s.high - s.low;
    const bool weighted = call.item_weight != nullptr || call.row_value != nullptr;
    ListFacts list_facts = facts<T>(list, range);
    list_facts.has_codes = false;  // or the level tables would have done it
    switch (choose_algorithm(loss_.choice, loss, call.mode, list_facts)) {
        case Algorithm::sorted:
            sorted_sums(loss, call.mode, double_job(call, list, s), s.low, s.high, call.item_weight != nullptr, s.sort,
                        team);
            break;
        case Algorithm::moments: loss.moment_sum[call.mode](double_job(call, list, s)); break;
        case Algorithm::direct:
            if (is_float && plan_.labels_fit_float() && range <= (loss.factored ? kFloatRange : kFloatMargin) &&
                (!weighted || fit_float_sums(s.weight.data(), plan_.size(list))))
                run_tiles(team, float_job(call, list, s, weighted), loss.float_sum[call.mode][weighted]);
            else run_tiles(team, double_job(call, list, s), loss.double_sum[call.mode]);
            break;
        default:  // expansion: level tables want codes
            PairJob<double> job = score_job(list, s);
            if (call.item_weight == nullptr) job.weight = nullptr;
            expansion_sums(loss.expansion[is_float ? 0 : 1], call.mode, job, s.vector.data(), s.low, s.high,
                           s.expansion, s.sort, team);
    }
}

/// All rows of the list, the sums where the results go.
template <class P> PairJob<P> Pairwise::job_for(std::int64_t list, Scratch& s) const {
    PairJob<P> job;
    job.level_begin = plan_.level_begin(list);
    job.n_levels = plan_.n_levels(list);
    job.row_end = plan_.size(list);
    job.parameters = loss_.parameters;
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
    if (loss.factored) {
        float* row = padded(s.float_row, n);
        float* column = padded(s.float_column, n);
        kernels().float_exponentials(scores(n, s), static_cast<std::int64_t>(n), middle, row, column);
        job.row = row;
        job.column = column;
        if (loss.log_product) job.terms_per_flush = product_terms(s.high - s.low, 85, 16);
    } else if (s.in_float) {
        job.row = job.column = s.float_score.data();
    } else {
        // At temperature 1 the scores are exact in float as they are; else rounding is least around the middle.
        job.row = job.column = converted(s.score.data(), n, loss_.temperature == 1.0 ? 0.0 : middle, s.float_row);
    }
    if (weighted) job.weight = converted(s.weight.data(), n, 0, s.float_weight);
    if (loss.uses_label_gap) job.label = converted(plan_.label(list), n, 0, s.float_label);
    if (call.mode == kHessVector) job.vector = converted(s.vector.data(), n, 0, s.float_vector);
    return job;
}

template <class T> PairJob<double> Pairwise::double_job(const LossCall<T>& call, std::int64_t list, Scratch& s) const {
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    const auto n = static_cast<std::size_t>(plan_.size(list));
    const double range = s.high - s.low;
    PairJob<double> job = score_job(list, s);
    if (loss.factored && range <= kDoubleRange) {
        double* row = padded(s.row, n);
        double* column = padded(s.column, n);
        kernels().double_exponentials(job.row, static_cast<std::int64_t>(n), 0.5 * s.low + 0.5 * s.high, row, column);
        job.row = row;
        job.column = column;
        job.factored = true;
        if (loss.log_product) job.terms_per_flush = product_terms(range, 705, 64);
    }
    if (loss.uses_label_gap) job.label = converted(plan_.label(list), n, 0, s.label);
    if (call.mode == kHessVector) job.vector = s.vector.data();
    return job;
}

template ListFacts Pairwise::facts<float>(std::int64_t, double) const;
template ListFacts Pairwise::facts<double>(std::int64_t, double) const;
template void Pairwise::sum_pairs(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template void Pairwise::sum_pairs(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;

}  // namespace rankgrad
