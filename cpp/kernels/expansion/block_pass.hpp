// The near-linear sum over the pairs of a list, for losses that are analytic in a strip around the real axis: binned
// Chebyshev interpolation, the one-level form of a fast multipole sum [Fong & Darve, 2009]; for ranking losses see
// Raykar, Duraiswami & Krishnapuram [2008], who use truncated series of another kind.
//
// Items come in blocks, in label order: a block is one level, or a run of small levels. A forward pass gives each block
// the potentials of all items of lower blocks, then adds the block to the sources; a backward pass does the same from
// above with the scores turned, so that both are "the sum over sources passed of source_j K(x_i - x_j)". The pairs
// inside a run of small levels are summed one by one. Few levels and all-distinct labels are so the same algorithm.
//
// The interpolation's error is relative for every pair (expansion_tables.hpp) and all is in double, so that the sums
// keep that error relative to the sum of their absolute terms. For the Hessian-vector product these are terms K (|v_i|
// + |v_j|).
#pragma once

#include "kernels/expansion/bin_places.hpp"
#include "kernels/expansion/bin_potentials.hpp"
#include "kernels/simd/lane_transpose.hpp"
#include "kernels/simd/lane_sums.hpp"
#include "kernels/expansion/run_sums.hpp"

namespace rankgrad {
namespace {

template <PairMode mode, int nodes, bool backward> class BlockPass {
    using V = Lanes<double>;
    static constexpr int functions = pass_functions(mode, backward).count;
    static constexpr int densities = mode == kHessVector ? 2 : 1;
    static constexpr int outputs = functions * densities;

    const PairJob<double>& job_;
    const Expansion& e_;
    BinPotentials<nodes, densities, functions> fields_;
    BinPlaces places_;

    /// Bin and place of the items from `first` on; backward both are turned.
    void locate(std::int32_t first, std::int32_t count) {
        places_.locate(e_, job_.row, first, count);
        if constexpr (backward)
            for (std::int32_t k = 0; k < count; ++k) {
                places_.bin[k] = e_.n_bins - 1 - places_.bin[k];
                places_.place[k] = -places_.place[k];
            }
    }

    static std::int32_t chunk(std::int32_t begin, std::int32_t end) {
        return end - begin < kExpansionChunk ? end - begin : kExpansionChunk;
    }

    /// Marks the bins of the block's items; a long block is assumed to be in all bins.
    void want_bins(std::int32_t begin, std::int32_t end) {
        const bool everywhere = (end - begin) / 32 > e_.n_bins;
        fields_.want_all(everywhere);
        for (; !everywhere && begin < end; begin += kExpansionChunk) {
            const std::int32_t count = chunk(begin, end);
            locate(begin, count);
            for (std::int32_t k = 0; k < count; ++k) fields_.want(places_.bin[k]);
        }
    }

    /// A register of items from i on, at k of the chunk, the first `n` of them valid: adds their sums from the
    /// potentials, then adds them to the sources.
    template <bool takes, bool gives> RANKGRAD_INLINE void visit(std::int32_t i, std::int32_t k, int n) {
        const std::int32_t* bin = places_.bin + k;
        const double* place = places_.place + k;
        V part[outputs][V::count];
        for (int l = 0; l < V::count; ++l) {
            const BinPolynomials<nodes> basis(place[l]);
            for (int o = 0; takes && o < outputs; ++o) part[o][l] = basis.series(fields_.potential(bin[l], o));
            if (gives && l < n) give(i + l, bin[l], basis);
        }
        if constexpr (takes) {
            V sum[2];
            for (int o = 0; o < outputs; ++o) sum[o] = sum_each(part[o]);
            take(i, sum, n);
        }
    }

    RANKGRAD_INLINE void give(std::int32_t i, std::int32_t bin, const BinPolynomials<nodes>& basis) {
        if (backward && job_.weight != nullptr) {
            basis.add_to_moments(job_.weight[i], fields_.density(bin, 0));
            if constexpr (mode == kHessVector)
                basis.add_to_moments(job_.weight[i] * job_.vector[i], fields_.density(bin, 1));
        } else {
            basis.add_to_moments(fields_.density(bin, 0));
            if constexpr (mode == kHessVector) basis.add_to_moments(job_.vector[i], fields_.density(bin, 1));
        }
    }

    /// Forward an item is a row and multiplies by its weight; backward it is a column, and the sources have the rows'
    /// weights. What follows the n valid items may belong to another thread.
    RANKGRAD_INLINE void take(std::int32_t i, const V (&sum)[2], int n) {
        const V weight = backward || mode == kValue || job_.weight == nullptr ? V(1) : V::load(job_.weight + i);
        if constexpr (mode == kValue || (mode == kValueGrad && !backward)) add_to(job_.value + i, sum[0], n);
        if constexpr (mode == kValueGrad) {
            add_to(job_.grad + i, backward ? -sum[0] : weight * sum[backward ? 0 : 1], n);
        } else if constexpr (mode == kHessVector) {
            add_to(job_.grad + i, weight * (V::load(job_.vector + i) * sum[0] - sum[1]), n);
        } else if constexpr (mode != kValue) {
            add_to(job_.grad + i, backward ? -sum[0] : weight * sum[0], n);
            add_to(job_.hess + i, weight * sum[1], n);
        }
    }

    /// In the order of the pass: memory is read in one direction from block to block.
    template <bool takes, bool gives> void sweep(std::int32_t begin, std::int32_t end) {
        while (begin < end) {
            const std::int32_t count = chunk(begin, end), first = backward ? end - count : begin;
            locate(first, count);
            for (std::int32_t k = 0; gives && k < count; ++k) fields_.fill(places_.bin[k]);
            const std::int32_t whole = count / V::count * V::count;
            if (backward && whole < count) visit<takes, gives>(first + whole, whole, count - whole);
            for (std::int32_t k = 0; k < whole; k += V::count) {
                const std::int32_t at = backward ? whole - V::count - k : k;
                visit<takes, gives>(first + at, at, V::count);
            }
            if (!backward && whole < count) visit<takes, gives>(first + whole, whole, count - whole);
            (backward ? end : begin) += backward ? -count : count;
        }
    }

    void block(std::int32_t b) {
        const std::int32_t begin = job_.level_begin[e_.block[b]], end = job_.level_begin[e_.block[b + 1]];
        const bool takes = b != (backward ? e_.n_blocks - 1 : 0), gives = b != (backward ? 0 : e_.n_blocks - 1);
        if (e_.densities_only) return sweep<false, true>(begin, end);
        want_bins(begin, end);
        if (takes) fields_.make_potentials();
        if (takes && gives) sweep<true, true>(begin, end);
        else if (takes) sweep<true, false>(begin, end);
        else if (gives) sweep<false, true>(begin, end);
        if (gives) fields_.update_tails();
    }

public:
    /// `of_pass`: as many functions as the mode has.
    BlockPass(const PairJob<double>& job, const PassFunctions& of_pass)
        : job_(job), e_(*job.expansion), fields_(e_, of_pass, backward) {}

    /// Calls after(block) after each block, while its items are in the cache.
    template <class After> void run(After after) {
        fields_.want_all(1);
        fields_.update_tails();
        for (std::int32_t k = e_.block_begin; k < e_.block_end; ++k) {
            const std::int32_t b = backward ? e_.block_begin + e_.block_end - 1 - k : k;
            block(b);
            after(b);
        }
    }
};

/// The blocks [block_begin, block_end) of one pass over the functions of a mode.
template <PairMode mode, int nodes>
RANKGRAD_NOINLINE void block_pass(const PairJob<double>& job, PairMode functions, const PairLossKernels& loss) {
    const Expansion& e = *job.expansion;
    const PassFunctions of_pass = pass_functions(functions, e.backward);
    const auto nothing = [](std::int32_t) {};
    if (e.backward) {
        if constexpr (mode != kValue) BlockPass<mode, nodes, true>(job, of_pass).run(nothing);
        return;
    }
    BlockPass<mode, nodes, false> pass(job, of_pass);
    if (e.densities_only) return pass.run(nothing);
    RunSums inside(loss, functions);
    pass.run([&](std::int32_t b) {
        if (e.block[b + 1] - e.block[b] > 1) inside.run(job, e.block[b], e.block[b + 1]);
    });
}

}  // namespace
}  // namespace rankgrad
