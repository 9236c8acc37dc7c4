// Sums and products with their rounding errors, so that a running sum over a million items is as exact as one over ten,
// and a difference of two large sums keeps its digits [Knuth, TAOCP 2, 4.2.2; Dekker, 1971].
#pragma once

#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

#if defined(__FMA__) || defined(__aarch64__)
constexpr bool kFused = true;
RANKGRAD_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
#else
constexpr bool kFused = false;  // and so the compiler cannot contract anything below
RANKGRAD_INLINE double fused(double, double, double) { return 0; }
#endif

/// a * b + c, rounded once where the CPU can (FMA). Unlike contraction it does not depend on the expression around it.
RANKGRAD_INLINE double multiply_add(double a, double b, double c) {
    if constexpr (kFused) return fused(a, b, c);
    return a * b + c;
}

/// a * b rounded; the compiler cannot contract it into a sum.
RANKGRAD_INLINE double product_of(double a, double b) {
    if constexpr (kFused) return fused(a, b, 0.0);
    return a * b;
}

/// a * b - product, exactly, for product = a * b rounded.
RANKGRAD_INLINE double product_error(double a, double b, double product) {
    if constexpr (kFused) return fused(a, b, -product);
    const double splitter = 134217729.0;  // 2^27 + 1
    const double a_high = splitter * a - (splitter * a - a), a_low = a - a_high;
    const double b_high = splitter * b - (splitter * b - b), b_low = b - b_high;
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
}

struct Compensated {
    double sum = 0, error = 0;

    RANKGRAD_INLINE void add(double x) {
        const double next = sum + x;
        const double added = next - sum;
        error += (sum - (next - added)) + (x - added);
        sum = next;
    }
    RANKGRAD_INLINE void add_product(double a, double b) {
        const double product = product_of(a, b);
        add(product);
        error += product_error(a, b, product);
    }
    RANKGRAD_INLINE void scale(double factor) {
        sum *= factor;
        error *= factor;
    }
    RANKGRAD_INLINE double total() const { return sum + error; }
};

RANKGRAD_INLINE void operator+=(Compensated& a, const Compensated& b) {
    a.add(b.sum);
    a.error += b.error;
}

/// count * x - moment without cancellation: sum_j w_j (x - x_j) from the sums of w_j and of w_j x_j.
RANKGRAD_INLINE double spread(const Compensated& count, double x, const Compensated& moment) {
    const double small = count.error * x - moment.error;
    if constexpr (kFused) return fused(count.sum, x, -moment.sum) + small;
    const double product = count.sum * x;
    return (product - moment.sum) + (product_error(count.sum, x, product) + small);
}

}  // namespace
}  // namespace rankgrad
