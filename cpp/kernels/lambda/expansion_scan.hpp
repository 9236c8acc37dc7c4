// The near-linear sum over the pairs between two groups of items, lower and upper, with weights that depend on the
// ranks: |g_i - g_j| |D_i - D_j| K(x_i - x_j), K a function of expansion_tables.hpp.
//
// Items come in chunks sorted by score, each chunk inside one bin. A pass goes along the chunks and keeps the moments
// of all items passed: those of the last `near` bins as they are, all others as running sums of exponentials. Each
// chunk first adds the sums of its items, from the potentials in its bin, then its items are added to the moments. A
// pass from the best item down and one from the worst up visit each pair of two chunks once for each of its items;
// pairs inside a chunk are left out.
//
// On a pass the sign of D_i - D_j is known, and with c the discount of the last item passed
//   |D_i - D_j| = |D_i - c| + |c - D_j|,
// so that two densities, 1 and |c - D_j|, do, and nothing cancels: when c moves on, the second grows by a multiple of
// the first. Likewise for gains: with a gain between those of the two groups |g_i - g_j| is a sum of two positive
// factors, or one of them where one group has one gain only. Errors are so relative to the sum of the absolute terms.
#pragma once

#include "kernels/simd/lane_sums.hpp"
#include "kernels/lambda/passed_sources.hpp"

namespace rankgrad {
namespace {

/// The sums of one group's items on one pass.
template <int nodes, int functions, int discounts> class GroupPass {
    using Passed = PassedSources<nodes, functions, discounts>;
    using V = Lanes<double>;
    static constexpr int registers = nodes / V::count;
    const ScanJob& job_;
    const bool lower_, downwards_;
    Passed partners_;
    double c_ = 0, to_next_ = 0;  ///< the reference discount; widths to the bin of the next chunk
    bool first_ = true;

    RANKGRAD_INLINE BinPolynomials<nodes> at(std::int32_t k) const {
        return {job_.place[k], BinPolynomials<nodes>::bend(job_.place[k])};
    }

    /// Adds the sums of the items [begin, end); c is the reference discount.
    void take(const typename Passed::Potentials& potential, std::int32_t begin, std::int32_t end, double c) {
        for (std::int32_t k = begin; k < end; ++k) {
            const BinPolynomials<nodes> basis = at(k);
            const double gap = job_.discount[k] > c ? job_.discount[k] - c : c - job_.discount[k];
            for (int f = 0; f < functions; ++f) {
                V series[registers];
                for (int r = 0; r < registers; ++r) series[r] = combined(potential[0], f, r, gap);
                if (job_.gains == 1) {
                    for (int r = 0; r < registers; ++r) series[r] = V(job_.factor[k]) * series[r];
                } else {
                    for (int r = 0; r < registers; ++r)
                        series[r] = multiply_add(V(job_.factor[k]), series[r], combined(potential[1], f, r, gap));
                }
                V total = basis.element[0] * series[0];
                for (int r = 1; r < registers; ++r) total = multiply_add(basis.element[r], series[r], total);
                job_.out[f][k] += sum(total);
            }
        }
    }
    static RANKGRAD_INLINE V combined(const double (&potential)[discounts][functions][nodes], int f, int r,
                                      double gap) {
        const V plain = V::load(potential[0][f] + r * V::count);
        if constexpr (discounts == 1) return plain;
        else return multiply_add(V(gap), plain, V::load(potential[discounts - 1][f] + r * V::count));
    }

    void join(const ScanChunk& chunk, double c) {
        const std::int32_t begin = lower_ ? chunk.middle : chunk.begin, end = lower_ ? chunk.end : chunk.middle;
        for (std::int32_t k = begin; k < end; ++k) {
            const double gap = job_.discount[k] > c ? job_.discount[k] - c : c - job_.discount[k];
            partners_.add(k, gap, at(k));
        }
    }
    void visit(const ScanChunk& chunk) {
        if (first_) c_ = downwards_ ? chunk.best : chunk.worst;
        first_ = false;
        partners_.advance(downwards_ ? chunk.step : to_next_);
        to_next_ = chunk.step;
        const std::int32_t begin = lower_ ? chunk.begin : chunk.middle, end = lower_ ? chunk.middle : chunk.end;
        typename Passed::Potentials potential;
        if (begin < end && partners_.make_potentials(potential)) take(potential, begin, end, c_);
        const double next = downwards_ ? chunk.worst : chunk.best;
        partners_.move_reference(next > c_ ? next - c_ : c_ - next);
        c_ = next;
        join(chunk, next);
    }

public:
    GroupPass(const ScanJob& job, bool lower, bool downwards)
        : job_(job), lower_(lower), downwards_(downwards), partners_(job, lower, downwards) {}

    /// The batch at hand.
    RANKGRAD_NOINLINE void run() {
        for (std::int32_t q = 0; q < job_.n_chunks; ++q) visit(job_.chunks[downwards_ ? q : job_.n_chunks - 1 - q]);
    }
};

/// Groups that are done apart begin at opposite ends, so that two threads do not write to the same cache lines.
template <int nodes, int functions, int discounts> void both_passes(ScanJob job) {
    for (int pass = 0; pass < 2; ++pass) {
        const bool downwards = (pass == 0) != job.lower;
        GroupPass<nodes, functions, discounts> group(job, job.lower, downwards), other(job, !job.lower, downwards);
        for (std::int32_t b = 0; b < job.n_batches; ++b) {
            job.load(job, downwards ? b : job.n_batches - 1 - b);
            group.run();
            if (job.both) other.run();
        }
    }
}

template <int nodes> void expansion_scan(const ScanJob& job) {
    const bool two = pass_functions(job.mode).count == 2;
    if (job.ranked && two) both_passes<nodes, 2, 2>(job);
    else if (job.ranked) both_passes<nodes, 1, 2>(job);
    else if (two) both_passes<nodes, 2, 1>(job);
    else both_passes<nodes, 1, 1>(job);
}

}  // namespace
}  // namespace rankgrad
