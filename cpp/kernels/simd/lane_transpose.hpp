// Transposes as many registers as each has lanes, and sums over the lanes of each.
#pragma once

#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

/// One transpose step: interleaves runs of `step` lanes; a gets the even runs of both, b the odd ones.
template <int step> RANKGRAD_INLINE void exchange(Lanes<double>& a, Lanes<double>& b) {
#if defined(RANKGRAD_SHUFFLE)
    const auto x = a.v, y = b.v;
#if defined(__AVX2__)
    if constexpr (step == 1) {
        a.v = RANKGRAD_SHUFFLE(x, y, 0, 4, 2, 6);
        b.v = RANKGRAD_SHUFFLE(x, y, 1, 5, 3, 7);
    } else {
        a.v = RANKGRAD_SHUFFLE(x, y, 0, 1, 4, 5);
        b.v = RANKGRAD_SHUFFLE(x, y, 2, 3, 6, 7);
    }
#else
    a.v = RANKGRAD_SHUFFLE(x, y, 0, 2);
    b.v = RANKGRAD_SHUFFLE(x, y, 1, 3);
#endif
#endif
}

/// Swaps lane k of register l with lane l of register k.
template <int step = 1> RANKGRAD_INLINE void transpose(Lanes<double> (&x)[Lanes<double>::count]) {
    if constexpr (step < Lanes<double>::count) {
        for (int l = 0; l < Lanes<double>::count; ++l)
            if ((l & step) == 0) exchange<step>(x[l], x[l + step]);
        transpose<2 * step>(x);
    }
}

/// Lane l of the result is the sum over the lanes of x[l]. Overwrites x: each step halves the number of registers.
template <int step = 1> RANKGRAD_INLINE Lanes<double> sum_each(Lanes<double> (&x)[Lanes<double>::count]) {
    if constexpr (step == Lanes<double>::count) {
        return x[0];
    } else {
        for (int l = 0; l < Lanes<double>::count; l += 2 * step) {
            exchange<step>(x[l], x[l + step]);
            x[l] += x[l + step];
        }
        return sum_each<2 * step>(x);
    }
}

}  // namespace
}  // namespace rankgrad
