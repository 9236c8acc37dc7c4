// The floating-point mode that everything is computed in, whatever other libraries left in this thread's control
// register.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace rankgrad {

/// While it lives: round to nearest, keep denormals, trap nothing. Afterwards the mode is what it was, and so are the
/// flags.
class DefaultFloatMode {
public:
#if defined(__x86_64__) || defined(_M_X64)
    DefaultFloatMode() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80u); }
    ~DefaultFloatMode() { _mm_setcsr(saved_); }

private:
    unsigned saved_;
#elif defined(__aarch64__)
    DefaultFloatMode() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
        __asm__ volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}));
    }
    ~DefaultFloatMode() { __asm__ volatile("msr fpcr, %0" : : "r"(saved_)); }

private:
    std::uint64_t saved_;
#else
    DefaultFloatMode() {}
    ~DefaultFloatMode() {}
#endif

public:
    DefaultFloatMode(const DefaultFloatMode&) = delete;
    DefaultFloatMode& operator=(const DefaultFloatMode&) = delete;
};

}  // namespace rankgrad
