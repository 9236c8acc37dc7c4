// The way of a list's scores into label order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/dispatch.hpp"
#include "engine/item_parts.hpp"

namespace rankgrad {

/// Items that are gathered before their range is looked at, while they are in the nearest cache.
constexpr std::int64_t kGatheredBlock = 1024;

/// Gathers a part's scores, looks at their range, and divides them by the temperature.
template <class T, class N> void gather_scores(const T* scores, const std::int32_t* order, std::int64_t n,
                                               double temperature, N* out, ItemPart& part) {
    for (std::int64_t first = 0; first < n; first += kGatheredBlock) {
        const std::int64_t count = std::min(kGatheredBlock, n - first);
        N* block = out + first;
        for (std::int64_t k = 0; k < count; ++k) block[k] = static_cast<N>(scores[order[first + k]]);
        N low, high;
        part.finite = copy_scores(block, count, block, &low, &high) && part.finite;
        part.low = first == 0 ? double{low} : std::min(part.low, double{low});
        part.high = first == 0 ? double{high} : std::max(part.high, double{high});
        for (std::int64_t k = 0; temperature != 1.0 && k < count; ++k)
            block[k] = static_cast<N>(static_cast<double>(block[k]) / temperature);
    }
}

/// Range of the numbers of all parts, and whether they are finite.
inline ItemPart joined(const std::vector<ItemPart>& parts) {
    ItemPart all = parts[0];
    for (const ItemPart& part : parts) {
        all.low = std::min(all.low, part.low);
        all.high = std::max(all.high, part.high);
        all.finite = all.finite && part.finite;
    }
    return all;
}

}  // namespace rankgrad
