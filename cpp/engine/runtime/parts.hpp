// The items of a list in parts: the same for any number of threads, and each with results of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/runtime/parallel.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {

/// What a part says of its items. Parts of different threads are never in the same cache line.
struct alignas(64) ItemPart {
    double low = 0, high = 0;  ///< range of the scores
    double vector_low = 0, vector_high = 0;
    double value = 0;  ///< weighted sum
    bool finite = true;
};

/// A part before any of its items is looked at.
inline ItemPart no_items() {
    ItemPart none;
    none.low = std::numeric_limits<double>::infinity();
    none.high = -none.low;
    return none;
}

/// Range of the numbers of all parts, and whether they are finite.
inline ItemPart joined(const std::vector<ItemPart>& parts) {
    ItemPart all;
    all.low = parts[0].low;
    all.high = parts[0].high;
    for (const ItemPart& part : parts) {
        all.low = std::min(all.low, part.low);
        all.high = std::max(all.high, part.high);
        all.finite = all.finite && part.finite;
    }
    return all;
}

constexpr std::int64_t kPartItems = 1 << 14, kRegister = static_cast<std::int64_t>(kPadding);
inline std::int64_t count_parts(std::int64_t n) { return (n + kPartItems - 1) / kPartItems; }
/// Whole registers, but for the last part, whose items end where there is padding.
inline std::int64_t part_begin(std::int64_t n, std::int64_t part) {
    return part == count_parts(n) ? n : n * part / count_parts(n) / kRegister * kRegister;
}

/// Calls body(begin, end, part) for the parts of n items, none of which has been looked at.
template <class Body> void for_parts(const Team& team, std::int64_t n, std::vector<ItemPart>& parts, Body body) {
    const std::int64_t n_parts = count_parts(n);
    parts.resize(static_cast<std::size_t>(n_parts));
    if (n_parts == 1) {  // most lists: without the cost of a std::function
        parts[0] = no_items();
        if (!team.stopped()) body(std::int64_t{0}, n, parts[0]);
        return;
    }
    team.run(n_parts, [&](std::int64_t k) {
        ItemPart& part = parts[static_cast<std::size_t>(k)];
        part = no_items();
        body(part_begin(n, k), part_begin(n, k + 1), part);
    });
}

}  // namespace rankgrad
