// Argsort of up to 16,384 numbers: packs a quantised value and an index into keys of 32 bits and radix-sorts those in
// cache.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "engine/sorting/radix_digits.hpp"
#include "engine/sorting/argsort.hpp"

namespace rankgrad {

/// Most items whose keys are on the stack, and most of all: so that a place and 18 bits of a cell are a key.
constexpr std::int32_t kNearItems = 1 << 12, kMostKeys = 1 << 14;

/// Insertion sort. Gives up, with false, when it is not nearly done from the start.
template <class N> bool insert(Sortable<N> x, std::int32_t n) {
    constexpr std::int32_t kBlock = 16;  // looked at together, as most need nothing
    std::int64_t moves_left = 2 * static_cast<std::int64_t>(n) + 64;
    for (std::int32_t begin = 1, end; begin < n; begin = end) {
        end = begin + std::min(kBlock, n - begin);
        std::int32_t falls = 0;
        for (std::int32_t k = begin; k < end; ++k) falls += x.number[k - 1] > x.number[k];
        for (std::int32_t k = begin; falls != 0 && k < end; ++k) {
            const N number = x.number[k];
            const std::int32_t index = x.index[k];
            std::int32_t slot = k;
            for (; slot > 0 && x.number[slot - 1] > number; --slot) {
                x.number[slot] = x.number[slot - 1];
                x.index[slot] = x.index[slot - 1];
            }
            x.number[slot] = number;
            x.index[slot] = index;
            moves_left -= k - slot;
            if (moves_left < 0) return false;
        }
    }
    return true;
}

/// Sorts numbers by two digits of their cells, with room for two keys of each. A key is a cell above the place among
/// the items, which it leaves 32 - 2 * width bits.
template <int width, class From, class N>
void sort_keys(From from, std::int32_t n, const Cells<N>& cells, Sortable<N> to, std::uint32_t* key) {
    constexpr std::uint32_t size = std::uint32_t{1} << width;
    constexpr int high = 32 - width, middle = high - width;
    constexpr std::uint32_t place = (std::uint32_t{1} << middle) - 1;
    std::uint32_t low_count[size] = {}, high_count[size] = {}, *const by_low = key + n;
    cells.find(from, 0, n, reinterpret_cast<std::int32_t*>(key));
    for (std::int32_t k = 0; k < n; ++k) key[k] = (key[k] << middle) | static_cast<std::uint32_t>(k);
    for (std::int32_t k = 0; k < n; ++k) {
        ++low_count[(key[k] >> middle) & (size - 1)];
        ++high_count[key[k] >> high];
    }
    add_up(low_count, size);
    add_up(high_count, size);
    for (std::int32_t k = 0; k < n; ++k) by_low[low_count[(key[k] >> middle) & (size - 1)]++] = key[k];
    for (std::int32_t k = 0; k < n; ++k) {
        const std::uint32_t slot = high_count[by_low[k] >> high]++;
        const auto item = static_cast<std::int32_t>(by_low[k] & place);
        to.number[slot] = from.number_of(item);
        to.index[slot] = from.index_of(item);
    }
}

/// Sorts at most kMostKeys numbers, best those from `low` to `high`, into another place, with room for two keys of
/// each. False if they are too uneven, or their range cannot be divided.
template <class From, class N>
bool sort_near(From from, std::int32_t n, double low, double high, Sortable<N> to, std::uint32_t* room) {
    const auto sort = [&](auto width) {
        const Cells<N> cells(low, high, 2 * width);
        if (!cells.ok()) return false;
        sort_keys<width>(from, n, cells, to, room);
        return insert(to, n);
    };
    if (n <= 64)
        return sort(std::integral_constant<int, 5>());  // the counters of more cells take longer than the items
    if (n < 256) return sort(std::integral_constant<int, 7>());
    if (n <= 2048) return sort(std::integral_constant<int, 8>());
    return sort(std::integral_constant<int, 9>());
}

}  // namespace rankgrad
