// exp, log and log1p on Lanes. Each bound below is the largest error measured over random and edge arguments in
// tests/sums/test_vector_math.py, in units of the last place (ulp).
//
// Methods: Cody & Waite reduction by ln 2 and a Taylor polynomial for exp; exponent split and the atanh series
// log(1+f) = 2 atanh(f / (2+f)) for log [Muller, Elementary Functions, 2016, ch. 11].
#pragma once

#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

constexpr double kLargestDouble = 1.7976931348623157e308;

template <class T> struct Format;
template <> struct Format<float> {
    static constexpr double magic = 12582912.0;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr int mantissa_bits = 23;
    static constexpr std::uint32_t one = 0x3f800000u, mantissa = 0x007fffffu, root_half = 0x3f3504f3u;
    static constexpr double exp_low = -104.0, exp_high = 89.0;
    static constexpr double ln2_high = 0.693359375, ln2_low = -2.12194440054690583e-4;
    static constexpr int exp_terms = 7, log_terms = 5;
    static constexpr double two_power = 8388608.0;  // 2^23
    static constexpr std::uint32_t two_power_bits = 0x4b000000u;
    static constexpr int bias = 127;
};
template <> struct Format<double> {
    static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr int mantissa_bits = 52;
    static constexpr std::uint64_t one = 0x3ff0000000000000u, mantissa = 0x000fffffffffffffu,
                                   root_half = 0x3fe6a09e667f3bcdu;
    static constexpr double exp_low = -746.0, exp_high = 710.0;
    static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    static constexpr int exp_terms = 13, log_terms = 10;
    static constexpr double two_power = 4503599627370496.0;  // 2^52
    static constexpr std::uint64_t two_power_bits = 0x4330000000000000u;
    static constexpr int bias = 1023;
};

/// 2^n for integral n given as n + magic.
template <class T> RANKGRAD_INLINE Lanes<T> power_of_two(Lanes<T> n_plus_magic) {
    return Lanes<T>::from_bits((n_plus_magic.bits() << Format<T>::mantissa_bits) + Format<T>::one);
}

/// e^x: <= 1.5 ulp; 0 below and infinity above the range of T.
template <class T> RANKGRAD_INLINE Lanes<T> exp(Lanes<T> x) {
    using F = Format<T>;
    using V = Lanes<T>;
    const V magic(F::magic);
    x = min(max(x, V(F::exp_low)), V(F::exp_high));
    const V n = multiply_add(x, V(1.4426950408889634), magic) - magic;
    const V r = multiply_add(n, V(-F::ln2_low), multiply_add(n, V(-F::ln2_high), x));
    constexpr double inverse_factorial[] = {
        1.0,        1.0,         0.5,          1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
        1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    V p(inverse_factorial[F::exp_terms]);
    for (int k = F::exp_terms - 1; k >= 2; --k) p = multiply_add(p, r, V(inverse_factorial[k]));
    p = multiply_add(r * r, p, r) + V(1);
    // Two factors of 2^n, so that denormal results and the overflow to infinity are right.
    const V half = multiply_add(n, V(0.5), magic);
    return p * power_of_two(half) * power_of_two(n - (half - magic) + magic);
}

/// e^x of one number, in the same bits.
RANKGRAD_INLINE double exp_of_one(double x) {
    double lanes[Lanes<double>::count];
    exp(Lanes<double>(x)).store(lanes);
    return lanes[0];
}

/// Of exp_inside: the range of its argument, and the coefficients of r, r^2, ... of e^r for |r| <= ln 2 / 2.
template <class T> struct ExpInside;
template <> struct ExpInside<float> {
    static constexpr double range = 86.0;
    static constexpr double coefficients[] = {0.999999705, 0.499991462, 0.166676401, 0.0418983926,
                                              0.00829022378};  // minimax
};
template <> struct ExpInside<double> {
    static constexpr double range = 706.0;
    static constexpr double coefficients[] = {
        1.0,         0.5,          1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,         1.0 / 5040,
        1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
};

/// p 2^n for n given as n + magic, added to the exponent of p; both p and the result are normal numbers.
template <class T> RANKGRAD_INLINE Lanes<T> times_power_of_two(Lanes<T> p, Lanes<T> n_plus_magic) {
    return Lanes<T>::from_bits(p.bits() + (n_plus_magic.bits() << Format<T>::mantissa_bits));
}

/// e^x for |x| <= range, the fast way: <= 3 ulp. V is Lanes or a group of them.
template <class V> RANKGRAD_INLINE V exp_inside(V x) {
    using F = Format<typename V::Scalar>;
    const V n_plus_magic = multiply_add(x, V(1.4426950408889634), V(F::magic));
    const V n = n_plus_magic - V(F::magic);
    const V r = multiply_add(n, V(-F::ln2_low), multiply_add(n, V(-F::ln2_high), x));
    constexpr auto& c = ExpInside<typename V::Scalar>::coefficients;
    int k = sizeof(c) / sizeof(c[0]) - 1;
    V p(c[k]);
    while (--k >= 0) p = multiply_add(p, r, V(c[k]));
    return times_power_of_two(multiply_add(p, r, V(1)), n_plus_magic);
}

/// e^x for x <= 0: <= 3 ulp, and 0 below the range of exp_inside.
template <class T> RANKGRAD_INLINE Lanes<T> exp_negative(Lanes<T> x) {
    const Lanes<T> lowest(-ExpInside<T>::range);
    return select(x < lowest, Lanes<T>(0), exp_inside(max(x, lowest)));
}

/// 1 - e^-x for x >= 0: <= 4 ulp, however small x is.
template <class T> RANKGRAD_INLINE Lanes<T> one_less_exp(Lanes<T> x) {
    using V = Lanes<T>;
    constexpr double near = 0.35;
    constexpr double inverse_factorial[] = {
        0,          1.0,         0.5,          1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
        1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    V p(inverse_factorial[Format<T>::exp_terms]);
    for (int k = Format<T>::exp_terms - 1; k >= 1; --k) p = V(inverse_factorial[k]) - p * x;
    return select(x < V(near), p * x, V(1) - exp(-x));
}

/// log(x) + extra for normal x > 0: <= 2 ulp.
template <class T> RANKGRAD_INLINE Lanes<T> log_plus(Lanes<T> x, Lanes<T> extra) {
    using F = Format<T>;
    using V = Lanes<T>;
    const auto shifted = x.bits() + (F::one - F::root_half);
    const V exponent = V::from_bits((shifted >> F::mantissa_bits) + F::two_power_bits) - V(F::two_power + F::bias);
    const V f = V::from_bits((shifted & F::mantissa) + F::root_half) - V(1);
    const V s = f / (V(2) + f);
    const V z = s * s;
    V r(2.0 / (2 * F::log_terms + 1));
    for (int k = F::log_terms - 1; k >= 1; --k) r = multiply_add(r, z, V(2.0 / (2 * k + 1)));
    const V half_square = V(0.5) * f * f;
    const V small = multiply_add(s, multiply_add(r, z, half_square), multiply_add(exponent, V(F::ln2_low), extra));
    return multiply_add(exponent, V(F::ln2_high), f - (half_square - small));
}

template <class T> RANKGRAD_INLINE Lanes<T> log(Lanes<T> x) { return log_plus(x, Lanes<T>(0)); }

/// log(1 + x) for x >= 0: <= 2.5 ulp. A first-order term corrects the rounding of 1 + x.
template <class T> RANKGRAD_INLINE Lanes<T> log1p(Lanes<T> x) {
    using V = Lanes<T>;
    const V u = V(1) + x;
    return log_plus(u, (x - (u - V(1))) / u);
}

}  // namespace
}  // namespace rankgrad
