// Lanes<T>: one SIMD register of the instruction set that this file is compiled for, as a plain value.
//
// GCC's and Clang's vector types are used directly, so that no loop has to be vectorised by the compiler: the same
// source gives 4 (SSE2, NEON) or 8 (v3, v4) float lanes. Another compiler gets one lane and the same results.
#pragma once

#include <cstdint>
#include <cstring>

namespace rankgrad {
namespace {

#if defined(__GNUC__) || defined(__clang__)
#define RANKGRAD_INLINE inline __attribute__((always_inline))
#define RANKGRAD_NOINLINE __attribute__((noinline))
#if defined(__AVX2__)
constexpr int kRegisterBytes = 32;  // also with AVX-512: cmake/instruction_sets.cmake says why
#else
constexpr int kRegisterBytes = 16;
#endif
template <class T> struct Native;
template <> struct Native<float> {
    typedef float real __attribute__((vector_size(kRegisterBytes)));
    typedef float unaligned __attribute__((vector_size(kRegisterBytes), aligned(4), may_alias));
    typedef std::uint32_t bits __attribute__((vector_size(kRegisterBytes)));
    static constexpr int lanes = kRegisterBytes / 4;
};
template <> struct Native<double> {
    typedef double real __attribute__((vector_size(kRegisterBytes)));
    typedef double unaligned __attribute__((vector_size(kRegisterBytes), aligned(8), may_alias));
    typedef std::uint64_t bits __attribute__((vector_size(kRegisterBytes)));
    static constexpr int lanes = kRegisterBytes / 8;
};
template <class T, class V> RANKGRAD_INLINE void set_lane(V& v, int l, T x) { v[l] = x; }
#if defined(__clang__)
#define RANKGRAD_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define RANKGRAD_SHUFFLE_FOUR(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef std::uint32_t FourPlaces __attribute__((vector_size(16)));
#define RANKGRAD_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, Native<double>::bits{__VA_ARGS__})
#define RANKGRAD_SHUFFLE_FOUR(a, b, ...) __builtin_shuffle(a, b, FourPlaces{__VA_ARGS__})
#endif
#else
#define RANKGRAD_INLINE inline
#define RANKGRAD_NOINLINE
constexpr int kRegisterBytes = 8;
template <class T> struct Native;
template <> struct Native<float> {
    using real = float;
    using unaligned = float;
    using bits = std::uint32_t;
    static constexpr int lanes = 1;
};
template <> struct Native<double> {
    using real = double;
    using unaligned = double;
    using bits = std::uint64_t;
    static constexpr int lanes = 1;
};
template <class T, class V> RANKGRAD_INLINE void set_lane(V& v, int, T x) { v = x; }
#endif

/// std::conditional, whose header the kernels do not include.
template <bool first, class A, class B> struct Either {
    using type = A;
};
template <class A, class B> struct Either<false, A, B> {
    using type = B;
};

template <class T> struct Lanes {
    using Scalar = T;
    using Real = typename Native<T>::real;
    using Bits = typename Native<T>::bits;
    using Mask = decltype(Real{} < Real{});
    static constexpr int count = Native<T>::lanes;

    Real v;

    Lanes() = default;
    RANKGRAD_INLINE explicit Lanes(double x) {
        v = static_cast<T>(x) - Real{};  // a broadcast: x - 0 is x, -0 included
    }
    RANKGRAD_INLINE static Lanes of(Real real) {
        Lanes r;
        r.v = real;
        return r;
    }
    RANKGRAD_INLINE static Lanes load(const T* p) {
        return of(*reinterpret_cast<const typename Native<T>::unaligned*>(p));
    }
    RANKGRAD_INLINE void store(T* p) const { *reinterpret_cast<typename Native<T>::unaligned*>(p) = v; }
    RANKGRAD_INLINE Bits bits() const {
        Bits b;
        std::memcpy(&b, &v, sizeof b);
        return b;
    }
    RANKGRAD_INLINE static Lanes from_bits(Bits b) {
        Lanes r;
        std::memcpy(&r.v, &b, sizeof b);
        return r;
    }
    RANKGRAD_INLINE Lanes& operator+=(Lanes b) {
        v = v + b.v;
        return *this;
    }
    RANKGRAD_INLINE Lanes& operator-=(Lanes b) {
        v = v - b.v;
        return *this;
    }
};

/// a, hidden from the optimiser: a product is rounded here, instead of being contracted into one of its sums and not
/// into another.
template <class T> RANKGRAD_INLINE Lanes<T> rounded(Lanes<T> a) {
#if defined(__x86_64__) && defined(__GNUC__)
    asm("" : "+x"(a.v));
#elif defined(__aarch64__) && defined(__GNUC__)
    asm("" : "+w"(a.v));
#endif
    return a;
}

template <class T> RANKGRAD_INLINE Lanes<T> operator+(Lanes<T> a, Lanes<T> b) { return Lanes<T>::of(a.v + b.v); }
template <class T> RANKGRAD_INLINE Lanes<T> operator-(Lanes<T> a, Lanes<T> b) { return Lanes<T>::of(a.v - b.v); }
template <class T> RANKGRAD_INLINE Lanes<T> operator*(Lanes<T> a, Lanes<T> b) { return Lanes<T>::of(a.v * b.v); }
template <class T> RANKGRAD_INLINE Lanes<T> operator/(Lanes<T> a, Lanes<T> b) { return Lanes<T>::of(a.v / b.v); }
template <class T> RANKGRAD_INLINE Lanes<T> operator-(Lanes<T> a) { return Lanes<T>::of(-a.v); }
template <class T> RANKGRAD_INLINE typename Lanes<T>::Mask operator<(Lanes<T> a, Lanes<T> b) { return a.v < b.v; }
template <class T> RANKGRAD_INLINE typename Lanes<T>::Mask operator>(Lanes<T> a, Lanes<T> b) { return a.v > b.v; }
template <class T> RANKGRAD_INLINE typename Lanes<T>::Mask operator==(Lanes<T> a, Lanes<T> b) { return a.v == b.v; }

/// a * b + c as one expression, so that the compiler may contract it into one fused operation.
template <class T> RANKGRAD_INLINE Lanes<T> multiply_add(Lanes<T> a, Lanes<T> b, Lanes<T> c) {
    return Lanes<T>::of(a.v * b.v + c.v);
}
template <class T> RANKGRAD_INLINE Lanes<T> select(typename Lanes<T>::Mask mask, Lanes<T> yes, Lanes<T> no) {
    if constexpr (kRegisterBytes ==
                  16) {  // SSE2 has no blend, and no comparison that would make a mask of any 64-bit number
        typename Lanes<T>::Bits bits;
        std::memcpy(&bits, &mask, sizeof bits);
        return Lanes<T>::from_bits((bits & yes.bits()) | (~bits & no.bits()));
    } else {
        return Lanes<T>::of(mask ? yes.v : no.v);
    }
}
template <class T> RANKGRAD_INLINE Lanes<T> max(Lanes<T> a, Lanes<T> b) { return select(a > b, a, b); }
template <class T> RANKGRAD_INLINE Lanes<T> min(Lanes<T> a, Lanes<T> b) { return select(a < b, a, b); }
template <class T> RANKGRAD_INLINE Lanes<T> abs(Lanes<T> a) {
    constexpr typename Lanes<T>::Bits none{};
    return Lanes<T>::from_bits(a.bits() & (~none >> 1));  // without the sign
}

/// True in the lanes with a sign bit, -0 included. Computed as integers, which need no mask register.
template <class T> RANKGRAD_INLINE typename Lanes<T>::Mask negative(Lanes<T> a) {
#if defined(RANKGRAD_SHUFFLE)
    if constexpr (sizeof(T) == 4) {  // AVX2 has no such shift for 64 bits
        typename Lanes<T>::Mask integers;
        std::memcpy(&integers, &a.v, sizeof integers);
        return integers >> 31;
    }
#endif
    return a < Lanes<T>(0);
}
/// a where the integer mask is true, else 0.
template <class T> RANKGRAD_INLINE Lanes<T> masked(typename Lanes<T>::Mask mask, Lanes<T> a) {
    typename Lanes<T>::Bits bits;
    std::memcpy(&bits, &mask, sizeof bits);
    return Lanes<T>::from_bits(bits & a.bits());
}

/// True in the first `n` lanes.
template <class T> RANKGRAD_INLINE typename Lanes<T>::Mask first_lanes(int n) {
    Lanes<T> index;
    for (int l = 0; l < Lanes<T>::count; ++l) set_lane<T>(index.v, l, static_cast<T>(l));
    return index < Lanes<T>(n);
}

/// Converts to double lane by lane: GCC makes one instruction of this, but several of __builtin_convertvector.
template <class T> RANKGRAD_INLINE Lanes<double> load_doubles(const T* p) {
    using V = Lanes<double>;
    const auto at = [p](int l) { return static_cast<double>(p[l]); };
    if constexpr (V::count == 4) return V::of(typename V::Real{at(0), at(1), at(2), at(3)});
    else if constexpr (V::count == 2) return V::of(typename V::Real{at(0), at(1)});
    else return V(at(0));
}

}  // namespace
}  // namespace rankgrad
