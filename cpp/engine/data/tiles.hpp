// The pairs of one long list as tiles that threads can do side by side without sums of their own.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/runtime/parallel.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// Items along a side of a tile.
constexpr std::int32_t kTileItems = 1024;
/// Shorter lists are not worth it.
constexpr std::int32_t kLeastTiledItems = 4 * kTileItems;

/// Calls body(tile) for all pairs of two of n items, the row the later one, each pair in one tile. The items come in
/// blocks, and as in a tournament where each block meets each other one, a round has each block in at most one tile. So
/// each item's sums are added in the order of the rounds, by any number of threads.
template <class Body> void for_tiles(const Team& team, std::int32_t n, Body body) {
    const std::int32_t blocks = (n + kTileItems - 1) / kTileItems, slots = blocks + blocks % 2, others = slots - 1;
    const auto meet = [&](std::int32_t a, std::int32_t b) {
        const auto [column, row] = std::minmax(a, b);
        if (row >= blocks) return;  // the last of an odd number has a rest
        const auto end = [&](std::int32_t block) { return block + 1 < blocks ? (block + 1) * kTileItems : n; };
        body(PairRectangle{row * kTileItems, end(row), column * kTileItems, end(column)});
    };
    team.run(blocks, [&](std::int64_t block) {
        const auto self = static_cast<std::int32_t>(block);
        meet(self, self);
    });
    for (std::int32_t round = 0; round < others && !team.stopped(); ++round)
        team.run(slots / 2, [&](std::int64_t match) {  // the last block stays, the others turn about it
            const auto k = static_cast<std::int32_t>(match);
            if (k == 0) meet(round, others);
            else meet((round + k) % others, (round + others - k) % others);
        });
}

/// Calls kernel(part) for a job over all rows of a list, in the tiles of a long one.
template <class Job, class Kernel> void run_tiles(const Team& team, const Job& job, Kernel kernel) {
    if (job.row_end < kLeastTiledItems) return kernel(job);
    for_tiles(team, job.row_end, [&](const PairRectangle& tile) {
        Job part = job;
        part.row_begin = tile.row_begin;
        part.row_end = tile.row_end;
        part.column_begin = tile.column_begin;
        part.column_end = tile.column_end;
        kernel(part);
    });
}

}  // namespace rankgrad
