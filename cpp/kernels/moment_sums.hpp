// Sums over all pairs of a polynomial of the margin, from moments: O(n), no sort.
//
// Squared error over ordered pairs, r = s - y, rho = r - mean(r), n items, row weights w with sum W:
//   row value  sum_j (r_k - r_j)^2      = n rho_k^2 + sum rho^2
//   gradient   2 w_k sum_j (r_k - r_j) + 2 sum_i w_i (r_k - r_i) = 2 (w_k n + W) rho_k - 2 sum w rho
//   Hessian    diagonal 2 (w_k (n - 1) + W - w_k);  times v, nu = v - mean(v):  2 (w_k n + W) nu_k - 2 sum w nu
// Differences are unchanged by the centring, which keeps the sums from cancelling.
#pragma once

#include "kernels/pair_losses.hpp"

namespace rankgrad {
namespace {

template <PairMode mode> struct SquaredErrorSum {
    static double centred(const PairJob<double>& job, double mean, std::int32_t k) {
        return (mode == kHessVector ? job.vector[k] : job.row[k] - job.label[k]) - mean;
    }

    static void call(const PairJob<double>& job) {
        const std::int32_t n = job.row_end;
        double mean = 0, square = 0, total_weight = 0, weighted_sum = 0;
        for (std::int32_t k = 0; k < n; ++k) mean += centred(job, 0, k);
        mean /= n;
        for (std::int32_t k = 0; k < n; ++k) {
            const double r = centred(job, mean, k), w = job.weight[k];
            square += r * r;
            total_weight += w;
            weighted_sum += w * r;
        }
        for (std::int32_t k = 0; k < n; ++k) {
            const double r = centred(job, mean, k), w = job.weight[k];
            if constexpr (mode == kValue || mode == kValueGrad) job.value[k] += n * r * r + square;
            if constexpr (mode != kValue) job.grad[k] += 2 * (w * n + total_weight) * r - 2 * weighted_sum;
            if constexpr (mode == kGradHess || mode == kGradPositiveHess)
                job.hess[k] += 2 * (w * (n - 1) + total_weight - w);
        }
    }
};

}  // namespace
}  // namespace rankgrad
