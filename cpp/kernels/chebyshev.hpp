// Chebyshev polynomials T_0(t) ... T_{nodes-1}(t) of one argument in -1 <= t <= 1, spread over the lanes of registers.
//
// The first register is T_0 ... T_{c-1} (c lanes), as polynomials of degree < c; the others follow from
// T_{k+c} = 2 T_c T_k - T_{k-c} with T_{-k} = T_k, one operation each. Coefficients of that low degree are small, so the
// result keeps its digits, and a series in T_k does wherever its coefficients fall.
#pragma once

#include "kernels/lanes.hpp"

namespace rankgrad {
namespace {

/// Coefficients of t^0 ... t^8 in T_0 ... T_8.
constexpr double kChebyshev[9][9] = {
    {1, 0, 0, 0, 0, 0, 0, 0, 0},      {0, 1, 0, 0, 0, 0, 0, 0, 0},       {-1, 0, 2, 0, 0, 0, 0, 0, 0},
    {0, -3, 0, 4, 0, 0, 0, 0, 0},     {1, 0, -8, 0, 8, 0, 0, 0, 0},      {0, 5, 0, -20, 0, 16, 0, 0, 0},
    {-1, 0, 18, 0, -48, 0, 32, 0, 0}, {0, -7, 0, 56, 0, -112, 0, 64, 0}, {1, 0, -32, 0, 160, 0, -256, 0, 128}};

/// The coefficients of one power in the lanes of the first register, and of the register before it: T_c ... T_1.
template <int lanes> struct ChebyshevStart {
    double power[lanes + 1][lanes];
    double power_before[lanes + 1][lanes];
    constexpr ChebyshevStart() : power(), power_before() {
        for (int k = 0; k <= lanes; ++k)
            for (int l = 0; l < lanes; ++l) {
                power[k][l] = kChebyshev[l][k];
                power_before[k][l] = kChebyshev[lanes - l][k];
            }
    }
};

template <int nodes> struct Chebyshev {
    using V = Lanes<double>;
    static constexpr int lanes = V::count;
    static constexpr int registers = nodes / lanes;
    static_assert(nodes % lanes == 0 && lanes <= 8, "a register holds a part of the polynomials");
    static constexpr ChebyshevStart<lanes> start{};

    V t[registers];

    RANKGRAD_INLINE explicit Chebyshev(double argument) {
        const V x(argument);
        V now = V::load(start.power[lanes - 1]);
        V before = V::load(start.power_before[lanes]);
        for (int k = lanes - 2; k >= 0; --k) now = multiply_add(now, x, V::load(start.power[k]));
        for (int k = lanes - 1; k >= 0; --k) before = multiply_add(before, x, V::load(start.power_before[k]));
        double highest[lanes];
        before.store(highest);
        const V twice(2 * highest[0]);  // 2 T_c
        for (int r = 0; r < registers; ++r) {
            t[r] = now;
            now = multiply_add(twice, now, -before);
            before = t[r];
        }
    }

    /// sum_k coefficient[k] T_k.
    RANKGRAD_INLINE double series(const double* coefficient) const {
        V total = t[0] * V::load(coefficient);
        for (int r = 1; r < registers; ++r) total = multiply_add(t[r], V::load(coefficient + r * lanes), total);
        return sum(total);
    }

    /// moment[k] += T_k, or source * T_k.
    RANKGRAD_INLINE void add_to_moments(double* moment) const {
        for (int r = 0; r < registers; ++r) (V::load(moment + r * lanes) + t[r]).store(moment + r * lanes);
    }
    RANKGRAD_INLINE void add_to_moments(double source, double* moment) const {
        for (int r = 0; r < registers; ++r)
            multiply_add(V(source), t[r], V::load(moment + r * lanes)).store(moment + r * lanes);
    }
};

}  // namespace
}  // namespace rankgrad
