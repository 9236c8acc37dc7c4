// Sums over the lanes of registers, and registers added to sums in double.
#pragma once

#include "kernels/lanes.hpp"

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
template <class E, class Register> RANKGRAD_INLINE double sum_of(Register a) {
    const auto part = folded<E>(a);
    if constexpr (sizeof(E) == 4) return static_cast<double>((part[0] + part[2]) + (part[1] + part[3]));
    else return part[0] + part[1];
}
template <class T> RANKGRAD_INLINE double sum(Lanes<T> a) { return sum_of<T>(a.v); }

/// out[l] += a[l] in double, for the lanes of a register.
template <class T> RANKGRAD_INLINE void add_to(double* out, Lanes<T> a) {
    typedef double Wide __attribute__((vector_size(8 * Lanes<T>::count)));
    using D = Lanes<double>;
    const Wide wide = __builtin_convertvector(a.v, Wide);
    typename D::Real part[Lanes<T>::count / D::count];
    std::memcpy(part, &wide, sizeof part);
    for (int k = 0; k < Lanes<T>::count / D::count; ++k)
        (D::load(out + k * D::count) + D::of(part[k])).store(out + k * D::count);
}

/// out[r] += sum_of<E>(rows[r]) in double, bit for bit: four trees side by side.
template <class E, class Register> RANKGRAD_INLINE void add_four_sums(double* out, const Register (&rows)[4]) {
    auto a = folded<E>(rows[0]), b = folded<E>(rows[1]), c = folded<E>(rows[2]), d = folded<E>(rows[3]);
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
RANKGRAD_INLINE void add_sums(double* out, const Lanes<float> (&rows)[4]) {
    const Native<float>::real numbers[4] = {rows[0].v, rows[1].v, rows[2].v, rows[3].v};
    add_four_sums<float>(out, numbers);
}
/// Likewise of the integers of masks, or of sums of masks.
RANKGRAD_INLINE void add_sums(double* out, const Lanes<float>::Mask (&rows)[4]) {
    add_four_sums<std::int32_t>(out, rows);
}
RANKGRAD_INLINE void add_sums(double* out, const Lanes<float>::Mask (&rows)[1]) {
    out[0] += sum_of<std::int32_t>(rows[0]);
}
#else
template <class T> RANKGRAD_INLINE double sum(Lanes<T> a) { return static_cast<double>(a.v); }
template <class T> RANKGRAD_INLINE void add_to(double* out, Lanes<T> a) { *out += static_cast<double>(a.v); }
#endif

/// The same for the first n lanes only.
template <class T> RANKGRAD_INLINE void add_to(double* out, Lanes<T> a, int n) {
    if (n == Lanes<T>::count) return add_to(out, a);
    T lane[Lanes<T>::count];
    a.store(lane);
    for (int l = 0; l < n; ++l) out[l] += static_cast<double>(lane[l]);
}

template <int n, class T> RANKGRAD_INLINE void add_sums(double* out, const Lanes<T> (&rows)[n]) {
    for (int r = 0; r < n; ++r) out[r] += sum(rows[r]);
}

}  // namespace
}  // namespace rankgrad
