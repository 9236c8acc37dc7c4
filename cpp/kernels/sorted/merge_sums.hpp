// The sum over all pairs between two groups of items, each sorted by score, for the hinge losses, phi = slack^p, once
// the partners of every item are known (merge_path.hpp): O(n).
//
// The sums over the partners of a row, S_k = sum_j w_j slack^k with slack = unit - (s_i - s_j), follow from sums over
// the distances of the partners from the last of them, x: M_k = sum_j w_j |s_j - x|^k.
//   the next partner, at a distance of g:   M_2 += g (2 M_1 + M_0 g), M_1 += M_0 g, then M_0 += w
//   a row whose slack to x is h:            S_0 = M_0, S_1 = M_1 + M_0 h, S_2 = M_2 + h (2 M_1 + M_0 h)
// All terms are positive, so that nothing cancels whatever the scale or offset of the scores. Rows of the lower group
// are the mirror image: from the lowest score up, with all signs reversed. Counts follow from the path alone.
//
// Partners come in chunks: plain sums inside a chunk, compensated sums over the chunks before it. A long path is cut
// into pieces for several threads. A piece starts with the sums over the partners of all pieces before it: `totals`
// sums those of each piece, `chain` accumulates them by the first rule.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/simd/compensated.hpp"
#include "kernels/sorted/merge_path.hpp"

namespace rankgrad {
namespace {

constexpr int kMergeChunk = 256;  // partners, whose sums stay in the cache

/// One side of a merge: `direction` is -1 for rows of the upper group, +1 for rows of the lower group.
template <int direction, int degree, bool weighted, bool with_vector> class PartnerSums {
    const MergeJob& job_;
    std::ptrdiff_t partner_;
    double last_;  ///< score of the last partner before `partner_`
    Compensated before_[degree + 1], vector_before_;
    // Sums over the first k partners of the chunk.
    double score_[kMergeChunk + 1], moment_[degree + 1][kMergeChunk + 1];
    // With a vector, whose sums may cancel: sums of w and w v over all partners, with their errors.
    Compensated count_[with_vector ? kMergeChunk + 1 : 1], vector_[with_vector ? kMergeChunk + 1 : 1];

    static std::ptrdiff_t first_partner(const MergeJob& job) { return direction < 0 ? job.middle - 1 : job.middle; }

    /// Moves the point that distances are taken from by `gap`.
    RANKGRAD_INLINE void move(double gap) {
        const double m0 = before_[0].total();
        if constexpr (degree >= 2) before_[2].add_product(gap, multiply_add(m0, gap, 2.0 * before_[1].total()));
        if constexpr (degree >= 1) before_[1].add_product(m0, gap);
    }

    int chunk(const MergeSide& side) const {
        const std::ptrdiff_t left = direction * (side.partner_end - partner_);
        return left < kMergeChunk ? static_cast<int>(left) : kMergeChunk;
    }
    void scan(int count) {
        score_[0] = last_;
        for (int k = 0; k <= degree; ++k) moment_[k][0] = 0;
        count_[0] = before_[0];
        vector_[0] = vector_before_;
        double moment[3] = {}, last = last_;
        for (int k = 1; k <= count; ++k) {
            const std::ptrdiff_t p = partner_ + direction * (k - 1);
            const double x = job_.score[p], gap = direction * (x - last);
            const double w = weighted ? job_.weight[job_.item[p]] : 1.0;
            if constexpr (degree >= 2)
                moment[2] = multiply_add(gap, multiply_add(moment[0], gap, 2.0 * moment[1]), moment[2]);
            if constexpr (degree >= 1) moment[1] = multiply_add(moment[0], gap, moment[1]);
            moment[0] += w;
            if constexpr (with_vector) {
                (count_[k] = count_[k - 1]).add(w);
                (vector_[k] = vector_[k - 1]).add_product(w, job_.vector[job_.item[p]]);
            }
            for (int d = 0; d <= degree; ++d) moment_[d][k] = moment[d];
            score_[k] = last = x;
        }
    }
    void leave(int count) {
        move(direction * (score_[count] - last_));
        for (int k = 0; k <= degree; ++k) before_[k].add(moment_[k][count]);
        if constexpr (with_vector) {
            before_[0] = count_[count];
            vector_before_ = vector_[count];
        }
        last_ = score_[count];
        partner_ += direction * count;
    }

public:
    PartnerSums(const MergeJob& job, const MergeSide& side)
        : job_(job), partner_(side.partner),
          last_(job.score[side.partner == first_partner(job) ? side.partner : side.partner - direction]) {
        for (int k = 0; k <= degree; ++k) before_[k] = {side.sum[k], side.error[k]};
        vector_before_ = {side.sum[kMergeVector], side.error[kMergeVector]};
    }

    /// Calls give(item, S) for all rows, S[k] the sums above. With a vector, S[0] is sum_j w_j (v_i - v_j).
    template <class Give> void for_rows(const MergeSide& side, Give give) {
        std::ptrdiff_t row = side.row;
        do {
            const int count = chunk(side);
            scan(count);
            const double m0 = before_[0].total(), m1 = before_[degree >= 1 ? 1 : 0].total(),
                         m2 = before_[degree >= 2 ? 2 : 0].total();
            for (; row != side.row_end; row += direction) {
                const std::ptrdiff_t k = direction * (job_.partner_end[row] - partner_);
                if (k > count) break;
                const double s = job_.score[row];
                [[maybe_unused]] const double far = job_.unit + direction * (s - last_);
                [[maybe_unused]] const double near = job_.unit + direction * (s - score_[k]);
                const std::int32_t item = job_.item[row];
                double sum[degree + 1];
                sum[0] = m0 + moment_[0][k];
                if constexpr (degree >= 1)
                    sum[1] = multiply_add(m0, far, m1) + multiply_add(moment_[0][k], near, moment_[1][k]);
                if constexpr (degree >= 2)
                    sum[2] = multiply_add(far, multiply_add(m0, far, 2.0 * m1), m2) +
                             multiply_add(near, multiply_add(moment_[0][k], near, 2.0 * moment_[1][k]), moment_[2][k]);
                if constexpr (with_vector) sum[0] = spread(count_[k], job_.vector[item], vector_[k]);
                give(item, sum);
            }
            leave(count);
        } while (partner_ != side.partner_end);
    }

    /// Gives `next` the sums over the partners of `side` alone, with distances from the last of them.
    static void total(const MergeJob& job, const MergeSide& side, MergeSide& next) {
        MergeSide alone;
        alone.partner = side.partner;
        PartnerSums sums(job, alone);
        while (sums.partner_ != side.partner_end) {
            const int count = sums.chunk(side);
            sums.scan(count);
            sums.leave(count);
        }
        for (int k = 0; k <= degree; ++k) {
            next.sum[k] = sums.before_[k].sum;
            next.error[k] = sums.before_[k].error;
        }
        next.sum[kMergeVector] = sums.vector_before_.sum;
        next.error[kMergeVector] = sums.vector_before_.error;
    }

    /// Adds to the totals in `next` what `side` started with.
    static void chain(const MergeJob& job, const MergeSide& side, MergeSide& next) {
        PartnerSums start(job, side);
        const PartnerSums end(job, next);
        start.move(direction * (end.last_ - start.last_));
        for (int k = 0; k <= kMergeVector; ++k) {
            if (k > degree && k != kMergeVector) continue;
            Compensated total{next.sum[k], next.error[k]};
            const Compensated& before = k <= degree ? start.before_[k] : start.vector_before_;
            total.add(before.sum);
            next.sum[k] = total.sum;
            next.error[k] = total.error + before.error;
        }
    }
};

template <int power, PairMode mode, bool weighted> struct MergePairSum {
    static constexpr bool with_value = mode == kValue || mode == kValueGrad;
    static constexpr bool with_vector = mode == kHessVector;
    static constexpr bool with_hess = mode == kGradPositiveHess || (mode == kGradHess && power == 2);
    static constexpr bool none = power == 1 && with_vector;  // no curvature anywhere
    static constexpr int slope_degree = with_vector ? 0 : power - 1;
    static constexpr int upper_degree = with_value ? power : slope_degree;
    using Upper = PartnerSums<-1, upper_degree, false, with_vector>;
    using Lower = PartnerSums<+1, slope_degree, weighted, with_vector>;
    // A count needs no sums.
    static constexpr bool upper_counts = upper_degree == 0 && !with_vector;
    static constexpr bool lower_counts = slope_degree == 0 && !with_vector && !weighted;

    /// Adds what the sums of a row give: phi' = -p slack^(p-1), phi'' = p (p-1) slack^(p-2).
    template <int direction>
    static RANKGRAD_INLINE void add(const MergeJob& job, std::int32_t item, double w, const double* sum) {
        if constexpr (with_vector) {
            job.grad[item] += 2.0 * w * sum[0];
        } else {
            // A weight of zero says that the pairs do not count, whatever their sum.
            if constexpr (mode != kValue) job.grad[item] += w == 0 ? 0 : direction * power * w * sum[power - 1];
            if constexpr (with_hess) job.hess[item] += power * w * sum[0];
        }
        if constexpr (with_value && direction < 0) job.value[item] += sum[power];
    }
    template <int direction, class Sums, bool counts> static void add_rows(const MergeJob& job, const MergeSide& side) {
        const double same = job.weight == nullptr ? 1.0 : job.weight[job.item[job.begin]];
        const auto give = [&](std::int32_t item, const double* sum) {
            // In sums over partners of the lower group's rows the weights are included.
            add<direction>(job, item, !weighted ? same : direction < 0 ? job.weight[item] : 1.0, sum);
        };
        if constexpr (counts) {
            const std::ptrdiff_t first = direction < 0 ? job.middle - 1 : job.middle;
            for (std::ptrdiff_t row = side.row; row != side.row_end; row += direction) {
                const double count = static_cast<double>(direction * (job.partner_end[row] - first));
                give(job.item[row], &count);
            }
        } else {
            Sums(job, side).for_rows(side, give);
        }
    }

    static void sums(const MergeJob& job, const MergePiece& piece) {
        if constexpr (none) return;
        add_rows<-1, Upper, upper_counts>(job, piece.upper);
        if constexpr (mode != kValue) add_rows<+1, Lower, lower_counts>(job, piece.lower);
    }
    static void totals(const MergeJob& job, MergePiece* pieces, std::int64_t n, std::int64_t k) {
        if constexpr (none) return;
        if constexpr (!upper_counts)
            if (k + 1 < n) Upper::total(job, pieces[k].upper, pieces[k + 1].upper);
        if constexpr (!lower_counts && mode != kValue)
            if (k > 0) Lower::total(job, pieces[k].lower, pieces[k - 1].lower);
    }
    static void chain(const MergeJob& job, MergePiece* pieces, std::int64_t n) {
        for (std::int64_t k = 1; k < n; ++k) {
            if constexpr (!upper_counts) Upper::chain(job, pieces[k - 1].upper, pieces[k].upper);
            if constexpr (!lower_counts) Lower::chain(job, pieces[n - k].lower, pieces[n - k - 1].lower);
        }
    }
};

}  // namespace
}  // namespace rankgrad
