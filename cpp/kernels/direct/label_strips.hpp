// The pairs of a list in label order, as strips: rows of one level, or of a few small ones, against a block of columns.
//
// A level's rows are paired with one contiguous range of columns, so that no inner loop tests labels. Each block of
// columns is paired with the rows of all levels above it before the next block is opened.
#pragma once

#include "kernels/contract/direct.hpp"
#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

constexpr int kPanelRows = 64;       // rows, of any levels, between two flushes of a block's columns
constexpr int kBlockRegisters = 64;  // registers of columns of a block
constexpr int kSharedRows = 8;       // small levels with so many rows together share a strip

/// End column of each row, non-decreasing: the same for all, or ends[row - first].
struct RowColumns {
    std::int32_t all = 0;
    const std::int32_t* ends = nullptr;
    std::int32_t first = 0;

    RANKGRAD_INLINE std::int32_t end(std::int32_t row) const { return ends == nullptr ? all : ends[row - first]; }

    /// The lanes of a register of columns that belong to each of the first `wanted` of n rows.
    template <class T, int n> RANKGRAD_INLINE void find_lanes(std::int32_t row, int wanted, std::int32_t column,
                                                              typename Lanes<T>::Mask (&lanes)[n]) const {
        const auto same = first_lanes<T>(end(row + wanted - 1) - column);
        for (int r = 0; r < n; ++r) lanes[r] = same;
        for (int r = 0; ends != nullptr && r + 1 < wanted; ++r) lanes[r] = first_lanes<T>(end(row + r) - column);
    }
};

/// Tiles open a block of `width` columns, add strips of rows against it, each row up to its own end column, and flush
/// the sums of the block's columns.
template <class Job, class Tiles> class LevelStrips {
    const Job& job_;
    Tiles& tiles_;

    static std::int32_t least(std::int32_t a, std::int32_t b) { return a < b ? a : b; }
    static std::int32_t most(std::int32_t a, std::int32_t b) { return a < b ? b : a; }

    /// Small levels share the tiles of a strip.
    std::int32_t shared_end(std::int32_t q) const {
        const std::int32_t* begin = job_.level_begin;
        std::int32_t next = q + 1;
        while (next < job_.n_levels && begin[next + 1] - begin[q] <= kSharedRows) ++next;
        return next;
    }

    /// The rows of the levels [q, next) against those of the columns [column, column_end) that are below each of them.
    void strip(std::int32_t q, std::int32_t next, std::int32_t column, std::int32_t column_end) {
        const std::int32_t* begin = job_.level_begin;
        const std::int32_t row = most(begin[q], job_.row_begin), row_end = least(begin[next], job_.row_end);
        if (next - q == 1 || begin[q] >= column_end) return tiles_.strip(row, row_end, {least(begin[q], column_end)});
        std::int32_t ends[kSharedRows];
        for (std::int32_t r = q; r < next; ++r)
            for (std::int32_t k = begin[r]; k < begin[r + 1]; ++k)
                ends[k - begin[q]] = most(column, least(begin[r], column_end));
        tiles_.strip(row, row_end, {0, ends, begin[q]});
    }

public:
    LevelStrips(const Job& job, Tiles& tiles) : job_(job), tiles_(tiles) {}

    /// Goes through the blocks of the job's columns, each against the job's rows of all levels.
    void run() {
        const std::int32_t* begin = job_.level_begin;
        const std::int32_t columns = least(begin[job_.n_levels - 1], job_.column_end);
        for (std::int32_t column = job_.column_begin; column < columns; column += tiles_.width()) {
            tiles_.open(column);
            for (std::int32_t q = 1, next; q < job_.n_levels; q = next) {
                next = shared_end(q);
                if (begin[next - 1] > column) strip(q, next, column, least(column + tiles_.width(), columns));
            }
            tiles_.flush();
        }
    }
};

}  // namespace
}  // namespace rankgrad
