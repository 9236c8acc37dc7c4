// The sums of smooth_ranks.hpp in near-linear time, for long lists: rows are all items, sources all items, both known
// by their place in a bin of scores (expansion/bin_potentials.hpp).
//
// With sources s_i the fields give sum_i s_i K(z_k - z_i), the item itself included:
//   ranks     r_k = 1/2 + sum sigma             gradient  g_k = sum f_i a - f_k sum a
// and so on, each product of a row's and a source's number being a sum of its own. An item's own term, sigma(0), a(0)
// or a(0)^2, is taken off. That costs no digits where another item is in the bin, since its term is as large. An item
// that is alone in its bin is no source for itself to begin with, so that the smallest of sums keep their relative
// accuracy.
//
// Accuracy is that of expansion_tables.hpp. For a^2, relative to itself, it is 5e-8 (1.1e-7 in the nearest of the far
// bins) with 8 nodes, 2e-13 with 16; beside it the Hessian has terms with a, which are mostly larger.
#pragma once

#include "kernels/contract/listwise.hpp"
#include "kernels/expansion/bin_places.hpp"
#include "kernels/expansion/bin_potentials.hpp"
#include "kernels/simd/lane_transpose.hpp"

namespace rankgrad {
namespace {

/// phi(m) = sigma(-m), with sigma'(m)^2 in the place of the positive curvature.
struct SmoothRank : SoftZeroOne {
    /// sigma'^2 = e^-2m / (1 + e^-m)^4
    static double positive_tail(int k) { return (k % 2 ? -1.0 : 1.0) * (k + 1) * k * (k - 1) / 6; }
    template <class T> Jet<T> eval(T margin, T label_gap) const {
        Jet<T> jet = SoftZeroOne::eval(margin, label_gap);
        jet.positive_curvature = jet.slope * jet.slope;
        return jet;
    }
};

/// What a binned sum is: functions kernel(0), ... of the margin and densities, the first of them of sources 1. `take`
/// gets sum[f * densities + d], and whether the item's own terms are in them.
template <int functions_, int densities_, PairFunction... kernels> struct BinnedSum {
    using V = Lanes<double>;
    using Job = ListJob<double>;
    static constexpr int functions = functions_, densities = densities_, outputs = functions * densities;
    static constexpr PassFunctions of_margin = {functions, {kernels...}};
    static RANKGRAD_INLINE V load(const double* x, std::int32_t k) { return V::load(x + k); }
};

struct RankOfItem : BinnedSum<1, 1, kPhi> {
    static double source(const Job&, int, std::int32_t) { return 1; }
    static RANKGRAD_INLINE void take(const Job& job, std::int32_t k, const V (&sum)[outputs], V own) {
        (V(1) + (sum[0] - V(0.5) * own)).store(job.work[kRank] + k);
    }
};

/// r'_k = sum a (v_i - v_k); phi' is -a.
struct RankChangeOfItem : BinnedSum<1, 2, kPhiSlope> {
    static RANKGRAD_INLINE double source(const Job& job, int, std::int32_t k) { return job.vector[k]; }
    static RANKGRAD_INLINE void take(const Job& job, std::int32_t k, const V (&sum)[outputs], V) {
        (load(job.vector, k) * sum[0] - sum[1]).store(job.work[kRankChange] + k);
    }
};

struct RankGradient : BinnedSum<1, 2, kPhiSlope> {
    static RANKGRAD_INLINE double source(const Job& job, int, std::int32_t k) { return job.work[kSlope][k]; }
    static RANKGRAD_INLINE void take(const Job& job, std::int32_t k, const V (&sum)[outputs], V) {
        (V(job.scale) * (load(job.work[kSlope], k) * sum[0] - sum[1])).store(job.grad + k);
    }
};

/// Gradient, and of the Hessian sum (f_i - f_k) b + c_k (sum a)^2; phi'' is -b.
struct RankHessian : BinnedSum<2, 2, kPhiSlope, kPhiCurvature> {
    static RANKGRAD_INLINE double source(const Job& job, int, std::int32_t k) { return job.work[kSlope][k]; }
    static RANKGRAD_INLINE void take(const Job& job, std::int32_t k, const V (&sum)[outputs], V own) {
        const V f = load(job.work[kSlope], k), c = load(job.work[kCurvature], k);
        (V(job.scale) * (f * sum[0] - sum[1])).store(job.grad + k);
        const V width = sum[0] + V(0.25) * own;
        multiply_add(c * width, width, f * sum[2] - sum[3]).store(job.hess + k);
    }
};
/// And sum c_i a^2.
struct RankHessianSquares : BinnedSum<1, 2, kPhiPositiveCurvature> {
    static RANKGRAD_INLINE double source(const Job& job, int, std::int32_t k) { return job.work[kCurvature][k]; }
    static RANKGRAD_INLINE void take(const Job& job, std::int32_t k, const V (&sum)[outputs], V own) {
        const V squares = sum[1] - V(1.0 / 16) * own * load(job.work[kCurvature], k);
        (V(job.curvature_scale) * (load(job.hess, k) + squares)).store(job.hess + k);
    }
};

/// Gradient and sum (|f_i| + |f_k|) a.
struct RankPositiveHessian : BinnedSum<1, 3, kPhiSlope> {
    static RANKGRAD_INLINE double source(const Job& job, int density, std::int32_t k) {
        const double f = job.work[kSlope][k];
        return density == 1 || f > 0 ? f : -f;
    }
    static RANKGRAD_INLINE void take(const Job& job, std::int32_t k, const V (&sum)[outputs], V own) {
        const V f = load(job.work[kSlope], k), size = abs(f);
        (V(job.scale) * (f * sum[0] - sum[1])).store(job.grad + k);
        const V others = size * (sum[0] + V(0.5) * own) + sum[2];
        (V(-job.curvature_scale) * others).store(job.hess + k);
    }
};

/// Of the Hessian-vector product sum (c_i r'_i - c_k r'_k) a.
struct RankProduct : BinnedSum<1, 2, kPhiSlope> {
    static RANKGRAD_INLINE double source(const Job& job, int, std::int32_t k) {
        return job.work[kCurvature][k] * job.work[kRankChange][k];
    }
    static RANKGRAD_INLINE void take(const Job& job, std::int32_t k, const V (&sum)[outputs], V) {
        const V y = load(job.work[kCurvature], k) * load(job.work[kRankChange], k);
        (y * sum[0] - sum[1]).store(job.grad + k);
    }
};
/// And sum (f_i - f_k) b (v_k - v_i).
struct RankProductTurns : BinnedSum<1, 4, kPhiCurvature> {
    static RANKGRAD_INLINE double source(const Job& job, int density, std::int32_t k) {
        const double f = job.work[kSlope][k], v = job.vector[k];
        return density == 1 ? f : density == 2 ? v : f * v;
    }
    static RANKGRAD_INLINE void take(const Job& job, std::int32_t k, const V (&sum)[outputs], V) {
        const V f = load(job.work[kSlope], k), v = load(job.vector, k);
        const V turns = (f * (v * sum[0] - sum[2])) + (sum[3] - v * sum[1]);
        (V(job.scale) * (load(job.grad, k) + turns)).store(job.grad + k);
    }
};

template <class Sum, int nodes> class SmoothRankSteps {
    using V = Lanes<double>;
    using Fields = BinPotentials<nodes, Sum::densities, Sum::functions>;
    static constexpr int densities = Sum::densities, outputs = Sum::outputs;

    static std::int32_t chunk(std::int32_t begin, std::int32_t end) {
        return end - begin < kExpansionChunk ? end - begin : kExpansionChunk;
    }

public:
    static constexpr int moment_doubles = densities * nodes;
    static constexpr int bin_doubles = (3 * densities + outputs) * nodes;

    static void moments(const ListJob<double>& job, const Expansion& e) {
        BinPlaces places;
        for (std::int32_t first = job.row_begin; first < job.row_end; first += kExpansionChunk) {
            const std::int32_t count = chunk(first, job.row_end);
            places.locate(e, job.score, first, count);
            for (std::int32_t k = 0; k < count; ++k) {
                const BinPolynomials<nodes> basis(places.place[k]);
                double* density = e.bins + std::int64_t{places.bin[k]} * moment_doubles;
                basis.add_to_moments(density);
                for (int d = 1; d < densities; ++d)
                    basis.add_to_moments(Sum::source(job, d, first + k), density + d * nodes);
            }
        }
    }

    static void near(const Expansion& e, std::int32_t begin, std::int32_t end) {
        Fields fields(e, Sum::of_margin, false);
        fields.update_tails(begin, end);
        fields.make_near_potentials(begin, end);
    }
    static void far(const Expansion& e) { Fields(e, Sum::of_margin, false).add_far_potentials(); }
    static void carry(const Expansion& e) {
        Fields fields(e, Sum::of_margin, false);
        fields.update_tails();
        fields.carry(e.backward);
    }
    static constexpr std::int64_t carried_doubles = Fields::carried_doubles;

    static void results(const ListJob<double>& job, const Expansion& e) {
        Fields fields(e, Sum::of_margin, false);
        BinPlaces places;
        for (std::int32_t first = job.row_begin; first < job.row_end; first += kExpansionChunk) {
            const std::int32_t count = chunk(first, job.row_end);
            places.locate(e, job.score, first, count);
            for (std::int32_t k = 0; k < count; k += V::count) {
                V part[outputs][V::count];
                double own[V::count];
                for (int l = 0; l < V::count; ++l) {
                    const std::int32_t bin = places.bin[k + l];
                    const BinPolynomials<nodes> basis(places.place[k + l]);
                    for (int o = 0; o < outputs; ++o) part[o][l] = basis.series(fields.potential(bin, o));
                    own[l] = e.marks[bin] == kFilledBin;
                }
                V sum[outputs];
                for (int o = 0; o < outputs; ++o) sum[o] = sum_each(part[o]);
                Sum::take(job, first + k, sum, V::load(own));
            }
        }
    }
};

}  // namespace
}  // namespace rankgrad
