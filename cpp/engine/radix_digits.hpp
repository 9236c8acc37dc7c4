// Digits of numbers for the radix sort: of integers that order them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "engine/radix_sort.hpp"

namespace rankgrad {

/// Turns counts into the sums of those before.
inline void add_up(std::uint32_t* count, std::uint32_t n) {
    std::uint32_t sum = 0;
    for (std::uint32_t d = 0; d < n; ++d) sum += std::exchange(count[d], sum);
}

/// The number's cell of equal width in [low, high]: never decreasing in x.
struct Cells {
    double low, per_unit;
    Cells(double least, double most, int bits)
        : low(least), per_unit(static_cast<double>((std::uint64_t{1} << bits) - 1) / (most - least)) {}
    /// False if the range is too wide or too narrow to be divided.
    bool ok() const { return per_unit <= 1e300 && per_unit > 0; }
    std::uint64_t operator()(double x) const {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>((x - low) * per_unit));
    }
};

/// The number's bits as an unsigned integer in the order of the numbers.
inline std::uint64_t ordered_bits(double x) {
    std::uint64_t bits;
    const double positive_zero = x + 0.0;  // -0.0 and 0.0 are the same number
    std::memcpy(&bits, &positive_zero, sizeof bits);
    const std::uint64_t sign = std::uint64_t{0} - (bits >> 63);
    return bits ^ (sign | (std::uint64_t{1} << 63));
}

/// Its bits from the lowest to the highest one that differ between the numbers.
struct Bits {
    int lowest, count;
    template <class N> Bits(const N* number, std::int32_t n) : lowest(0), count(64) {
        std::uint64_t differing = 0;
        const std::uint64_t first = ordered_bits(number[0]);
        for (std::int32_t k = 1; k < n; ++k) differing |= ordered_bits(number[k]) ^ first;
        if (differing == 0) differing = 1;
        while (!((differing >> (count - 1)) & 1)) --count;
        while (!((differing >> lowest) & 1)) ++lowest;
        count -= lowest;
    }
    std::uint64_t operator()(double x) const { return ordered_bits(x) >> lowest; }
};

/// One digit of a key. The loops over it are functions of values: what a closure refers to would be read again for each item.
template <class Key> struct Digit {
    Key key;
    int shift;
    std::uint32_t size;

    std::uint32_t operator()(double x) const { return static_cast<std::uint32_t>(key(x) >> shift) & (size - 1); }
    template <class N> void count(const N* from, std::int32_t n, std::uint32_t* counts) const {
        const Digit digit = *this;
        std::fill_n(counts, size, 0u);
        for (std::int32_t k = 0; k < n; ++k) ++counts[digit(from[k])];
    }
    /// With the digits counted.
    template <class N> void sort(Unsorted<N> from, std::int32_t n, std::uint32_t* counts, Sortable<N> to) const {
        const Digit digit = *this;
        add_up(counts, size);
        for (std::int32_t k = 0; k < n; ++k) {
            const N x = from.number[k];
            const std::uint32_t slot = counts[digit(x)]++;
            to.number[slot] = x;
            to.index[slot] = from.index_of(k);
        }
    }
};

}  // namespace rankgrad
