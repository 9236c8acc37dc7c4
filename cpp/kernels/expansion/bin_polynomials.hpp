// Polynomials of the place t in a bin, -1 <= t <= 1: the basis u^k, t u^k with u = 2 t^2 - 1, spread over registers.
//
// Even and odd Chebyshev polynomials are of half the degree in u: T_2k(t) = T_k(u) and T_2k+1(t) = t O_k(u) with
// O_k+1 = 2 u O_k - O_k-1, O_-1 = O_0 = 1. So the coefficients of the change of basis stay below 200 for 16
// nodes (powers of t: 30,000), the digits that this costs are those of small terms, and the basis takes few products.
#pragma once

#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

/// Coefficients of u^j in T_k(u) and in O_k(u).
struct HalfDegree {
    double even[8][8], odd[8][8];
    constexpr HalfDegree() : even(), odd() {
        even[0][0] = even[1][1] = odd[0][0] = 1;
        odd[1][0] = -1;
        odd[1][1] = 2;
        for (int k = 2; k < 8; ++k)
            for (int j = 0; j <= k; ++j) {
                even[k][j] = (j > 0 ? 2 * even[k - 1][j - 1] : 0) - even[k - 2][j];
                odd[k][j] = (j > 0 ? 2 * odd[k - 1][j - 1] : 0) - odd[k - 2][j];
            }
    }
};

/// 1 in the lanes whose index has the bit, 0 in the others; and the opposite.
template <int lanes> struct LaneBits {
    double with[4][lanes], without[4][lanes];
    constexpr LaneBits() : with(), without() {
        for (int bit = 0; bit < 4; ++bit)
            for (int l = 0; l < lanes; ++l) {
                with[bit][l] = (l >> bit) & 1;
                without[bit][l] = 1 - with[bit][l];
            }
    }
};

/// Element i < nodes / 2 is u^i, element nodes / 2 + i is t u^i.
template <int nodes> struct BinPolynomials {
    using V = Lanes<double>;
    static constexpr int lanes = V::count;
    static constexpr int registers = nodes / lanes;
    static constexpr int half = nodes / 2;
    static_assert(nodes % lanes == 0, "a register holds a part of the basis");
    static constexpr HalfDegree half_degree{};
    static constexpr LaneBits<lanes> lane{};

    V element[registers];

    /// Each bit of an element's number stands for a factor: u, u^2, (u^4,) t.
    RANKGRAD_INLINE BinPolynomials(double place, double u) {
        constexpr int bits = nodes == 8 ? 3 : 4;
        V factor[bits];
        factor[0] = V(u);
        for (int bit = 1; bit < bits - 1; ++bit) factor[bit] = factor[bit - 1] * factor[bit - 1];
        factor[bits - 1] = V(place);
        element[0] = V(1);
        for (int bit = 0; bit < bits; ++bit) {
            const int step = (1 << bit) / lanes;  // in registers
            if (step == 0)
                element[0] =
                    element[0] * multiply_add(factor[bit], V::load(lane.with[bit]), V::load(lane.without[bit]));
            for (int r = 0; r < step; ++r) element[r + step] = element[r] * factor[bit];
        }
    }
    RANKGRAD_INLINE explicit BinPolynomials(double place) : BinPolynomials(place, bend(place)) {}
    static RANKGRAD_INLINE double bend(double place) { return 2 * place * place - 1; }

    /// The lanes add up to sum_i coefficient[i] element_i.
    RANKGRAD_INLINE V series(const double* coefficient) const {
        V total = element[0] * V::load(coefficient);
        for (int r = 1; r < registers; ++r) total = multiply_add(element[r], V::load(coefficient + r * lanes), total);
        return total;
    }

    /// moment[i] += element_i, or source * element_i. The first has the same bits whether or not the second is called,
    /// too.
    RANKGRAD_INLINE void add_to_moments(double* moment) const {
        for (int r = 0; r < registers; ++r)
            (V::load(moment + r * lanes) + rounded(element[r])).store(moment + r * lanes);
    }
    RANKGRAD_INLINE void add_to_moments(double source, double* moment) const {
        for (int r = 0; r < registers; ++r)
            multiply_add(V(source), element[r], V::load(moment + r * lanes)).store(moment + r * lanes);
    }

    /// sum_c chebyshev[c] T_c(t) in this basis.
    static void from_chebyshev(double (&coefficient)[nodes]) {
        double out[nodes] = {};
        for (int k = 0; k < half; ++k)
            for (int j = 0; j <= k; ++j) {
                out[j] += coefficient[2 * k] * half_degree.even[k][j];
                out[half + j] += coefficient[2 * k + 1] * half_degree.odd[k][j];
            }
        for (int i = 0; i < nodes; ++i) coefficient[i] = out[i];
    }
};

}  // namespace
}  // namespace rankgrad
