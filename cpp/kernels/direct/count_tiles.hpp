// Counts of partners pair by pair, for the hinge without weights. A pair costs one comparison, with the bound of its
// row (losses/hinge_bound.hpp), and two integer additions, all exact.
#pragma once

#include "kernels/contract/sorted.hpp"
#include "kernels/simd/lane_sums.hpp"
#include "kernels/direct/label_strips.hpp"
#include "kernels/losses/hinge_bound.hpp"

namespace rankgrad {
namespace {

template <class N> class CountTiles {
    using V = Lanes<N>;
    using Mask = typename V::Mask;
    using Counts = typename Either<V::count == 1, std::int32_t, Mask>::type;  ///< -1 for each partner

    static constexpr N kNobody = static_cast<N>(__builtin_huge_val());

    const PartnerCountJob<N>& job_;
    Counts column_[kBlockRegisters];
    std::int32_t block_ = 0, block_end_ = 0;  ///< columns of the open block that have sums
    std::int64_t pairs_ = 0;

    static RANKGRAD_INLINE Counts active(V bound, V score) {
        if constexpr (V::count == 1) return -static_cast<std::int32_t>(bound < score);
        else return bound < score;
    }
    static RANKGRAD_INLINE Counts only_where(Mask mask, Counts counts) {
        if constexpr (V::count == 1) {
            return mask ? counts : 0;
        } else {
            typename V::Bits bits[2];  // as integers, or GCC splits them: SSE2 has no 64-bit condition
            std::memcpy(&bits[0], &counts, sizeof counts);
            std::memcpy(&bits[1], &mask, sizeof mask);
            bits[0] &= bits[1];
            std::memcpy(&counts, &bits[0], sizeof counts);
            return counts;
        }
    }

    /// Subtracts the counts of the first n lanes.
    static RANKGRAD_INLINE void subtract(const Counts& counts, int n, std::int32_t* from) {
        if constexpr (sizeof(Counts) == V::count * sizeof(std::int32_t)) {
            if (n == V::count) {
                Counts all;
                std::memcpy(&all, from, sizeof all);
                all -= counts;
                return static_cast<void>(std::memcpy(from, &all, sizeof all));
            }
        }
        typename Either<sizeof(N) == 4 || V::count == 1, std::int32_t, std::int64_t>::type count[V::count];
        static_assert(sizeof count == sizeof counts, "one for each lane");
        std::memcpy(count, &counts, sizeof count);
        for (int l = 0; l < n; ++l) from[l] -= static_cast<std::int32_t>(count[l]);
    }

    void flush(std::int32_t* counts) const {
        const int whole = (block_end_ - block_) / V::count, rest = (block_end_ - block_) % V::count;
        for (int slot = 0; slot < whole; ++slot) subtract(column_[slot], V::count, counts + block_ + slot * V::count);
        if (rest > 0) subtract(column_[whole], rest, counts + block_ + whole * V::count);
    }

    V score(int slot) const { return V::load(job_.score + block_ + slot * V::count); }
    int slots_to(std::int32_t column) const { return (column - block_ + V::count - 1) / V::count; }

    template <int n_rows> struct Rows {
        V bound[n_rows];
        Counts counts[n_rows];
    };
    template <int n_rows> RANKGRAD_INLINE void step(Rows<n_rows>& rows, V score, int slot) {
        Counts column = column_[slot];
        for (int r = 0; r < n_rows; ++r) {
            const Counts partners = active(rows.bound[r], score);
            rows.counts[r] += partners;
            column += partners;
        }
        column_[slot] = column;
    }

    /// All rows end at one column: scores beyond it are replaced by -infinity, which is nobody's partner.
    struct OneEnd {
        int whole_slots, slots;
        V last;

        OneEnd(const CountTiles& self, std::int32_t end)
            : whole_slots((end - self.block_) / V::count), slots(self.slots_to(end)) {
            if (whole_slots < slots)
                last = select(first_lanes<N>(end - self.block_ - whole_slots * V::count), self.score(whole_slots),
                              V(-kNobody));
        }
        RANKGRAD_INLINE int whole(std::int32_t /*row*/) const { return whole_slots; }
        template <int n_rows>
        RANKGRAD_INLINE void rest(CountTiles& self, Rows<n_rows>& rows, std::int32_t /*row*/, int /*wanted*/) const {
            if (whole_slots < slots) self.step(rows, last, whole_slots);
        }
    };
    /// Each row has its own end column.
    struct OwnEnds {
        const RowColumns& columns;
        std::int32_t block;

        RANKGRAD_INLINE int whole(std::int32_t row) const { return (columns.end(row) - block) / V::count; }
        template <int n_rows>
        RANKGRAD_INLINE void rest(CountTiles& self, Rows<n_rows>& rows, std::int32_t row, int wanted) const {
            for (int slot = whole(row), end = self.slots_to(columns.end(row + wanted - 1)); slot < end; ++slot) {
                Mask inside[n_rows];
                columns.template find_lanes<N>(row, wanted, block + slot * V::count, inside);
                const V score = self.score(slot);
                Counts column = self.column_[slot];
                for (int r = 0; r < n_rows; ++r) {
                    const Counts partners = only_where(inside[r], active(rows.bound[r], score));
                    rows.counts[r] += partners;
                    column += partners;
                }
                self.column_[slot] = column;
            }
        }
    };

    /// The first `wanted` rows; the others have the bound infinity. Returns what is added to their slopes.
    template <int n_rows, class Ends>
    RANKGRAD_INLINE FourIntegers tile(std::int32_t row, int wanted, const N* bound, const Ends& ends) {
        Rows<n_rows> rows;
        for (int r = 0; r < n_rows; ++r) {
            rows.bound[r] = V(static_cast<double>(bound[r]));
            rows.counts[r] = Counts{};
        }
        for (int slot = 0, whole = ends.whole(row); slot < whole; ++slot) step(rows, score(slot), slot);
        ends.rest(*this, rows, row, wanted);
        const FourIntegers counts = sums_of_counts(rows.counts);
        add_to(job_.slope + row, counts, wanted);
        if (job_.partners != nullptr) add_to(job_.partners + row, -counts, wanted);
        return counts;
    }

    template <class Ends> void tiles(std::int32_t row, std::int32_t row_end, const Ends& ends) {
        while (row < row_end) {
            const std::int32_t panel = row, end = row_end - row < kPanelRows ? row_end : row + kPanelRows;
            N bound[kPanelRows + kTileRows];
            if (job_.in_double) find_bounds<true>(job_.score + panel, end - panel, job_.unit, bound);
            else find_bounds<false>(job_.score + panel, end - panel, job_.unit, bound);
            for (int r = 0; r < kTileRows; ++r) bound[end - panel + r] = kNobody;
            FourIntegers counts{};
            for (; row + 1 < end; row += kTileRows) {
                const int wanted = end - row < kTileRows ? end - row : kTileRows;
                counts += tile<kTileRows>(row, wanted, bound + (row - panel), ends);
            }
            if (row < end) counts += tile<1>(row, 1, bound + (row - panel), ends);
            row = end;
            pairs_ -= (counts[0] + counts[1]) + (counts[2] + counts[3]);
        }
    }

    explicit CountTiles(const PartnerCountJob<N>& job) : job_(job) {}

public:
    static constexpr std::int32_t width() { return kBlockRegisters * V::count; }
    void open(std::int32_t column) { block_ = block_end_ = column; }

    /// Rows against the columns of the open block, each up to its own end.
    void strip(std::int32_t row, std::int32_t row_end, const RowColumns& columns) {
        if (row >= row_end) return;
        const std::int32_t column_end = columns.end(row_end - 1);
        for (int slot = slots_to(block_end_); slot < slots_to(column_end); ++slot) column_[slot] = Counts{};
        if (block_end_ < column_end) block_end_ = column_end;
        if (columns.ends == nullptr) tiles(row, row_end, OneEnd(*this, columns.all));
        else tiles(row, row_end, OwnEnds{columns, block_});
    }

    /// Adds the counts of the block's columns. Other columns may belong to another thread.
    void flush() {
        flush(job_.slope);
        if (job_.partners != nullptr) flush(job_.partners);
    }

    static std::int64_t count(const PartnerCountJob<N>& job) {
        CountTiles counts(job);
        LevelStrips<PartnerCountJob<N>, CountTiles>(job, counts).run();
        return counts.pairs_;
    }
};

}  // namespace
}  // namespace rankgrad
