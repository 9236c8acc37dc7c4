// One small struct per pair weight, and the list of them. This is the file to edit for a new weight.
//
// A weight is a symmetric function of two items' numbers (PairJob::gain, discount). It multiplies a pair's loss and is
// constant in the derivatives. `Item` is what the direct sum keeps of an item in registers.
#pragma once

#include "kernels/contract/direct.hpp"
#include "kernels/losses/pair_losses.hpp"

namespace rankgrad {
namespace {

/// No weight: nothing is loaded, nothing multiplied.
struct NoWeight {
    static constexpr bool any = false;
    template <class V> struct Item {};
    template <class V> static RANKGRAD_INLINE Item<V> row(const PairJob<typename V::Scalar>&, std::int32_t) {
        return {};
    }
};

/// |g_i - g_j| (c + |D_i - D_j|). With gains g, discounts D of the ranks and c = 0 it is the change of DCG when the two
/// items are swapped, LambdaRank's weight [Burges, 2010]; with labels for gains, D = 0 and c = 1 it is the label
/// difference. Discounts come in two parts, D = discount + discount_rest, so that in float the difference of
/// neighbouring ranks has as many digits as any other.
struct GapProduct {
    static constexpr bool any = true;
    template <class V> struct Item {
        V gain, discount, rest, constant;
    };
    template <class V> static RANKGRAD_INLINE Item<V> row(const PairJob<typename V::Scalar>& job, std::int32_t i) {
        return {V(job.gain[i]), V(job.discount[i]), V(job.discount_rest[i]), V(job.discount_constant)};
    }
    template <class V> static RANKGRAD_INLINE Item<V> columns(const PairJob<typename V::Scalar>& job, std::int32_t j) {
        return {V::load(job.gain + j), V::load(job.discount + j), V::load(job.discount_rest + j), V(0)};
    }
    template <class V> static RANKGRAD_INLINE V weight(const Item<V>& i, const Item<V>& j) {
        V gap = i.discount - j.discount;
        if constexpr (sizeof(typename V::Scalar) == sizeof(float)) gap += i.rest - j.rest;
        return abs(i.gain - j.gain) * (i.constant + abs(gap));
    }
};

/// In the order of the enumeration PairWeight.
using PairWeights = List<GapProduct>;

}  // namespace
}  // namespace rankgrad
