// The items of a long list of few levels in windows of their positions.
//
// In label order a level's items come from all over the list, so that each level would take all its memory through the
// cache again. In a window every level has a run of items, and the window stays in the cache from level to level.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/runtime/parts.hpp"

namespace rankgrad {

constexpr std::int32_t kWindowItems = 1 << 15;
/// With more levels, or fewer items, a run is too short, or all fits the cache.
constexpr std::int32_t kWindowLevels = 32, kLeastWindows = 4;

/// Calls body(begin, end, part) for ranges that together are all items of a list in label order, in each level by
/// position.
template <class Body> void for_windows(const Team& team, const std::int32_t* order, const std::int32_t* level_begin,
                                       std::int32_t n_levels, std::vector<ItemPart>& parts, Body body) {
    const std::int32_t n = level_begin[n_levels];
    if (n < kLeastWindows * kWindowItems || n_levels > kWindowLevels) return for_parts(team, n, parts, body);
    std::int32_t last = 0;
    for (std::int32_t q = 0; q < n_levels; ++q) last = std::max(last, order[level_begin[q + 1] - 1]);
    const std::int64_t windows = last / kWindowItems + 1;
    parts.resize(static_cast<std::size_t>(windows));
    team.run(windows, [&](std::int64_t window) {
        ItemPart& part = parts[static_cast<std::size_t>(window)];
        part = no_items();
        const auto first_from = [&](std::int32_t q, std::int64_t position) {
            return std::lower_bound(order + level_begin[q], order + level_begin[q + 1], position) - order;
        };
        for (std::int32_t q = 0; q < n_levels; ++q) {
            const std::int64_t begin = first_from(q, window * kWindowItems),
                               end = first_from(q, (window + 1) * kWindowItems);
            if (begin < end) body(begin, end, part);
        }
    });
}

}  // namespace rankgrad
