// What the engine and the kernels share about sums with pair weights.
#pragma once

#include <cstdint>

#include "kernels/contract/direct.hpp"

namespace rankgrad {

/// Neighbours in the order of the scores, highest first, all in one bin: the lower group's items [begin, middle), then
/// the upper group's [middle, end), each in any order; and the discounts of the best and of the worst of them. `step`:
/// widths from its bin to that of the chunk before, 0 of the first.
struct ScanChunk {
    std::int32_t begin, middle, end;
    double step, best, worst;
};

/// Near-linear sums between two groups of items whose weights depend on ranks. Arrays have an entry per item; those of
/// an expansion are of a batch of chunks, one after the other.
struct ScanJob {
    PairMode mode = kValue;
    bool lower = false;  ///< sums of the lower group's items, else of the upper group's
    bool both = false;   ///< those of the other group, too: with an expansion
    // For losses with an expansion (lambda/expansion_scan.hpp), without the pairs inside chunks:
    const double* tables = nullptr;
    std::int32_t n_batches = 0;
    void (*load)(ScanJob&, std::int32_t batch) = nullptr;  ///< makes the arrays those of a batch
    void* loader = nullptr;                                ///< what `load` needs
    const ScanChunk* chunks = nullptr;
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
using ScanSum = void (*)(const ScanJob&);

/// rank[k] = how many numbers of x are larger than x[k], or equal and before it. `x` is readable and `rank` writable
/// one register past n; x is -infinity there.
template <class T> using CountRanks = void (*)(const T* x, std::int32_t n, T* rank);

/// The direct sums of a pairwise loss times a pair weight, always with row weights.
struct LambdaPairKernels {
    PairSum<float> float_sum[kPairModes];  ///< null for losses over all pairs
    PairSum<double> double_sum[kPairModes];
    ScanSum hinge_scan;  ///< for the hinge losses, else null
};
/// A pair weight.
struct PairWeightKernels {
    const char* name;
    decltype(PairJob<float>::pair_weights) of_float;
    decltype(PairJob<double>::pair_weights) of_double;
};
struct LambdaFamily {
    int n_weights;
    const PairWeightKernels* weights;
    const LambdaPairKernels* losses;
    CountRanks<float> float_ranks;
    CountRanks<double> double_ranks;
    decltype(PairJob<double>::pair_weights) equal_weights;  ///< 1 for each pair
    ScanSum expansion_scan[2];  ///< with the tables of an expansion for float32 and for float64 results
};

}  // namespace rankgrad
