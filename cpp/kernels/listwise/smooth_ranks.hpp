// Metrics of smooth ranks: ApproxNDCG and ApproxMRR [Qin, Liu & Li, 2010; Bruch et al., SIGIR 2019].
//   r_i = 1 + sum_{j != i} sigma(z_j - z_i),   L = -metric(r),   f = dL/dr, c = d2L/dr2 (diagonal)
// With a = sigma'(z_k - z_i) (even) and b = sigma''(z_k - z_i) (odd), sums over i != k:
//   g_k = sum (f_i - f_k) a,   h_k = sum [c_i a^2 + (f_i - f_k) b] + c_k (sum a)^2
//   (H v)_k = sum [(c_i r'_i - c_k r'_k) a + (f_i - f_k) b (v_k - v_i)],   r'_i = sum_j a (v_j - v_i)
// The positive curvature sum (|f_i| + |f_k|) a is that of soft zero-one losses over the pairs: no Newton step is longer
// than the temperature.
//
// Here are the sums over all pairs, row by row, for short lists, and the metrics. Ranks and slopes are steps of their
// own, whose place the near-linear sums of smooth_ranks_binned.hpp take in long lists.
#pragma once

#include "kernels/listwise/list_loss.hpp"
#include "kernels/simd/lane_sums.hpp"
#include "kernels/simd/vector_math.hpp"

namespace rankgrad {
namespace {

/// sigma(d) of d = z_column - z_row, with its first derivative a and its second b. Terms of far pairs are 0 and not
/// merely small: a factor of the temperature, which may be large, comes later.
struct Sigmoid {
    Lanes<double> q, a, b;
};
template <bool factored>
RANKGRAD_INLINE Sigmoid sigmoid(const ListJob<double>& job, Lanes<double> row, Lanes<double> column) {
    using V = Lanes<double>;
    if constexpr (factored) {
        const V u = row * column;  // e^d
        const V p = V(1) / (V(1) + u);
        const V q = u * p, a = q * p;
        return {q, a, a * ((V(1) - u) * p)};
    }
    const V d = (column - row) * V(job.per_temperature);
    const V e = exp_negative(-abs(d));
    const V p = V(1) / (V(1) + e);
    const V small = e * p, a = small * p, b = a * ((V(1) - e) * p);
    const auto positive = d > V(0);
    return {select(positive, p, small), a, select(positive, -b, b)};
}

/// Calls body(k, mask) for the registers of columns; `mask` leaves out the row itself and what lies past the end.
template <class Body> RANKGRAD_INLINE void for_other_columns(std::int32_t n, std::int32_t row, Body body) {
    using V = Lanes<double>;
    V index(0);
    for (int l = 0; l < V::count; ++l) set_lane<double>(index.v, l, l);
    for (std::int32_t k = 0; k < n; k += V::count) {
        if (k + V::count <= n && (row < k || row >= k + V::count)) {
            body(k, first_lanes<double>(V::count));
        } else {
            // At least 1 past the row or before it, and before the end: comparisons of doubles, which every level has.
            const V outside = select(index < V(n - k), abs(index - V(row - k)), V(0));
            body(k, outside > V(0));
        }
    }
}

/// Step 1: the ranks, and their change along `vector`.
template <bool along_vector> struct RankSum {
    using V = Lanes<double>;

    template <bool factored> static void rows(const ListJob<double>& job) {
        for (std::int32_t i = job.row_begin; i < job.row_end; ++i) {
            const V row(job.work[kRowOperand][i]);
            V rank(0), change(0);
            for_other_columns(job.n, i, [&](std::int32_t k, typename V::Mask others) {
                const Sigmoid s = sigmoid<factored>(job, row, V::load(job.work[kColumnOperand] + k));
                rank += select(others, s.q, V(0));
                if constexpr (along_vector)
                    change += select(others, s.a, V(0)) * (V::load(job.vector + k) - V(job.vector[i]));
            });
            job.work[kRank][i] = 1 + sum(rank);
            if constexpr (along_vector) job.work[kRankChange][i] = sum(change);
        }
    }
    static double call(const ListJob<double>& job) {
        if (job.factored) rows<true>(job);
        else rows<false>(job);
        return 0;
    }
};

/// Step 3: gradient and Hessian from the slopes and curvatures of the metric.
template <PairMode mode> struct SlopeSum {
    using V = Lanes<double>;

    template <bool factored> static void row(const ListJob<double>& job, std::int32_t k) {
        const double f_k = job.work[kSlope][k], c_k = job.work[kCurvature][k];
        const V self(job.work[kRowOperand][k]), slope(f_k);
        [[maybe_unused]] const double y_k = mode == kHessVector ? c_k * job.work[kRankChange][k] : 0;
        V grad(0), hess(0), width(0);
        for_other_columns(job.n, k, [&](std::int32_t i, typename V::Mask others) {
            const Sigmoid s = sigmoid<factored>(job, self, V::load(job.work[kColumnOperand] + i));
            const V a = select(others, s.a, V(0));
            const V b = select(others, -s.b, V(0));  // sigma''(z_k - z_i) = -sigma''(z_i - z_k)
            const V f = V::load(job.work[kSlope] + i), c = V::load(job.work[kCurvature] + i);
            if constexpr (mode == kHessVector) {
                grad += (c * V::load(job.work[kRankChange] + i) - V(y_k)) * a;
                grad += (f - slope) * b * (V(job.vector[k]) - V::load(job.vector + i));
            } else {
                grad += (f - slope) * a;
            }
            if constexpr (mode == kGradHess) {
                hess += multiply_add(c * a, a, (f - slope) * b);
                width += a;
            }
            if constexpr (mode == kGradPositiveHess) hess += (abs(f) + abs(slope)) * a;
        });
        job.grad[k] = job.scale * sum(grad);
        if constexpr (with_hess(mode)) {
            const double spread = mode == kGradHess ? sum(width) : 0;
            job.hess[k] = job.curvature_scale * (sum(hess) + c_k * spread * spread);
        }
    }
    template <bool factored> static void rows(const ListJob<double>& job) {
        for (std::int32_t k = job.row_begin; k < job.row_end; ++k) row<factored>(job, k);
    }
    static double call(const ListJob<double>& job) {
        if (job.factored) rows<true>(job);
        else rows<false>(job);
        return 0;
    }
};

/// Step 2 of ApproxNDCG: L = -sum G D(r) / ideal, D(r) = 1 / log2(1 + r). A cutoff at k multiplies D(r) by
/// sigma((k + 1/2 - r) / temperature): NDCG@k as the temperature goes to 0.
struct ApproxNdcg {
    static constexpr Parameter parameters[kMostParameters] = {{"k", 0, kCutoff}};
    static constexpr const char* name = "approx_ndcg";
    static constexpr bool by_rows = true;

    static double metric(const ListJob<double>& job) {
        using V = Lanes<double>;
        const double ln2 = 0.69314718055994530942;
        const double cutoff = job.parameters[0], inverse_width = 1 / job.temperature;
        const double per_width = inverse_width < kLargestDouble ? inverse_width : kLargestDouble;
        const bool all = cutoff == 0 || cutoff >= job.n;
        double total = 0;
        for (std::int32_t k = job.row_begin; k < job.row_end; k += V::count) {
            const V after = V(1) + max(V::load(job.work[kRank] + k), V(1));  // 1 + r; past the end anything
            const V inverse_log = V(1) / log(after), inverse = V(1) / after;
            V d = V(ln2) * inverse_log;
            V slope = -d * inverse_log * inverse;
            V curvature = d * inverse_log * inverse * inverse * multiply_add(V(2), inverse_log, V(1));
            if (!all) {
                const V x = (V(cutoff + 1.5) - after) * V(per_width);
                const V e = exp_negative(-abs(x));
                const V p = V(1) / (V(1) + e);
                const auto inside = x > V(0);
                const V cut = select(inside, p, e * p);
                const V cut_slope = -(e * p * p) * V(per_width);
                const V bend = e * p * p * ((V(1) - e) * p);  // |sigma''|
                // One factor after the other: their square may be infinite where the bend is 0.
                const V cut_curvature = select(inside, -bend, bend) * V(per_width) * V(per_width);
                curvature = curvature * cut + V(2) * slope * cut_slope + d * cut_curvature;
                slope = slope * cut + d * cut_slope;
                d = d * cut;
            }
            const V share = V::load(job.target + k) / V(job.ideal);
            const V factor = select(first_lanes<double>(job.n - k), -share, V(0));
            total += sum(factor * d);
            (factor * slope).store(job.work[kSlope] + k);
            (factor * curvature).store(job.work[kCurvature] + k);
        }
        return total;
    }
};

/// Step 2 of ApproxMRR: L = -1 / (least r of the relevant items, target > 0). Equal least ranks share the slope.
struct ApproxMrr {
    static constexpr Parameter parameters[kMostParameters] = {};
    static constexpr const char* name = "approx_mrr";
    static constexpr bool by_rows = false;

    static double metric(const ListJob<double>& job) {
        double best = 0;  // 1 / r
        std::int32_t ties = 0;
        for (std::int32_t k = 0; k < job.n; ++k) {
            const double reciprocal = job.target[k] > 0 ? 1 / job.work[kRank][k] : 0;
            ties = reciprocal > best ? 1 : ties + (reciprocal == best);
            best = reciprocal > best ? reciprocal : best;
        }
        for (std::int32_t k = 0; k < job.n; ++k) {
            const bool first = job.target[k] > 0 && 1 / job.work[kRank][k] == best;
            job.work[kSlope][k] = first ? best * best / ties : 0;
            job.work[kCurvature][k] = first ? -2 * best * best * best / ties : 0;
        }
        return -best;
    }
};

template <class Metric> struct SmoothRankLoss : ListLoss {
    static constexpr const char* name = Metric::name;
    static constexpr const Parameter (&parameters)[kMostParameters] = Metric::parameters;
    static constexpr bool scratch_hess = false;
    static constexpr int work_arrays = 5, work_arrays_along_vector = 6;
    static constexpr RankKernels rank = {{&RankSum<false>::call, &RankSum<true>::call},
                                         &Metric::metric,
                                         Metric::by_rows,
                                         {nullptr, &SlopeSum<kValueGrad>::call, &SlopeSum<kGradHess>::call,
                                          &SlopeSum<kGradPositiveHess>::call, &SlopeSum<kHessVector>::call}};
};

using SmoothRankLosses = List<SmoothRankLoss<ApproxNdcg>, SmoothRankLoss<ApproxMrr>>;

}  // namespace
}  // namespace rankgrad
