// Sorts numbers that fit the nearest cache.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "engine/radix_digits.hpp"
#include "engine/radix_sort.hpp"

namespace rankgrad {

constexpr std::int32_t kNearItems = 1 << 11;

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

/// Sorts at most kNearItems by two digits of their cells. A key is a cell above the place among the items.
template <int width, class N>
void sort_digits(const N* number, const std::int32_t* index, std::int32_t n, N low, N per_unit, Sortable<N> to) {
    constexpr std::uint32_t size = std::uint32_t{1} << width, mask = size - 1;
    constexpr int high = 16 + width;
    constexpr N last = (1 << 2 * width) - 1;
    std::uint32_t key[kNearItems], by_low[kNearItems], low_count[size] = {}, high_count[size] = {};
    N near_number[kNearItems];
    std::int32_t near_index[kNearItems];
    for (std::int32_t k = 0; k < n; ++k) {
        N cell = (number[k] - low) * per_unit;
        cell = cell > 0 ? cell : N(0);
        cell = cell < last ? cell : last;
        key[k] = (static_cast<std::uint32_t>(static_cast<std::int32_t>(cell)) << 16) | static_cast<std::uint32_t>(k);
    }
    std::copy_n(number, n, near_number);
    if (index != nullptr) std::copy_n(index, n, near_index);
    else std::iota(near_index, near_index + n, 0);
    for (std::int32_t k = 0; k < n; ++k) {
        ++low_count[(key[k] >> 16) & mask];
        ++high_count[key[k] >> high];
    }
    add_up(low_count, size);
    add_up(high_count, size);
    for (std::int32_t k = 0; k < n; ++k) by_low[low_count[(key[k] >> 16) & mask]++] = key[k];
    for (std::int32_t k = 0; k < n; ++k) {
        const std::uint32_t slot = high_count[by_low[k] >> high]++, item = by_low[k] & 0xffff;
        to.number[slot] = near_number[item];
        to.index[slot] = near_index[item];
    }
}

/// Sorts at most kNearItems, best those from `low` to `high`, but for a few that are left to insertion; `number` and `index` may
/// be those of `to`. False, with nothing done, if the range cannot be divided.
template <class N>
bool sort_near(const N* number, const std::int32_t* index, std::int32_t n, double low, double high, Sortable<N> to) {
    constexpr int narrow = 7, wide = 8;
    const bool few = n < 256;
    const double per_unit = ((1 << 2 * (few ? narrow : wide)) - 1) / (high - low);
    if (!(per_unit > 0 && per_unit < 1e30)) return false;
    const N least = static_cast<N>(low), cells_per_unit = static_cast<N>(per_unit);
    if (few) sort_digits<narrow>(number, index, n, least, cells_per_unit, to);
    else sort_digits<wide>(number, index, n, least, cells_per_unit, to);
    return true;
}

}  // namespace rankgrad
