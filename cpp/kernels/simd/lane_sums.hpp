// Sums over the lanes of registers, and registers added to sums in double.
#pragma once

#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

#if defined(RANKGRAD_SHUFFLE)
/// A register of numbers E, folded in halves down to 16 bytes.
template <class E, class Register> RANKGRAD_INLINE auto folded(Register a) {
    typedef E Part __attribute__((vector_size(16)));
    constexpr int n = kRegisterBytes / 16;
    Part part[n];
    std::memcpy(part, &a, sizeof part);
    if constexpr (n == 2) return part[0] + part[1];
    else return part[0];
}

/// Sum over the lanes, as a tree: the same order on every call.
template <class T> RANKGRAD_INLINE double sum(Lanes<T> a) {
    const auto part = folded<T>(a.v);
    if constexpr (sizeof(T) == 4) return static_cast<double>((part[0] + part[2]) + (part[1] + part[3]));
    else return part[0] + part[1];
}

/// out[l] += a[l] in double, for all lanes.
template <class T> RANKGRAD_INLINE void add_to(double* out, Lanes<T> a) {
    typedef double Wide __attribute__((vector_size(8 * Lanes<T>::count)));
    using D = Lanes<double>;
    const Wide wide = __builtin_convertvector(a.v, Wide);
    typename D::Real part[Lanes<T>::count / D::count];
    std::memcpy(part, &wide, sizeof part);
    for (int k = 0; k < Lanes<T>::count / D::count; ++k)
        (D::load(out + k * D::count) + D::of(part[k])).store(out + k * D::count);
}

/// out[r] += sum(rows[r]), bit for bit: four trees side by side.
RANKGRAD_INLINE void add_sums(double* out, const Lanes<float> (&rows)[4]) {
    auto a = folded<float>(rows[0].v), b = folded<float>(rows[1].v), c = folded<float>(rows[2].v),
         d = folded<float>(rows[3].v);
    a = RANKGRAD_SHUFFLE_FOUR(a, b, 0, 4, 1, 5) + RANKGRAD_SHUFFLE_FOUR(a, b, 2, 6, 3, 7);
    c = RANKGRAD_SHUFFLE_FOUR(c, d, 0, 4, 1, 5) + RANKGRAD_SHUFFLE_FOUR(c, d, 2, 6, 3, 7);
    a = RANKGRAD_SHUFFLE_FOUR(a, c, 0, 1, 4, 5) + RANKGRAD_SHUFFLE_FOUR(a, c, 2, 3, 6, 7);
    if constexpr (Lanes<double>::count >= 4) {
        typedef double Four __attribute__((vector_size(32)));
        typedef double Unaligned __attribute__((vector_size(32), aligned(8), may_alias));
        Unaligned& to = *reinterpret_cast<Unaligned*>(out);
        to = to + Four{static_cast<double>(a[0]), static_cast<double>(a[1]), static_cast<double>(a[2]),
                       static_cast<double>(a[3])};
    } else {
        for (int r = 0; r < 4; ++r) out[r] += static_cast<double>(a[r]);
    }
}

typedef std::int32_t FourIntegers __attribute__((vector_size(16)));

/// Sums over the lanes of masks, or of sums of masks, as 32-bit integers; of 64-bit lanes the lower halves count.
template <class Register> RANKGRAD_INLINE FourIntegers sums_of_counts(const Register (&rows)[4]) {
    auto a = folded<std::int32_t>(rows[0]), b = folded<std::int32_t>(rows[1]), c = folded<std::int32_t>(rows[2]),
         d = folded<std::int32_t>(rows[3]);
    if constexpr (sizeof(rows[0][0]) == 4) {
        a = RANKGRAD_SHUFFLE_FOUR(a, b, 0, 4, 1, 5) + RANKGRAD_SHUFFLE_FOUR(a, b, 2, 6, 3, 7);
        c = RANKGRAD_SHUFFLE_FOUR(c, d, 0, 4, 1, 5) + RANKGRAD_SHUFFLE_FOUR(c, d, 2, 6, 3, 7);
    } else {
        a = RANKGRAD_SHUFFLE_FOUR(a, b, 0, 4, 2, 6);
        c = RANKGRAD_SHUFFLE_FOUR(c, d, 0, 4, 2, 6);
    }
    return RANKGRAD_SHUFFLE_FOUR(a, c, 0, 1, 4, 5) + RANKGRAD_SHUFFLE_FOUR(a, c, 2, 3, 6, 7);
}
/// The same for one row: the first of the four numbers.
template <class Register> RANKGRAD_INLINE FourIntegers sums_of_counts(const Register (&rows)[1]) {
    const auto a = folded<std::int32_t>(rows[0]);
    return FourIntegers{sizeof(rows[0][0]) == 4 ? (a[0] + a[2]) + (a[1] + a[3]) : a[0] + a[2]};
}
RANKGRAD_INLINE void add_four(std::int32_t* out, FourIntegers a) {
    typedef std::int32_t Unaligned __attribute__((vector_size(16), aligned(4), may_alias));
    Unaligned& to = *reinterpret_cast<Unaligned*>(out);
    to = to + a;
}
#else
template <class T> RANKGRAD_INLINE double sum(Lanes<T> a) { return static_cast<double>(a.v); }
template <class T> RANKGRAD_INLINE void add_to(double* out, Lanes<T> a) { *out += static_cast<double>(a.v); }
struct FourIntegers {
    std::int32_t at[4];
    std::int32_t& operator[](int k) { return at[k]; }
    void operator+=(FourIntegers b) {
        for (int k = 0; k < 4; ++k) at[k] += b[k];
    }
    FourIntegers operator-() const { return {{-at[0], -at[1], -at[2], -at[3]}}; }
};
template <int n> RANKGRAD_INLINE FourIntegers sums_of_counts(const std::int32_t (&rows)[n]) {
    FourIntegers sums{};
    for (int r = 0; r < n; ++r) sums[r] = rows[r];
    return sums;
}
inline void add_four(std::int32_t* out, FourIntegers a) {
    for (int k = 0; k < 4; ++k) out[k] += a[k];
}
#endif

/// The same for the first n lanes only.
template <class T> RANKGRAD_INLINE void add_to(double* out, Lanes<T> a, int n) {
    if (n == Lanes<T>::count) return add_to(out, a);
    T lane[Lanes<T>::count];
    a.store(lane);
    for (int l = 0; l < n; ++l) out[l] += static_cast<double>(lane[l]);
}

/// The first n of them.
RANKGRAD_INLINE void add_to(std::int32_t* out, FourIntegers a, int n) {
    if (n == 4) return add_four(out, a);
    for (int r = 0; r < n; ++r) out[r] += a[r];
}

template <int n, class T> RANKGRAD_INLINE void add_sums(double* out, const Lanes<T> (&rows)[n]) {
    for (int r = 0; r < n; ++r) out[r] += sum(rows[r]);
}

}  // namespace
}  // namespace rankgrad
