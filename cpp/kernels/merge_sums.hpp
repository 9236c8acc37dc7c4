// The sum over all pairs between two groups of items, each in the order of the scores, for phi(m) = max(0, 1 - m)^p:
// one walk along both groups, O(n).
//
// Rows of the upper group are visited from the highest score down. The partners of a row, s_i - s_j < 1, are then those of
// the row before and some more, and the sums over them, S_k = sum_j w_j slack^k with slack = 1 - (s_i - s_j), follow:
//   a partner joins:            S_k += w slack^k
//   the next row is lower by g: S_2 += g (2 S_1 + S_0 g), S_1 += S_0 g
// Nothing but positive terms is added, so there is nothing to cancel whatever the scale or offset of the scores, and the
// test for a partner is the one of the direct sum. Rows of the lower group are the mirror image, from the lowest score up.
// The two walks are independent chains of loads and compares, so they take turns. Neither has a branch to mispredict.
//
// A long walk can be cut into pieces that are done side by side. What a piece starts with is the sum over the partners of
// all pieces before it: MergeStarts adds up those of each piece, then chains them by the second rule above.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/compensated.hpp"
#include "kernels/kernel_table.hpp"

namespace rankgrad {
namespace {

constexpr int kMergeSteps = 256;  // rows whose sums wait in the cache to be scattered

/// x or 0. Bits instead of a choice, out of which compilers make a branch.
RANKGRAD_INLINE double keep_if(std::int64_t condition, double x) {
    std::int64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    bits &= -condition;
    std::memcpy(&x, &bits, sizeof bits);
    return x;
}

/// S_k of the current row's partners, k = 0 .. degree; and the sum of w_j v_j.
template <int degree, bool weighted, bool with_vector> struct PartnerSums {
    Compensated moment[degree + 1];
    Compensated vector;

    /// Either a partner joins (active = 1, gap = 0) or the rows move on by `gap` (active = slack = 0).
    RANKGRAD_INLINE void step(double active, double slack, double gap, double w, double v) {
        const double s0 = moment[0].total();
        if constexpr (degree >= 2) moment[2].add(w * slack * slack + gap * (2.0 * moment[1].total() + s0 * gap));
        if constexpr (degree >= 1) moment[1].add(w * slack + s0 * gap);
        if constexpr (weighted) moment[0].add(active * w);
        else moment[0].sum += active;  // a count: exact
        if constexpr (with_vector && weighted) vector.add_product(active * w, v);
        if constexpr (with_vector && !weighted) vector.add(active * v);
    }
};

/// One walk: `direction` is -1 for rows of the upper group, +1 for rows of the lower group.
template <int direction, int degree, bool weighted, bool with_vector> struct MergeWalk {
    const MergeJob& job;
    std::ptrdiff_t row, row_end, partner, partner_end;
    PartnerSums<degree, weighted, with_vector> sums{};
    int done = 0;  // rows since the last flush
    double out[degree + 1][kMergeSteps];

    MergeWalk(const MergeJob& merge, const MergeSide& side)
        : job(merge), row(side.row), row_end(side.row_end), partner(side.partner),
          partner_end(direction < 0 ? merge.begin - 1 : merge.end) {
        for (int k = 0; k <= degree; ++k) sums.moment[k] = {side.sum[k], side.error[k]};
        sums.vector = {side.sum[kMergeVector], side.error[kMergeVector]};
    }

    RANKGRAD_INLINE bool unfinished() const { return row != row_end; }

    RANKGRAD_INLINE void step() {
        const double s = job.score[row];
        const std::ptrdiff_t candidate = partner == partner_end ? row : partner;
        const double to_partner = static_cast<double>(-direction) * (s - job.score[candidate]);
        const std::int64_t joins = (to_partner < 1.0) & (partner != partner_end);
        const double to_next = static_cast<double>(-direction) * (s - job.score[row + direction]);
        if constexpr (with_vector) {
            out[0][done] = spread(sums.moment[0], job.vector[job.item[row]], sums.vector);
        } else {
            for (int k = 0; k <= degree; ++k) out[k][done] = sums.moment[k].total();
        }
        const std::int32_t item = weighted || with_vector ? job.item[candidate] : 0;
        sums.step(keep_if(joins, 1.0), keep_if(joins, 1.0 - to_partner), keep_if(1 - joins, to_next),
                  weighted ? job.weight[item] : 1.0, with_vector ? job.vector[item] : 0.0);
        partner += direction * static_cast<std::ptrdiff_t>(joins);
        row += direction * static_cast<std::ptrdiff_t>(1 - joins);
        done += static_cast<int>(1 - joins);
    }
};

template <int power, PairMode mode, bool weighted> struct MergePairSum {
    static constexpr bool with_value = mode == kValue || mode == kValueGrad;
    static constexpr bool with_vector = mode == kHessVector;
    static constexpr bool with_hess = mode == kGradPositiveHess || (mode == kGradHess && power == 2);
    static constexpr int slope_degree = with_vector ? 0 : power - 1;
    using Upper = MergeWalk<-1, with_value ? power : slope_degree, false, with_vector>;
    using Lower = MergeWalk<+1, slope_degree, weighted, with_vector>;

    /// Adds the sums of the rows that `walk` has passed. phi' = -p slack^(p-1), phi'' = p (p-1) slack^(p-2).
    template <class Walk> static void flush(const MergeJob& job, Walk& walk, int direction) {
        const std::ptrdiff_t first = walk.row - direction * walk.done;
        const double same = job.weight[job.item[job.begin]];
        for (int k = 0; k < walk.done; ++k) {
            const std::int32_t item = job.item[first + direction * k];
            // The partners of the lower group's rows brought their weights.
            const double w = !weighted ? same : direction < 0 ? job.weight[item] : 1.0;
            if constexpr (with_vector) {
                job.grad[item] += 2.0 * w * walk.out[0][k];
            } else {
                if constexpr (mode != kValue) job.grad[item] += direction * power * w * walk.out[power - 1][k];
                if constexpr (with_hess) job.hess[item] += power * w * walk.out[0][k];
            }
            if constexpr (with_value)
                if (direction < 0) job.value[item] += walk.out[power][k];
        }
        walk.done = 0;
    }

    static void call(const MergeJob& job, const MergePiece& piece) {
        if constexpr (power == 1 && with_vector) return;  // no curvature anywhere
        Upper upper(job, piece.upper);
        Lower lower(job, piece.lower);
        if constexpr (mode == kValue) lower.row_end = lower.row;
        while (upper.unfinished() || lower.unfinished()) {
            int left = kMergeSteps;
            for (; left > 0 && upper.unfinished() && lower.unfinished(); --left) {
                upper.step();
                lower.step();
            }
            for (int k = left; k > 0 && upper.unfinished(); --k) upper.step();
            for (int k = left; k > 0 && lower.unfinished(); --k) lower.step();
            flush(job, upper, -1);
            if constexpr (mode != kValue) flush(job, lower, +1);
        }
    }
};

/// What the pieces of a walk start with.
struct MergeStarts {
    /// Sums over the partners [side.partner, next.partner) of a piece as the first row of the next piece sees them, left in `next`.
    static void add_partners(const MergeJob& job, int direction, bool weighted, const MergeSide& side,
                             MergeSide& next) {
        Compensated total[kMergeVector + 1];
        for (std::ptrdiff_t p = side.partner; p != next.partner; p += direction) {
            const double slack = 1.0 + direction * (job.score[next.row] - job.score[p]);
            const double w = weighted ? job.weight[job.item[p]] : 1.0;
            total[0].add(w);
            total[1].add(w * slack);
            total[2].add(w * slack * slack);
            if (job.vector != nullptr) total[kMergeVector].add_product(w, job.vector[job.item[p]]);
        }
        for (int k = 0; k <= kMergeVector; ++k) {
            next.sum[k] = total[k].sum;
            next.error[k] = total[k].error;
        }
    }
    /// Adds what the piece before started with, as the first row of the next piece sees it.
    static void chain(const MergeJob& job, int direction, const MergeSide& side, MergeSide& next) {
        const double gap = -direction * (job.score[side.row] - job.score[next.row]);
        Compensated before[kMergeVector + 1], total[kMergeVector + 1];
        for (int k = 0; k <= kMergeVector; ++k) {
            before[k] = {side.sum[k], side.error[k]};
            total[k] = {next.sum[k], next.error[k]};
            total[k].add(side.sum[k]);
            total[k].error += side.error[k];
        }
        total[1].add(before[0].total() * gap);
        total[2].add(gap * (2.0 * before[1].total() + before[0].total() * gap));
        for (int k = 0; k <= kMergeVector; ++k) {
            next.sum[k] = total[k].sum;
            next.error[k] = total[k].error;
        }
    }

    template <bool weighted> static void partners(const MergeJob& job, const MergePiece& piece, MergePiece& next) {
        add_partners(job, -1, false, piece.upper, next.upper);
        add_partners(job, +1, weighted, piece.lower, next.lower);
    }
    static void chain(const MergeJob& job, MergePiece* pieces, std::int64_t n) {
        for (std::int64_t k = 1; k < n; ++k) {
            chain(job, -1, pieces[k - 1].upper, pieces[k].upper);
            chain(job, +1, pieces[k - 1].lower, pieces[k].lower);
        }
    }
};

}  // namespace
}  // namespace rankgrad
