// What the near-linear sums know of a loss, computed once per process: its functions between two bins as polynomials,
// and its tails as exponentials.
//
// A loss that is analytic for |Im m| < pi declares `expandable` and its tails (pair_losses.hpp):
//   m > 0: phi(m) = sum_k right_k e^-km,   m < 0: phi(m) = left_constant + left_slope m + sum_k left_k e^-k|m|,
// and the positive curvature sum_k positive_k e^-k|m| on both sides. Derivatives follow term by term.
//
// Accuracy. Between two bins of width h a function is replaced by its interpolant at nodes x nodes Chebyshev points,
// whose error falls like rho^-nodes, rho = 2 pi / h + sqrt((2 pi / h)^2 + 1). Largest relative error over all pairs of
// phi, phi', phi'' of the logistic and phi'' of the soft zero-one loss (relative to its positive curvature):
//    8 nodes, h = 0.75:  5e-10, 1e-9, 5e-9, 2e-8        16 nodes, h = 1.25:  3e-15, 3e-15, 5e-15, 3e-14
// Farther than `near` bins the tail's first `nodes` terms stand for the function: the next one is below 4e-9 and 2e-15
// of the first, even with the factor k^2 of the second derivative.
#pragma once

#include "kernels/expansion/bin_polynomials.hpp"
#include "kernels/losses/pair_losses.hpp"

namespace rankgrad {
namespace {

enum PairFunction { kPhi, kPhiSlope, kPhiCurvature, kPhiPositiveCurvature, kPairFunctions };

/// The functions of the margin that a pass sums: one or two.
struct PassFunctions {
    int count;
    PairFunction at[2];
};
constexpr PassFunctions pass_functions(PairMode mode, bool backward = false) {
    if (mode == kHessVector) return {1, {kPhiCurvature, kPhiCurvature}};
    if (mode == kValue) return {1, {kPhi, kPhi}};
    if (mode == kValueGrad) return backward ? PassFunctions{1, {kPhiSlope}} : PassFunctions{2, {kPhi, kPhiSlope}};
    return {2, {kPhiSlope, mode == kGradHess ? kPhiCurvature : kPhiPositiveCurvature}};
}

template <int n> struct ExpansionTables {
    static constexpr int nodes = n;
    static constexpr int near = n == 8 ? 4 : 2;
    static constexpr double width = n == 8 ? 0.75 : 1.25;

    /// Bins b (target) and b - offset (source), t and u in [-1, 1] the places in them: function(x_i - x_j) = sum_ac
    /// pair[function][near + offset][a][c] B_a(u) B_c(t), B the basis of bin_polynomials.hpp.
    double pair[kPairFunctions][2 * near + 1][nodes][nodes];
    double rise[nodes][nodes];  ///< e^(+k u h/2) = sum_a rise[k - 1][a] B_a(u)
    double fall[nodes][nodes];  ///< e^(-k u h/2)
    double rise_by_element[nodes][nodes], fall_by_element[nodes][nodes];
    double rate[nodes];      ///< kh
    double decay[nodes];     ///< e^-kh: one bin farther
    double jump[nodes];      ///< e^-k(near + 1)h: the nearest bin of the far field
    double smallest[nodes];  ///< smaller sums are set to 0: they do not count, and denormals are slow
    double right[kPairFunctions][nodes], left[kPairFunctions][nodes];
    double left_constant[kPairFunctions], left_slope[kPairFunctions];

    /// factor[k - 1] = e^-kh bins, as a square, which may be 0.
    RANKGRAD_INLINE void powers(double bins, Lanes<double> (&factor)[nodes / Lanes<double>::count],
                                int n_registers = nodes / Lanes<double>::count) const {
        using V = Lanes<double>;
        for (int r = 0; r < n_registers; ++r) {
            const V root = exp(max(V(-0.5 * bins) * V::load(rate + r * V::count), V(-700)));
            factor[r] = root * root;
        }
    }
};

/// The tails of a loss, from its first coefficient on.
template <int nodes> struct LossTails {
    double right[nodes], left[nodes], positive[nodes];
    double left_constant, left_slope;
};

/// Fills the tables from what a loss gives at the Chebyshev nodes.
template <int nodes> class TableFill {
    using Tables = ExpansionTables<nodes>;
    static constexpr double half = Tables::width / 2;

    const double* cosine_;  // [k][m] = T_k(x_m) at the Chebyshev nodes x_m
    Tables& tables_;

    double node(int m) const { return cosine_[nodes + m]; }

    /// Coefficients of the Chebyshev interpolant of rows of node values.
    RANKGRAD_NOINLINE void coefficients(const double (&value)[nodes][nodes], double (&out)[nodes][nodes]) const {
        for (int r = 0; r < nodes; ++r)
            for (int k = 0; k < nodes; ++k) {
                double total = 0;
                for (int m = 0; m < nodes; ++m) total += value[r][m] * cosine_[k * nodes + m];
                out[r][k] = total * (k == 0 ? 1.0 : 2.0) / nodes;
            }
        for (int r = 0; r < nodes; ++r) BinPolynomials<nodes>::from_chebyshev(out[r]);
    }

public:
    /// cosine[k * nodes + m] = cos(k (m + 1/2) pi / nodes)
    TableFill(const double* cosine, Tables& tables) : cosine_(cosine), tables_(tables) {}

    /// The margin of a source and a target at nodes of bins so far apart.
    double margin(int offset, int source, int target) const {
        return offset * Tables::width + half * (node(target) - node(source));
    }
    RANKGRAD_NOINLINE void between_bins(int offset, const double (&value)[kPairFunctions][nodes][nodes]) {
        double half_way[nodes][nodes], turned[nodes][nodes];
        for (int f = 0; f < kPairFunctions; ++f) {
            coefficients(value[f], half_way);  // of the target's place
            for (int a = 0; a < nodes; ++a)
                for (int c = 0; c < nodes; ++c) turned[c][a] = half_way[a][c];
            coefficients(turned, half_way);  // of the source's place
            for (int a = 0; a < nodes; ++a)
                for (int c = 0; c < nodes; ++c) tables_.pair[f][Tables::near + offset][a][c] = half_way[c][a];
        }
    }
    RANKGRAD_NOINLINE void tails(const LossTails<nodes>& loss) {
        double rise[nodes][nodes], fall[nodes][nodes];
        for (int j = 0; j < nodes; ++j) {
            const double k = j + 1;
            for (int m = 0; m < nodes; ++m) {
                rise[j][m] = exp_of_one(k * half * node(m));
                fall[j][m] = exp_of_one(-k * half * node(m));
            }
            tables_.rate[j] = k * Tables::width;
            tables_.decay[j] = exp_of_one(-k * Tables::width);
            tables_.jump[j] = exp_of_one(-k * (Tables::near + 1) * Tables::width);
            tables_.smallest[j] = j == 0 ? 0 : 1e-290;
            const double right = loss.right[j], left = loss.left[j], positive = loss.positive[j];
            const double on_the_right[] = {right, -k * right, k * k * right, positive};
            const double on_the_left[] = {left, k * left, k * k * left, positive};
            for (int f = 0; f < kPairFunctions; ++f) {
                tables_.right[f][j] = on_the_right[f];
                tables_.left[f][j] = on_the_left[f];
            }
        }
        coefficients(rise, tables_.rise);
        coefficients(fall, tables_.fall);
        for (int j = 0; j < nodes; ++j)
            for (int a = 0; a < nodes; ++a) {
                tables_.rise_by_element[a][j] = tables_.rise[j][a];
                tables_.fall_by_element[a][j] = tables_.fall[j][a];
            }
        const double constant[] = {loss.left_constant, loss.left_slope, 0, 0}, slope[] = {loss.left_slope, 0, 0, 0};
        for (int f = 0; f < kPairFunctions; ++f) {
            tables_.left_constant[f] = constant[f];
            tables_.left_slope[f] = slope[f];
        }
    }
};

/// Fills `tables`, an ExpansionTables<nodes>, for a loss.
template <class Loss, int nodes> void fill_tables(const double* cosine, double* tables) {
    using Tables = ExpansionTables<nodes>;
    using V = Lanes<double>;
    TableFill<nodes> fill(cosine, *reinterpret_cast<Tables*>(tables));
    Loss loss;
    for (int offset = -Tables::near; offset <= Tables::near; ++offset) {
        double value[kPairFunctions][nodes][nodes], margin[nodes];
        for (int source = 0; source < nodes; ++source) {
            for (int m = 0; m < nodes; ++m) margin[m] = fill.margin(offset, source, m);
            for (int m = 0; m < nodes; m += V::count) {
                const Jet<V> jet = loss.eval(V::load(margin + m), V(0));
                jet.value.store(&value[kPhi][source][m]);
                jet.slope.store(&value[kPhiSlope][source][m]);
                jet.curvature.store(&value[kPhiCurvature][source][m]);
                jet.positive_curvature.store(&value[kPhiPositiveCurvature][source][m]);
            }
        }
        fill.between_bins(offset, value);
    }
    LossTails<nodes> tails{{}, {}, {}, Loss::left_constant, Loss::left_slope};
    for (int j = 0; j < nodes; ++j) {
        tails.right[j] = Loss::right_tail(j + 1);
        tails.left[j] = Loss::left_tail(j + 1);
        tails.positive[j] = Loss::positive_tail(j + 1);
    }
    fill.tails(tails);
}

}  // namespace
}  // namespace rankgrad
