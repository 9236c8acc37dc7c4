// The sum over the pairs between two groups of items, lower and upper, for the hinge losses, phi = slack^p, with
// weights that depend on the ranks: |g_i - g_j| |D_i - D_j| phi(x_i - x_j). Exact but for rounding, in O(n).
//
// In the order of the scores, highest first, two sets of partners of an item are known: those passed, which are ranked
// above it and all have slack, and those reached, x_j > x_i - unit, which contain them. With slack = q + x_j, q = unit
// - x_i,
//   sum |D_i - D_j| slack^k = sum_b binomial(k, b) q^(k-b) [P(D x^b) - D_i P(x^b)  +  D_i R(x^b) - R(D x^b)],
// P the sums over the passed, R those over the reached that are not passed. These differences cancel, so that all sums
// carry their rounding errors along and products are exact (compensated.hpp): twice the digits of double.
#pragma once

#include "kernels/simd/compensated.hpp"
#include "kernels/contract/lambda.hpp"
#include "kernels/losses/pair_losses.hpp"

namespace rankgrad {
namespace {

RANKGRAD_INLINE Compensated operator-(Compensated a, const Compensated& b) {
    a.add(-b.sum);
    a.error -= b.error;
    return a;
}
RANKGRAD_INLINE Compensated operator*(const Compensated& a, double x) {
    const double product = product_of(a.sum, x);
    return {product, product_error(a.sum, x, product) + a.error * x};
}
RANKGRAD_INLINE Compensated operator*(const Compensated& a, const Compensated& b) {
    Compensated product = a * b.sum;
    product.error += a.sum * b.error;
    return product;
}

/// Sums of x^b and of D x^b over partners, with their gain factors.
template <int degree> struct SlackMoments {
    Compensated plain[2][degree + 1], discounted[2][degree + 1];

    RANKGRAD_INLINE void add(const ScanJob& job, std::int32_t k, double x, double discount) {
        double source = job.gains == 1 ? job.strength[k] * job.factor[k] : job.strength[k];
        for (int gain = 0; gain < job.gains; ++gain) {
            Compensated term{source, 0};
            for (int b = 0; b <= degree; ++b) {
                plain[gain][b] += term;
                if (job.ranked) discounted[gain][b] += term * discount;
                term = term * x;
            }
            source *= job.factor[k];
        }
    }
};

/// What a mode makes of the sums of slack^k: two outputs, a factor and a power each.
struct SlackOutput {
    int power;
    double factor;
};
struct SlackFunctions {
    int degree;
    SlackOutput at[2];
};
template <int power> constexpr SlackFunctions slack_functions(PairMode mode) {
    if (mode == kValue) return {power, {{power, 1}, {0, 0}}};
    if (mode == kValueGrad) return {power, {{power, 1}, {power - 1, -power}}};
    if (mode == kHessVector) return {0, {{0, power == 2 ? 2.0 : 0.0}, {0, 0}}};
    const double curvature = power == 2 ? 2 : mode == kGradPositiveHess ? 1 : 0;
    return {power - 1, {{power - 1, -power}, {0, curvature}}};
}

template <int degree> class HingeScan {
    const ScanJob& job_;
    const SlackFunctions functions_;

    /// The sums of slack^k over the partners of an item with D = discount and unit - x = q.
    RANKGRAD_INLINE void partner_sums(const SlackMoments<degree>& passed, const SlackMoments<degree>& reached, int gain,
                                      double discount, const Compensated& q, double (&sum)[degree + 1]) const {
        Compensated moment[degree + 1];
        for (int b = 0; b <= degree; ++b) {
            moment[b] = reached.plain[gain][b];
            if (!job_.ranked) continue;
            const Compensated behind = reached.plain[gain][b] - passed.plain[gain][b];
            moment[b] = (passed.discounted[gain][b] - passed.plain[gain][b] * discount);
            moment[b] += behind * discount - (reached.discounted[gain][b] - passed.discounted[gain][b]);
        }
        sum[0] = moment[0].total();
        if constexpr (degree >= 1) {
            Compensated first = moment[0] * q;
            first += moment[1];
            sum[1] = first.total();
            if constexpr (degree >= 2) {
                Compensated second = first * q;
                second += moment[1] * q;
                second += moment[2];
                sum[2] = second.total();
            }
        }
    }

    /// Targets are the items of the upper group; mirrored, x = -score, those of the lower group.
    void walk(bool mirrored) {
        const std::int32_t n = job_.n;
        const double sign = mirrored ? -1 : 1;
        SlackMoments<degree> passed, reached;
        std::int32_t next = 0;
        for (std::int32_t p = 0; p < n; ++p) {
            const std::int32_t k = mirrored ? n - 1 - p : p;
            const double x = sign * job_.score[k], discount = sign * job_.discount[k];
            if ((job_.upper[k] != 0) == mirrored) {
                passed.add(job_, k, x, discount);
                continue;
            }
            for (; next < n; ++next) {
                const std::int32_t j = mirrored ? n - 1 - next : next;
                if ((job_.upper[j] != 0) != mirrored) continue;
                const double margin = x - sign * job_.score[j];
                if (!(margin < job_.unit)) break;
                reached.add(job_, j, sign * job_.score[j], sign * job_.discount[j]);
            }
            double sum[degree + 1], other[degree + 1] = {};
            Compensated q{job_.unit, 0};
            q.add(-x);
            partner_sums(passed, reached, 0, discount, q, sum);
            if (job_.gains == 2) partner_sums(passed, reached, 1, discount, q, other);
            for (int f = 0; f < 2; ++f) {
                const SlackOutput out = functions_.at[f];
                if (out.factor == 0) continue;
                const double own = job_.factor[k] * sum[out.power];
                job_.out[f][k] += out.factor * (job_.gains == 2 ? own + other[out.power] : own);
            }
        }
    }

public:
    HingeScan(const ScanJob& job, const SlackFunctions& functions) : job_(job), functions_(functions) {}

    void run() { walk(job_.lower); }
};

template <int power> void hinge_scan(const ScanJob& job) {
    const SlackFunctions functions = slack_functions<power>(job.mode);
    if (power == 1 && job.mode == kHessVector) return;  // no curvature anywhere
    if (functions.degree == 0) HingeScan<0>(job, functions).run();
    else if (functions.degree == 1) HingeScan<1>(job, functions).run();
    else if constexpr (power == 2) HingeScan<2>(job, functions).run();
}

}  // namespace
}  // namespace rankgrad
