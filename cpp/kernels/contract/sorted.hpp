// What the engine and the kernels share about sums over sorted items: merges, counts of partners, and the partition of
// a label tree.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/contract/modes.hpp"

namespace rankgrad {

/// Two groups of items, each in ascending order of the scores; every item of the upper group has a higher label than
/// every item of the lower group.
template <class N> struct MergedItems {
    const N* score = nullptr;            ///< lower group at [begin, middle), upper group at [middle, end)
    const std::int32_t* item = nullptr;  ///< whose score it is: an index of the arrays below
    std::ptrdiff_t begin = 0, middle = 0, end = 0;
    /// Of each item the index of the first item of the other group that is not its partner. Written by `walk`.
    std::int32_t* partner_end = nullptr;
    N* bound = nullptr;  ///< room for the walk, like the scores
    double unit = 1;     ///< partners have a margin below it
};
struct MergeJob : MergedItems<double> {
    const double* weight = nullptr;
    const double* vector = nullptr;  ///< for kHessVector
    double* value = nullptr;         ///< added to, as in PairJob
    double* grad = nullptr;
    double* hess = nullptr;
};
template <class N> struct CountJob : MergedItems<N> {
    // Counts in the order of `score`, added to unless `slope` is `partner_end`, which is written.
    std::int32_t* slope = nullptr;     ///< partners above the item less those below
    std::int32_t* partners = nullptr;  ///< all of them; may be null
};

/// A piece of one side of a merge: its rows, the partners that are added at them, and sums over all partners before
/// those: of w |s_j - x|^k, x the last of them, and of w v at index kMergeVector, each with its rounding error. The
/// upper group's rows and partners are visited downwards, the lower group's upwards.
constexpr int kMergeVector = 3;
struct MergeSide {
    std::ptrdiff_t row = 0, row_end = 0, partner = 0, partner_end = 0;
    double sum[kMergeVector + 1] = {}, error[kMergeVector + 1] = {};
};
struct MergePiece {
    MergeSide upper, lower;
};

/// The steps of a merge of n pieces, in this order; threads may share the pieces of walk, totals and sums.
struct MergeSums {
    void (*cut)(const MergedItems<double>&, MergePiece* pieces, std::int64_t n);
    void (*walk)(const MergedItems<double>&, const MergePiece&);
    void (*totals)(const MergeJob&, MergePiece* pieces, std::int64_t n, std::int64_t piece);
    void (*chain)(const MergeJob&, MergePiece* pieces, std::int64_t n);
    void (*sums)(const MergeJob&, const MergePiece&);
};

/// One list in label order, and its items' numbers of partners: items of another level with a margin below `unit`.
template <class N> struct PartnerCountJob {
    const N* score = nullptr;  ///< readable one register past n
    const std::int32_t* level_begin = nullptr;
    std::int32_t n_levels = 0;
    std::int32_t row_begin = 0, row_end = 0;  ///< as in PairJob
    std::int32_t column_begin = 0, column_end = INT32_MAX;
    std::int32_t* slope = nullptr;     ///< of each item: partners above it less those below
    std::int32_t* partners = nullptr;  ///< of each item; may be null
    bool in_double = false;            ///< margins are rounded to double, not to the type of the scores
    double unit = 1;
};

/// A sum whose terms may cancel, and its rounding error.
struct SumWithError {
    double sum = 0, error = 0;
};

/// Where phi' is a count, as of the hinge. Counting gives the pairs of partners that it finds.
template <class N> struct CountKernels {
    void (*cut)(const MergedItems<N>&, MergePiece* pieces, std::int64_t n);
    void (*walk)(const MergedItems<N>&, const MergePiece&);
    std::int64_t (*count)(const CountJob<N>&, const MergePiece&);  ///< once the piece's path is walked
    std::int64_t (*count_directly)(const PartnerCountJob<N>&);     ///< adds to the counts
    void (*add_products)(const N* score, const std::int32_t* slope, std::int64_t n, SumWithError&);
};
struct CountFamily {
    CountKernels<float> of_float;
    CountKernels<double> of_double;
};

/// Items [begin, end) go to [low, low_end) if their index is below `middle`, else to [high, high_end), in their order.
template <class N> struct PartitionJob {
    const N* number = nullptr;
    const std::int32_t* index = nullptr;
    const std::int32_t* carried[2] = {};  ///< the first `n_carried` of them
    N* number_to = nullptr;
    std::int32_t* index_to = nullptr;
    std::int32_t* carried_to[2] = {};
    int n_carried = 0;
    std::int32_t begin = 0, end = 0, middle = 0;
    std::int32_t low = 0, low_end = 0, high = 0, high_end = 0;
};

template <class N> using Partition = void (*)(const PartitionJob<N>&);

}  // namespace rankgrad
