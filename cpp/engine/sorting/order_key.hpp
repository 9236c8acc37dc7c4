// Integers in the order of numbers: sorting them never sees a NaN, and ties are exact.
#pragma once

#include <cstdint>
#include <cstring>

namespace rankgrad {

/// The number's bits as an unsigned integer in the order of the numbers.
inline std::uint64_t ordered_bits(double x) {
    std::uint64_t bits;
    const double positive_zero = x + 0.0;  // -0.0 and 0.0 are the same number
    std::memcpy(&bits, &positive_zero, sizeof bits);
    const std::uint64_t sign = std::uint64_t{0} - (bits >> 63);
    return bits ^ (sign | (std::uint64_t{1} << 63));
}

}  // namespace rankgrad
