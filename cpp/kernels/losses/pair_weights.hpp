// One small struct per pair weight, and the list of them. This is the file to edit for a new weight.
//
// A weight is a symmetric function of two items' numbers. It multiplies a pair's loss and is constant in the
// derivatives. The direct sums are given the weights of a tile of pairs as numbers, so that no loss is compiled anew
// for a weight.
#pragma once

#include "kernels/contract/lambda.hpp"
#include "kernels/losses/pair_losses.hpp"

namespace rankgrad {
namespace {

/// What a weight is made of, of a row or of a register of columns: the gain of the label, and of the rank by score,
/// from 0, the discount and the rank itself. D = discount + rest, so that in float the difference of neighbouring ranks
/// has as many digits as any other.
template <class V> struct WeightItem {
    V gain, discount, rest, rank;

    RANKGRAD_INLINE static V discount_gap(const WeightItem& i, const WeightItem& j) {
        V gap = i.discount - j.discount;
        if constexpr (sizeof(typename V::Scalar) == sizeof(float)) gap += i.rest - j.rest;
        return abs(gap);
    }
};

/// Of sums without pair weights, where they take the way of those with them.
struct EqualWeight {
    template <class V> static RANKGRAD_INLINE V weight(const WeightItem<V>&, const WeightItem<V>&, V) { return V(1); }
};

/// |g_i - g_j| (c + |D_i - D_j|). With gains g, discounts D of the ranks and c = 0 it is the change of DCG when the two
/// items are swapped, LambdaRank's weight [Burges, 2010]; with labels for gains, D = 0 and c = 1 it is the label
/// difference.
struct GapProduct {
    static constexpr const char* name = "gap_product";
    template <class V> static RANKGRAD_INLINE V weight(const WeightItem<V>& i, const WeightItem<V>& j, V constant) {
        return abs(i.gain - j.gain) * (constant + WeightItem<V>::discount_gap(i, j));
    }
};

using PairWeights = List<GapProduct>;

/// The weights of at most kTileRows rows against columns, whole registers of them: each is loaded once for all rows.
template <class Weight, class T>
void pair_weights(const PairJob<T>& job, const PairRectangle& pairs, T* out, std::int32_t stride) {
    using V = Lanes<T>;
    const V constant(job.weight_constant);
    const std::int32_t first = pairs.row_begin, n_rows = pairs.row_end - first;
    WeightItem<V> rows[kTileRows];
    for (std::int32_t r = 0; r < kTileRows; ++r) {
        const std::int32_t i = first + (r < n_rows ? r : 0);
        rows[r] = {V(job.gain[i]), V(job.discount[i]), V(job.discount_rest[i]), V(job.rank[i])};
    }
    for (std::int32_t j = pairs.column_begin; j < pairs.column_end; j += V::count, out += V::count) {
        const WeightItem<V> column{V::load(job.gain + j), V::load(job.discount + j), V::load(job.discount_rest + j),
                                   V::load(job.rank + j)};
        for (std::int32_t r = 0; r < n_rows; ++r) Weight::weight(rows[r], column, constant).store(out + r * stride);
    }
}

}  // namespace
}  // namespace rankgrad
