// The score up to which a row i has no slack: the highest x for which s_i - x, rounded, is not below the unit of
// margins. Rounding keeps the order, so that s_i - s_j < unit is the same as s_j > x.
#pragma once

#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

/// The next floating-point number below or above x, which is not 0.
template <class T> RANKGRAD_INLINE Lanes<T> next_below(Lanes<T> x) {
    const auto sign = x.bits() >> (8 * sizeof(T) - 1);
    return Lanes<T>::from_bits(x.bits() + (sign + sign) - 1);
}
template <class T> RANKGRAD_INLINE Lanes<T> next_above(Lanes<T> x) {
    const auto sign = x.bits() >> (8 * sizeof(T) - 1);
    return Lanes<T>::from_bits(x.bits() - (sign + sign) + 1);
}

/// Differences from unit - half_step on are rounded to the unit or more, which gives the bound to within one step. It
/// is never 0, because units have no more digits than scores of their size.
template <class T> RANKGRAD_INLINE Lanes<T> partner_bound(Lanes<T> s, Lanes<T> unit) {
    using V = Lanes<T>;
    const V half_step = V(0.5) * (unit - next_below(unit));
    const V guess = (s - unit) + half_step, above = next_above(guess);
    return select(s - above < unit, select(s - guess < unit, next_below(guess), guess), above);
}

/// The same for differences of floats rounded to double and a unit of 1, which begins at 1 - 2^-54: decided by s - 1
/// and its rounding error. Adding 2^-54 changes only 0.
RANKGRAD_INLINE Lanes<float> partner_bound_in_double(Lanes<float> s, Lanes<float> /*unit*/) {
    using V = Lanes<float>;
    const V guess = s - V(1), moved = guess - s;
    const V error = (s - (guess - moved)) - (V(1) + moved);  // exactly [Knuth, TAOCP 2, 4.2.2]
    return select(error < V(-0x1p-54), next_below(guess), guess + V(0x1p-54));
}
RANKGRAD_INLINE Lanes<double> partner_bound_in_double(Lanes<double> s, Lanes<double> unit) {
    return partner_bound(s, unit);
}

/// The bounds of n scores, for differences rounded to double or to the type of the scores. Reads whole registers. Not
/// inlined, so that its constants occupy no registers of its callers.
template <bool in_double, class T>
RANKGRAD_NOINLINE void find_bounds(const T* score, std::ptrdiff_t n, double unit, T* bound) {
    using V = Lanes<T>;
    const auto at = [=](std::ptrdiff_t k) {
        if constexpr (in_double) return partner_bound_in_double(V::load(score + k), V(unit));
        else return partner_bound(V::load(score + k), V(unit));
    };
    std::ptrdiff_t k = 0;
    for (; k + V::count <= n; k += V::count) at(k).store(bound + k);
    if (k == n) return;
    T rest[V::count];
    at(k).store(rest);
    for (std::ptrdiff_t l = k; l < n; ++l) bound[l] = rest[l - k];
}

}  // namespace
}  // namespace rankgrad
