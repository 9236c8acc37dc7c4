// The direct sum over the pairs of a list: each pair once, with O(n) memory.
//
// Items are ordered by label, so a level's rows are paired with one contiguous range of columns and the inner loop has no
// label test. The columns are taken in blocks (pair_tiles.hpp), each against the rows of all levels above it. With a pair
// weight the pairs are those of the job's rectangles.
#pragma once

#include "kernels/pair_tiles.hpp"

namespace rankgrad {
namespace {

constexpr int kSharedRows = 8;  // of small levels that are taken together

template <class Loss, class T, PairMode mode, bool weighted, class Weight = NoWeight> class DirectPairSum {
    const PairJob<T>& job_;
    PairTiles<Loss, T, mode, weighted, Weight> tiles_;

    static std::int32_t least(std::int32_t a, std::int32_t b) { return a < b ? a : b; }
    static std::int32_t most(std::int32_t a, std::int32_t b) { return a < b ? b : a; }

    template <bool factored> void rectangle(const PairRectangle& r) {
        for (std::int32_t column = r.column_begin; column < r.column_end; column += tiles_.width()) {
            tiles_.open(column);
            tiles_.template strip<factored>(r.row_begin, r.row_end, {least(column + tiles_.width(), r.column_end)});
            tiles_.flush();
        }
    }

    /// Small levels share the tiles of a strip.
    std::int32_t shared_end(std::int32_t q) const {
        const std::int32_t* begin = job_.level_begin;
        std::int32_t next = q + 1;
        while (next < job_.n_levels && begin[next + 1] - begin[q] <= kSharedRows) ++next;
        return next;
    }

    /// The rows of the levels [q, next) against the columns [column, column_end) below each of them.
    template <bool factored>
    void strip(std::int32_t q, std::int32_t next, std::int32_t column, std::int32_t column_end) {
        const std::int32_t* begin = job_.level_begin;
        const std::int32_t row = most(begin[q], job_.row_begin), row_end = least(begin[next], job_.row_end);
        if (next - q == 1 || begin[q] >= column_end)
            return tiles_.template strip<factored>(row, row_end, {least(begin[q], column_end)});
        std::int32_t places[kSharedRows];
        for (std::int32_t r = q; r < next; ++r)
            for (std::int32_t k = begin[r]; k < begin[r + 1]; ++k)
                places[k - begin[q]] = most(column, least(begin[r], column_end));
        tiles_.template strip<factored>(row, row_end, {0, places, begin[q]});
    }

    /// All levels' rows against one block of columns after the other, as far as the job has them.
    template <bool factored> void levels() {
        const std::int32_t* begin = job_.level_begin;
        const std::int32_t columns = least(begin[job_.n_levels - 1], job_.column_end);
        for (std::int32_t column = job_.column_begin; column < columns; column += tiles_.width()) {
            tiles_.open(column);
            for (std::int32_t q = 1, next; q < job_.n_levels; q = next) {
                next = shared_end(q);
                if (begin[next - 1] > column) strip<factored>(q, next, column, least(column + tiles_.width(), columns));
            }
            tiles_.flush();
        }
    }

    template <bool factored> void all() {
        if constexpr (Weight::any) {
            for (std::int32_t k = 0; k < job_.n_rectangles; ++k) rectangle<factored>(job_.rectangles[k]);
        } else {
            levels<factored>();
        }
    }

public:
    explicit DirectPairSum(const PairJob<T>& job) : job_(job), tiles_(job) {}

    void run() {
        // float32 lists whose range does not fit the factored form are summed in double, so float needs one form only.
        constexpr bool one_form = Loss::factored && sizeof(T) == sizeof(float);
        if (Loss::factored && (one_form || job_.factored)) all<Loss::factored>();
        else if constexpr (!one_form) all<false>();
    }

    static void call(const PairJob<T>& job) { DirectPairSum(job).run(); }
};

}  // namespace
}  // namespace rankgrad
