// Digits of numbers for the radix sort: of integers that order them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "engine/sorting/argsort.hpp"
#include "engine/sorting/order_key.hpp"

namespace rankgrad {

/// Turns counts into the sums of those before.
inline void add_up(std::uint32_t* count, std::uint32_t n) {
    std::uint32_t sum = 0;
    for (std::uint32_t d = 0; d < n; ++d) sum += std::exchange(count[d], sum);
}

/// Equal cells of [low, high], counted from 0, in the arithmetic of the numbers: never decreasing in x. A number out of
/// the range is in the first or the last of them.
template <class N> struct Cells {
    N low, per_unit, last;
    Cells(double least, double most, int bits)
        : low(static_cast<N>(least)), per_unit(static_cast<N>(std::min(((1 << bits) - 1) / (most - least), 1e38))),
          last(static_cast<N>((1 << bits) - 1)) {}
    /// False if the range is too wide or too narrow to be divided.
    bool ok() const { return per_unit > N(1e-30) && per_unit < N(1e30); }

    template <class From> void find(const From& from, std::int32_t first, std::int32_t n, std::int32_t* cell) const {
        const Cells c = *this;  // what a reference leads to would be read again for each item
        const From x = from;
        for (std::int32_t k = 0; k < n; ++k) {
            N u = (x.number_of(first + k) - c.low) * c.per_unit;
            u = u > 0 ? u : N(0);
            u = u < c.last ? u : c.last;
            cell[k] = static_cast<std::int32_t>(u);
        }
    }
    /// Calls body(k, cell of the k-th number) for every k in [begin, end).
    template <class From, class Body>
    void for_each(const From& from, std::int32_t begin, std::int32_t end, Body body) const {
        constexpr std::int32_t kBlock = 256;
        std::int32_t cell[kBlock];
        for (std::int32_t first = begin; first < end; first += kBlock) {
            const std::int32_t n = std::min(kBlock, end - first);
            find(from, first, n, cell);
            for (std::int32_t k = 0; k < n; ++k) body(first + k, cell[k]);
        }
    }
};

/// Bits from the lowest to the highest one that differ between the numbers.
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

/// One digit of them. The loops are functions of values: what a closure refers to would be read again for each item.
struct Digit {
    Bits key;
    int shift;
    std::uint32_t size;

    std::uint32_t operator()(double x) const { return static_cast<std::uint32_t>(key(x) >> shift) & (size - 1); }
    template <class N> void sort(Sortable<N> from, std::int32_t n, std::uint32_t* counts, Sortable<N> to) const {
        const Digit digit = *this;
        std::fill_n(counts, size, 0u);
        for (std::int32_t k = 0; k < n; ++k) ++counts[digit(from.number[k])];
        add_up(counts, size);
        for (std::int32_t k = 0; k < n; ++k) {
            const N x = from.number[k];
            const std::uint32_t slot = counts[digit(x)]++;
            to.number[slot] = x;
            to.index[slot] = from.index[k];
        }
    }
};

}  // namespace rankgrad
