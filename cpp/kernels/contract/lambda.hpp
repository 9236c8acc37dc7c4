// What the engine and the kernels share about sums with pair weights.
#pragma once

#include <cstdint>

#include "kernels/contract/direct.hpp"

namespace rankgrad {

/// What a pair's loss may be multiplied by (pair_weights.hpp).
enum PairWeight : int { kGapProduct, kPairWeights };

/// Neighbours in the order of the scores, highest first, all in one bin: the lower group's items [begin, middle), then
/// the upper group's [middle, end), each in any order; and the discounts of the best and of the worst of them.
struct RankChunk {
    std::int32_t begin, middle, end, bin;
    double best, worst;
};

/// Near-linear sums between two groups of items whose weights depend on ranks. Arrays have an entry per item.
struct RankScanJob {
    PairMode mode = kValue;
    bool lower = false;  ///< sums of the lower group's items, else of the upper group's
    // For losses with an expansion (lambda/expansion_scan.hpp), without the pairs inside chunks:
    const double* tables = nullptr;
    const RankChunk* chunks = nullptr;
    std::int32_t n_chunks = 0;
    const double* place = nullptr;  ///< in the bin, from -1 to 1
    // For the hinge losses (lambda/hinge_scan.hpp); the items by descending score:
    const double* score = nullptr;
    const std::uint8_t* upper = nullptr;  ///< of the upper group
    std::int32_t n = 0;
    double unit = 1;  ///< partners have a margin below it
    // For both:
    bool ranked = true;  ///< pairs are weighted by the difference of their discounts
    int gains = 1;       ///< the weight of a pair has the product of the items' factors (1) or their sum (2)
    const double* strength = nullptr;  ///< as a partner
    const double *factor = nullptr, *discount = nullptr;
    double* out[2] = {nullptr, nullptr};  ///< sums of the mode's functions of the margin, added to
};
using RankScanSum = void (*)(const RankScanJob&);

/// rank[k] = how many numbers of x are larger than x[k], or equal and before it. `x` is readable and `rank` writable
/// one register past n; x is -infinity there.
template <class T> using CountRanks = void (*)(const T* x, std::int32_t n, T* rank);

/// The direct sums of a pairwise loss times a pair weight, always with row weights.
struct WeightedPairKernels {
    PairSum<float> float_sum[kPairWeights][kPairModes];  ///< null for losses over all pairs
    PairSum<double> double_sum[kPairWeights][kPairModes];
    RankScanSum slack_scan;  ///< for the hinge losses, else null
};
struct WeightedFamily {
    const WeightedPairKernels* losses;
    CountRanks<float> float_ranks;
    CountRanks<double> double_ranks;
    RankScanSum rank_scan[2];  ///< with the tables of an expansion for float32 and for float64 results
};

}  // namespace rankgrad
