// The merge path of two groups of items, each sorted by score, which finds the partners of every item: a row i of the
// upper group and an item j of the lower group are partners if s_i - s_j, rounded, is below the unit of margins.
//
// Rows are visited from the highest score down; the partners of a row are those of the row before it and some more.
// Each step compares a score with the bound of a row (losses/hinge_bound.hpp) and consumes either the next partner or
// the row. The position in the other group is then where the partners of the consumed item end
// (MergedItems::partner_end): n steps serve all n items. A step depends on the loads and the comparison of the step
// before it, so that four stretches of the path of equal length are walked in turn; bisection finds where each begins
// [Odeh, Green, Mwassi, Shmueli & Birk, Merge Path, 2012]. Steps and bisections have no branches to mispredict.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/contract/sorted.hpp"
#include "kernels/losses/hinge_bound.hpp"

namespace rankgrad {
namespace {

template <class N> struct MergePath {
    using Job = MergedItems<N>;
    static constexpr int kStreams = 4;

    static std::ptrdiff_t least(std::ptrdiff_t a, std::ptrdiff_t b) { return a < b ? a : b; }

    struct Point {
        std::ptrdiff_t row, partner;
    };

    /// count[k]: how many of n[k] numbers are `in`, which are the first ones. Several bisections in step hide the
    /// latency of their loads; n[k] is 0 only for a single one.
    template <int several, class In>
    static RANKGRAD_INLINE void count_first(const std::ptrdiff_t* n, std::ptrdiff_t* count, In in) {
        std::ptrdiff_t most = 0;
        for (int k = 0; k < several; ++k) {
            most = n[k] > most ? n[k] : most;
            count[k] = 0;
        }
        for (; most > 0; most /= 2) {
            for (int k = 0; k < several; ++k) {
                const std::ptrdiff_t next = least(count[k] + (most + 1) / 2, n[k]);
                count[k] += (next - count[k]) & -static_cast<std::ptrdiff_t>(in(k, next - 1));
            }
        }
    }

    /// joined[k]: partners consumed after steps[k] steps of the merge path. near(r, p): p is consumed before row r.
    template <int several, class Near>
    static RANKGRAD_INLINE void joined_after(const std::ptrdiff_t* steps, std::ptrdiff_t rows, std::ptrdiff_t partners,
                                             std::ptrdiff_t* joined, Near near) {
        std::ptrdiff_t fewest[several], n[several];
        for (int k = 0; k < several; ++k) {
            fewest[k] = steps[k] - least(steps[k], rows);
            n[k] = least(steps[k], partners) - fewest[k];
        }
        count_first<several>(n, joined, [&](int k, std::ptrdiff_t i) {
            const std::ptrdiff_t partner = fewest[k] + i;
            return near(steps[k] - partner - 1, partner);
        });
        for (int k = 0; k < several; ++k) joined[k] += fewest[k];
    }

    /// The point of the whole path after `steps` steps.
    static Point point(const Job& job, std::ptrdiff_t steps) {
        const N *row = job.score + job.end - 1, *partner = job.score + job.middle - 1;
        std::ptrdiff_t joined;
        joined_after<1>(
            &steps, job.end - job.middle, job.middle - job.begin, &joined,
            [=, &job](std::ptrdiff_t r, std::ptrdiff_t p) { return double{row[-r]} - double{partner[-p]} < job.unit; });
        return {job.end - 1 - (steps - joined), job.middle - 1 - joined};
    }

    /// Cuts the path into n pieces of equally many steps.
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

    /// Consumes one item, of either group, and writes where its partners end.
    static RANKGRAD_INLINE void step(const N* bound, const N* score, std::int32_t* partner_end, Point& at) {
        const std::ptrdiff_t leaves = bound[at.row] >= score[at.partner], joins = leaves - 1;  // all bits or none
        const std::ptrdiff_t item = at.row + ((at.partner - at.row) & joins);
        partner_end[item] = static_cast<std::int32_t>(at.row + at.partner - joins - item);
        at.row -= leaves;
        at.partner += joins;
    }

    /// Not inlined, so that it has all registers.
    static RANKGRAD_NOINLINE void walk(const N* bound, const N* score, std::int32_t* partner_end, std::ptrdiff_t steps,
                                       Point (&from)[kStreams]) {
        Point at[kStreams];
        for (int k = 0; k < kStreams; ++k) at[k] = from[k];
        for (; steps > 0; --steps)
            for (int k = 0; k < kStreams; ++k) step(bound, score, partner_end, at[k]);
        for (int k = 0; k < kStreams; ++k) from[k] = at[k];
    }

    /// Steps from the first row and partner until one of the two groups is used up.
    static std::ptrdiff_t common_steps(const N* bound, const N* score, std::ptrdiff_t rows, std::ptrdiff_t partners) {
        if (rows == 0 || partners == 0) return 0;
        const N last_bound = bound[1 - rows], last_score = score[1 - partners];
        const bool rows_stay = last_bound < last_score;
        std::ptrdiff_t passed;
        if (rows_stay) count_first<1>(&rows, &passed, [=](int, std::ptrdiff_t r) { return bound[-r] >= last_score; });
        else count_first<1>(&partners, &passed, [=](int, std::ptrdiff_t p) { return last_bound < score[-p]; });
        return passed + (rows_stay ? partners : rows);
    }

    /// Fills `partner_end` for the items of a piece.
    static void call(const Job& job, const MergePiece& piece) {
        const MergeSide& all = piece.upper;
        const std::ptrdiff_t rows = all.row - all.row_end, partners = all.partner - all.partner_end;
        const std::ptrdiff_t lowest = all.row_end + 1;
        find_bounds<true>(job.score + lowest, rows, job.unit, job.bound + lowest);
        const N *bound = job.bound, *score = job.score, *first_bound = bound + all.row,
                *first_score = score + all.partner;
        std::int32_t* partner_end = job.partner_end;
        std::ptrdiff_t left = common_steps(first_bound, first_score, rows, partners);
        Point at[kStreams] = {{all.row, all.partner}};
        Point& last = at[left < kStreams ? 0 : kStreams - 1];
        if (left >= kStreams) {
            const std::ptrdiff_t length = left / kStreams;
            std::ptrdiff_t steps[kStreams - 1], joined[kStreams - 1];
            for (int k = 1; k < kStreams; ++k) steps[k - 1] = k * length;
            joined_after<kStreams - 1>(steps, rows, partners, joined, [=](std::ptrdiff_t r, std::ptrdiff_t p) {
                return first_bound[-r] < first_score[-p];
            });
            for (int k = 1; k < kStreams; ++k)
                at[k] = {all.row - (steps[k - 1] - joined[k - 1]), all.partner - joined[k - 1]};
            walk(bound, score, partner_end, length, at);
            left -= kStreams * length;
        }
        for (; left > 0; --left) step(bound, score, partner_end, last);
        for (; last.row > all.row_end; --last.row) partner_end[last.row] = static_cast<std::int32_t>(last.partner);
        for (; last.partner > all.partner_end; --last.partner)
            partner_end[last.partner] = static_cast<std::int32_t>(last.row + 1);
    }
};

}  // namespace
}  // namespace rankgrad
