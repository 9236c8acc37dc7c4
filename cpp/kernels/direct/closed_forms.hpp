// Sums over pairs whose terms are products of one number per item: O(n), no sort.
//
// Exponential over pairs of different level, z = s / unit: sum_j e^-(z_i - z_j) = e^-z_i A_i, A_i = sum of e^z_j over
// the lower levels, and likewise for the columns with B_j = sum of w_i e^-z_i over the higher levels. Where e^z would
// overflow, A_i and B_j are kept relative to about their largest term so far.
//
// Squared error over ordered pairs, r = s - y, n items, row weights w with sum W:
//   row value  sum_j (r_k - r_j)^2 = n (r_k - c)^2 + sum_j (r_j - c)^2, c = mean(r)
//   gradient   2 w_k sum_j (r_k - r_j) + 2 sum_i w_i (r_k - r_i)
//   Hessian    diagonal 2 (w_k (n - 1) + W - w_k);  times v: the gradient with v for r
// s and y are first taken relative to those of one item, the origin, because an offset would cost digits. For values
// any item will do; for weighted sums it is an item of the largest weight, because distant items may have no weight.
#pragma once

#include "kernels/simd/compensated.hpp"
#include "kernels/contract/direct.hpp"
#include "kernels/losses/pair_losses.hpp"

namespace rankgrad {
namespace {

template <PairMode mode> struct SquaredErrorSum {
    static constexpr bool with_value = mode == kValue || mode == kValueGrad;

    /// r less that of the item `origin`.
    static double difference(const PairJob<double>& job, std::int32_t origin, std::int32_t k) {
        if constexpr (mode == kHessVector) return job.vector[k] - job.vector[origin];
        else return multiply_add(-job.parameters.unit, job.label[k] - job.label[origin], job.row[k] - job.row[origin]);
    }
    /// An item of the largest weight.
    static std::int32_t heaviest(const PairJob<double>& job) {
        const auto size = [&](std::int32_t k) { return job.weight[k] < 0 ? -job.weight[k] : job.weight[k]; };
        std::int32_t best = 0;
        for (std::int32_t k = 1; k < job.row_end; ++k)
            if (size(k) > size(best)) best = k;
        return best;
    }

    static void call(const PairJob<double>& job) {
        const std::int32_t n = job.row_end, origin = heaviest(job);
        double mean = 0, plain_mean = 0, square = 0, total_weight = 0, weighted_sum = 0;
        for (std::int32_t k = 0; k < n; ++k) mean += difference(job, origin, k) / n;
        if (origin == 0) plain_mean = mean;
        else
            for (std::int32_t k = 0; k < n; ++k) plain_mean += difference(job, 0, k) / n;
        // For values, whose bits must not depend on the weights.
        const auto from_mean_of = [&](std::int32_t k, double r) {
            return (origin == 0 ? r : difference(job, 0, k)) - plain_mean;
        };
        for (std::int32_t k = 0; k < n; ++k) {
            const double r = difference(job, origin, k), w = job.weight[k];
            const double from_mean = from_mean_of(k, r);
            square = multiply_add(from_mean, from_mean, square);
            total_weight += w;
            if (w != 0) weighted_sum = multiply_add(w, r, weighted_sum);
        }
        for (std::int32_t k = 0; k < n; ++k) {
            const double r = difference(job, origin, k), w = job.weight[k];
            if constexpr (with_value) {
                const double from_mean = from_mean_of(k, r);
                job.value[k] += multiply_add(n * from_mean, from_mean, square);
            }
            if constexpr (mode != kValue) {
                const double others = multiply_add(total_weight, r, -weighted_sum);
                job.grad[k] += 2 * (w == 0 ? others : multiply_add(w * n, r - mean, others));
            }
            if constexpr (mode == kGradHess || mode == kGradPositiveHess)
                job.hess[k] += 2 * (w * (n - 1) + total_weight - w);
        }
    }
};

/// Sums over the levels passed so far of w e^x and of w e^x v, times e^-reference.
template <bool with_vector> struct RunningExponential {
    double reference = -1.0 / 0.0;
    Compensated sum, vector;

    RANKGRAD_INLINE void add(double e, double w, double v) {
        const double term = e * w;
        sum.add(term);
        if constexpr (with_vector) vector.add_product(term, v);
    }
    /// The reference moves only when the old sum hardly counts any more, and never for an item without weight.
    RANKGRAD_INLINE void add_power(double x, double w, double v, double per_unit) {
        if (w == 0) return;
        if ((x - reference) * per_unit > 30.0) {
            const double shrink = exp_of_one((reference - x) * per_unit);
            sum.scale(shrink);
            vector.scale(shrink);
            reference = x;
        }
        add(exp_of_one((x - reference) * per_unit), w, v);
    }
};

template <PairMode mode> class ExponentialSum {
    static constexpr bool with_vector = mode == kHessVector;
    static constexpr bool with_hess = mode == kGradHess || mode == kGradPositiveHess;
    const PairJob<double>& job_;
    const double per_unit_;

    RANKGRAD_INLINE double vector(std::int32_t k) const { return with_vector ? job_.vector[k] : 0.0; }

    /// Adds e^-x times the running sums to item k: as a row, weighted here, or as a column, whose rows are weighted
    /// already.
    template <bool as_row, bool factored>
    RANKGRAD_INLINE void receive(std::int32_t k, const RunningExponential<with_vector>& partners) const {
        const double x = as_row ? job_.row[k] : -job_.row[k];
        const double factor = !factored ? exp_of_one((partners.reference - x) * per_unit_)
                              : as_row  ? job_.row[k]
                                        : job_.column[k];
        const double w = as_row ? job_.weight[k] : 1.0, total = partners.sum.total();
        const double sum = total == 0 ? 0 : product_of(factor, total);
        if constexpr (as_row && (mode == kValue || mode == kValueGrad)) job_.value[k] += sum;
        if (w == 0 || total == 0) return;
        if constexpr (with_vector) job_.grad[k] += w * factor * spread(partners.sum, job_.vector[k], partners.vector);
        else if constexpr (mode != kValue) job_.grad[k] = multiply_add(as_row ? -w : 1.0, sum, job_.grad[k]);
        if constexpr (with_hess) job_.hess[k] = multiply_add(w, sum, job_.hess[k]);
    }

    template <bool as_row, bool factored>
    RANKGRAD_INLINE void join(std::int32_t k, RunningExponential<with_vector>& partners) const {
        const double w = as_row ? 1.0 : job_.weight[k];  // partners of rows are columns
        if constexpr (factored) partners.add(as_row ? job_.column[k] : job_.row[k], w, vector(k));
        else partners.add_power(as_row ? job_.row[k] : -job_.row[k], w, vector(k), per_unit_);
    }

    /// Rows from the lowest level up, then columns from the highest level down.
    template <bool factored> void run() const {
        const std::int32_t* begin = job_.level_begin;
        RunningExponential<with_vector> lower, higher;
        for (std::int32_t q = 0; q < job_.n_levels; ++q) {
            for (std::int32_t k = begin[q]; q > 0 && k < begin[q + 1]; ++k) receive<true, factored>(k, lower);
            for (std::int32_t k = begin[q]; k < begin[q + 1]; ++k) join<true, factored>(k, lower);
        }
        for (std::int32_t q = job_.n_levels - 1; q >= 0 && mode != kValue; --q) {
            for (std::int32_t k = begin[q]; q < job_.n_levels - 1 && k < begin[q + 1]; ++k)
                receive<false, factored>(k, higher);
            for (std::int32_t k = begin[q]; k < begin[q + 1]; ++k) join<false, factored>(k, higher);
        }
    }

public:
    explicit ExponentialSum(const PairJob<double>& job) : job_(job), per_unit_(1 / job.parameters.unit) {}

    static void call(const PairJob<double>& job) {
        const ExponentialSum sum(job);
        if (job.factored) sum.template run<true>();
        else sum.template run<false>();
    }
};

}  // namespace
}  // namespace rankgrad
