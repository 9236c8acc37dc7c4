// How trees over the label levels of a list split a node, and which of its nodes threads share.
#pragma once

#include <algorithm>
#include <cstdint>

namespace rankgrad {

/// Nodes of at most so many items are leaves.
constexpr std::int32_t kMostLeafItems = 128;
/// Items of a node that all threads work on together; a smaller one is left to one of them, with all below it.
constexpr std::int32_t kSharedItems = 1 << 14;

/// The level in (first, last) that begins nearest to the middle of the items of the levels [first, last).
inline std::int32_t split_level(const std::int32_t* level_begin, std::int32_t first, std::int32_t last) {
    const std::int32_t* begin = level_begin;
    const std::int32_t half = begin[first] + (begin[last] - begin[first]) / 2;
    const auto above = static_cast<std::int32_t>(std::lower_bound(begin + first + 1, begin + last - 1, half) - begin);
    return above - 1 > first && half - begin[above - 1] < begin[above] - half ? above - 1 : above;
}

}  // namespace rankgrad
