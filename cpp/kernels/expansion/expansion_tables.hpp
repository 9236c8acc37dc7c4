// What the near-linear sums know of a loss, computed once per process: its functions between two bins as polynomials, and
// its tails as exponentials.
//
// A loss that is analytic for |Im m| < pi declares `expandable` and its tails (pair_losses.hpp):
//   m > 0: phi(m) = sum_k right_k e^-km,   m < 0: phi(m) = left_constant + left_slope m + sum_k left_k e^-k|m|,
// and the positive curvature sum_k positive_k e^-k|m| on both sides. Derivatives follow term by term.
//
// Accuracy. Between two bins of width h a function is replaced by its interpolant at nodes x nodes Chebyshev points, whose
// error falls like rho^-nodes, rho = 2 pi / h + sqrt((2 pi / h)^2 + 1). Largest relative error over all pairs of phi,
// phi', phi'' of the logistic and phi'' of the soft zero-one loss (relative to its positive curvature):
//    8 nodes, h = 0.75:  5e-10, 1e-9, 5e-9, 2e-8        16 nodes, h = 1.25:  3e-15, 3e-15, 5e-15, 3e-14
// Farther than `near` bins the tail's first `terms` terms stand for the function: the next one is below 4e-9 and 2e-15 of
// the first, even with the factor k^2 of the second derivative.
#pragma once

#include "kernels/expansion/bin_polynomials.hpp"
#include "kernels/losses/pair_losses.hpp"

namespace rankgrad {
namespace {

enum PairFunction { kPhi, kPhiSlope, kPhiCurvature, kPhiPositiveCurvature, kPairFunctions };

/// The functions of the margin that a pass sums.
template <PairMode mode, bool backward> struct PassFunctions {
    static constexpr int count =
        mode == kGradHess || mode == kGradPositiveHess || (mode == kValueGrad && !backward) ? 2 : 1;
    static constexpr PairFunction at(int f) {
        if (mode == kHessVector) return kPhiCurvature;
        if (mode == kValue || (mode == kValueGrad && !backward && f == 0)) return kPhi;
        return f == 0 || mode == kValueGrad ? kPhiSlope : mode == kGradHess ? kPhiCurvature : kPhiPositiveCurvature;
    }
};

template <int n> struct ExpansionTables {
    static constexpr int nodes = n;
    static constexpr int terms = n;  ///< of the tails
    static constexpr int near = n == 8 ? 4 : 2;
    static constexpr double width = n == 8 ? 0.75 : 1.25;

    /// Bins b (target) and b - offset (source), t and u in [-1, 1] the places in them:
    /// function(x_i - x_j) = sum_ac pair[function][near + offset][a][c] B_a(u) B_c(t), B the basis of bin_polynomials.hpp.
    double pair[kPairFunctions][2 * near + 1][nodes][nodes];
    double rise[terms][nodes];  ///< e^(+k u h/2) = sum_a rise[k - 1][a] B_a(u)
    double fall[terms][nodes];  ///< e^(-k u h/2)
    double rise_by_element[nodes][terms], fall_by_element[nodes][terms];
    double rate[terms];      ///< kh
    double decay[terms];     ///< e^-kh: one bin farther
    double jump[terms];      ///< e^-k(near + 1)h: the nearest bin of the far field
    double smallest[terms];  ///< below it a tail is dropped: nothing beside the first term's, and slow as denormal
    double right[kPairFunctions][terms], left[kPairFunctions][terms];
    double left_constant[kPairFunctions], left_slope[kPairFunctions];
};

template <class Loss, int nodes> class ExpansionFill {
    using Tables = ExpansionTables<nodes>;
    using V = Lanes<double>;
    static constexpr double half = Tables::width / 2;

    const double* cosine_;  // [k][m] = T_k(x_m) at the Chebyshev nodes x_m
    Tables& tables_;

    double node(int m) const { return cosine_[nodes + m]; }

    /// Coefficients of the Chebyshev interpolant of n_rows rows of node values.
    template <int n_rows> void coefficients(const double (&value)[n_rows][nodes], double (&out)[n_rows][nodes]) const {
        for (int r = 0; r < n_rows; ++r)
            for (int k = 0; k < nodes; ++k) {
                double total = 0;
                for (int m = 0; m < nodes; ++m) total += value[r][m] * cosine_[k * nodes + m];
                out[r][k] = total * (k == 0 ? 1.0 : 2.0) / nodes;
            }
        for (int r = 0; r < n_rows; ++r) BinPolynomials<nodes>::from_chebyshev(out[r]);
    }

    void between_bins(int offset) {
        double value[kPairFunctions][nodes][nodes], half_way[nodes][nodes], turned[nodes][nodes];
        double margin[nodes];
        Loss loss;
        for (int source = 0; source < nodes; ++source) {
            for (int m = 0; m < nodes; ++m) margin[m] = offset * Tables::width + half * (node(m) - node(source));
            for (int m = 0; m < nodes; m += V::count) {
                const Jet<V> jet = loss.eval(V::load(margin + m), V(0));
                jet.value.store(&value[kPhi][source][m]);
                jet.slope.store(&value[kPhiSlope][source][m]);
                jet.curvature.store(&value[kPhiCurvature][source][m]);
                jet.positive_curvature.store(&value[kPhiPositiveCurvature][source][m]);
            }
        }
        for (int f = 0; f < kPairFunctions; ++f) {
            coefficients(value[f], half_way);  // of the target's place
            for (int a = 0; a < nodes; ++a)
                for (int c = 0; c < nodes; ++c) turned[c][a] = half_way[a][c];
            coefficients(turned, half_way);  // of the source's place
            for (int a = 0; a < nodes; ++a)
                for (int c = 0; c < nodes; ++c) tables_.pair[f][Tables::near + offset][a][c] = half_way[c][a];
        }
    }
    /// e^x of one number.
    static double exponential(double x) {
        double lane[V::count];
        exp(V(x)).store(lane);
        return lane[0];
    }

    void tails() {
        double rise[Tables::terms][nodes], fall[Tables::terms][nodes];
        for (int j = 0; j < Tables::terms; ++j) {
            const double k = j + 1;
            for (int m = 0; m < nodes; ++m) {
                rise[j][m] = exponential(k * half * node(m));
                fall[j][m] = exponential(-k * half * node(m));
            }
            tables_.rate[j] = k * Tables::width;
            tables_.decay[j] = exponential(-k * Tables::width);
            tables_.jump[j] = exponential(-k * (Tables::near + 1) * Tables::width);
            tables_.smallest[j] = j == 0 ? 0 : 1e-290;
            const double right = Loss::right_tail(j + 1), left = Loss::left_tail(j + 1);
            const double positive = Loss::positive_tail(j + 1);
            const double on_the_right[] = {right, -k * right, k * k * right, positive};
            const double on_the_left[] = {left, k * left, k * k * left, positive};
            for (int f = 0; f < kPairFunctions; ++f) {
                tables_.right[f][j] = on_the_right[f];
                tables_.left[f][j] = on_the_left[f];
            }
        }
        coefficients(rise, tables_.rise);
        coefficients(fall, tables_.fall);
        for (int j = 0; j < Tables::terms; ++j)
            for (int a = 0; a < nodes; ++a) {
                tables_.rise_by_element[a][j] = tables_.rise[j][a];
                tables_.fall_by_element[a][j] = tables_.fall[j][a];
            }
        const double constant[] = {Loss::left_constant, Loss::left_slope, 0, 0};
        const double slope[] = {Loss::left_slope, 0, 0, 0};
        for (int f = 0; f < kPairFunctions; ++f) {
            tables_.left_constant[f] = constant[f];
            tables_.left_slope[f] = slope[f];
        }
    }

    ExpansionFill(const double* cosine, Tables& tables) : cosine_(cosine), tables_(tables) {}

public:
    /// Fills `tables`, an ExpansionTables<nodes>; cosine[k * nodes + m] = cos(k (m + 1/2) pi / nodes).
    static void call(const double* cosine, double* tables) {
        ExpansionFill fill(cosine, *reinterpret_cast<Tables*>(tables));
        for (int offset = -Tables::near; offset <= Tables::near; ++offset) fill.between_bins(offset);
        fill.tails();
    }
};

}  // namespace
}  // namespace rankgrad
