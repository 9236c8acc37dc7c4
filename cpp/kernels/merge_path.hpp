// The walk along two groups of items, each in the order of the scores, that finds the partners of every item: a row i of
// the upper group and an item j of the lower group are partners if s_i - s_j < 1.
//
// Rows are visited from the highest score down; the partners of a row are those of the row before it and some more. Each
// step compares a score with the bound of a row (partner_bounds.hpp), and either lets the next partner join or leaves the row,
// and so says for one item where the walk along the other group stands (MergedItems::reach): n steps give the partners of
// all n items. A step waits for the loads and the comparison of the step before it, so that four stretches of the path are
// walked in turn: where a path is after so many steps is found by bisection [Odeh, Green, Mwassi, Shmueli & Birk, Merge
// Path, 2012]. A step has no branch to mispredict.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_table.hpp"
#include "kernels/partner_bounds.hpp"

namespace rankgrad {
namespace {

template <class N> struct MergePath {
    using Job = MergedItems<N>;
    static constexpr int kStreams = 4;
    static constexpr std::ptrdiff_t kFewSteps = 8;  // that are not worth a loop of all streams

    static std::ptrdiff_t least(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }

    /// A stretch of the path: from a row and the next partner down to the ends of both.
    struct Stream {
        std::ptrdiff_t row, partner, row_end, partner_end;
        std::ptrdiff_t sure_steps() const { return least(row - row_end, partner - partner_end); }
    };
    struct Point {
        std::ptrdiff_t row, partner;
    };

    static bool near(double row, double partner) { return row - partner < 1.0; }

    /// Where the walk is after so many steps. A partner has joined if it is near the last row that may have been reached by then.
    static Point point(const Job& job, std::ptrdiff_t steps) {
        const N *row = job.score + job.end - 1, *partner = job.score + job.middle - 1;
        const std::ptrdiff_t n_upper = job.end - job.middle, n_lower = job.middle - job.begin;
        std::ptrdiff_t joined = steps - least(steps, n_upper);
        for (std::ptrdiff_t high = least(steps, n_lower); joined < high;) {
            const std::ptrdiff_t middle = (joined + high) / 2;
            if (near(*(row - (steps - middle - 1)), *(partner - middle))) joined = middle + 1;
            else high = middle;
        }
        return {job.end - 1 - (steps - joined), job.middle - 1 - joined};
    }

    /// Cuts both walks into n pieces of as many steps each.
    static void cut(const Job& job, MergePiece* pieces, std::int64_t n) {
        const std::ptrdiff_t steps = job.end - job.begin;
        Point from = point(job, 0);
        for (std::int64_t k = 0; k < n; ++k) {
            const Point to = point(job, steps * (k + 1) / n);
            pieces[k] = {};
            MergeSide &upper = pieces[k].upper, &lower = pieces[k].lower;
            upper.row = from.row;
            upper.row_end = to.row;
            upper.partner = from.partner;
            upper.partner_end = to.partner;
            lower.row = to.partner + 1;
            lower.row_end = from.partner + 1;
            lower.partner = to.row + 1;
            lower.partner_end = from.row + 1;
            from = to;
        }
    }

    static RANKGRAD_INLINE void step(const N* bound, const N* score, std::int32_t* reach, std::ptrdiff_t& row,
                                     std::ptrdiff_t& partner) {
        const std::ptrdiff_t joins = bound[row] < score[partner];
        reach[row] = static_cast<std::int32_t>(partner);  // overwritten while partners join
        reach[partner] = static_cast<std::int32_t>(row + 1);
        row -= 1 - joins;
        partner -= joins;
    }

    /// One stream to its end.
    static void finish(const N* bound, const N* score, std::int32_t* reach, Stream s) {
        while (s.sure_steps() > 0) step(bound, score, reach, s.row, s.partner);
        for (; s.row > s.row_end; --s.row) reach[s.row] = static_cast<std::int32_t>(s.partner);
        for (; s.partner > s.partner_end; --s.partner) reach[s.partner] = static_cast<std::int32_t>(s.row + 1);
    }

    template <int streams> static void walk(const N* bound, const N* score, std::int32_t* reach, Stream* stream) {
        std::ptrdiff_t row[streams], partner[streams];
        int shortest = 0;
        for (;;) {
            for (int k = 0; k < streams; ++k)
                if (stream[k].sure_steps() < stream[shortest].sure_steps()) shortest = k;
            std::ptrdiff_t left = stream[shortest].sure_steps();
            if (left < kFewSteps) break;
            for (int k = 0; k < streams; ++k) {
                row[k] = stream[k].row;
                partner[k] = stream[k].partner;
            }
            for (; left > 0; --left)
                for (int k = 0; k < streams; ++k) step(bound, score, reach, row[k], partner[k]);
            for (int k = 0; k < streams; ++k) {
                stream[k].row = row[k];
                stream[k].partner = partner[k];
            }
        }
        finish(bound, score, reach, stream[shortest]);
        stream[shortest] = stream[streams - 1];
        if constexpr (streams > 1) walk<streams - 1>(bound, score, reach, stream);
    }

    /// Fills `reach` for the items of a piece.
    static void call(const Job& job, const MergePiece& piece) {
        const MergeSide& all = piece.upper;
        const std::ptrdiff_t first = (job.end - 1 - all.row) + (job.middle - 1 - all.partner);
        const std::ptrdiff_t steps = (all.row - all.row_end) + (all.partner - all.partner_end);
        Stream stream[kStreams];
        Point from{all.row, all.partner};
        for (int k = 0; k < kStreams; ++k) {
            const Point to =
                k + 1 < kStreams ? point(job, first + steps * (k + 1) / kStreams) : Point{all.row_end, all.partner_end};
            stream[k] = {from.row, from.partner, to.row, to.partner};
            from = to;
        }
        const std::ptrdiff_t lowest = all.row_end + 1;
        find_bounds<true>(job.score + lowest, all.row - all.row_end, job.bound + lowest);
        walk<kStreams>(job.bound, job.score, job.reach, stream);
    }
};

}  // namespace
}  // namespace rankgrad
