// What the engine and the kernels share about near-linear sums by expansions in bins of scores.
#pragma once

#include <cstdint>

#include "kernels/contract/bin_grid.hpp"
#include "kernels/contract/direct.hpp"

namespace rankgrad {

/// A run of small levels has at most so many items.
constexpr std::int32_t kMostRunItems = 1024;

/// kNoSourceOfItsOwn: the only item of the bin is left out of the sums over its own bin.
enum BinMark : std::int32_t { kEmptyBin, kFilledBin, kNoSourceOfItsOwn };

/// What a near-linear sum gets beside its job, whose operands are scores. A sum is a forward pass and, unless it is of
/// values only, a backward pass over all blocks; a call does some blocks of a pass, in the order of the pass. It finds
/// the densities of the blocks before in `bins` and leaves those of its own added.
struct Expansion {
    const double* tables = nullptr;  ///< filled by ExpansionKernels::fill
    /// doubles_per_bin for each bin: first its densities (2 for kHessVector, nodes each), then what the kernel makes of
    /// them.
    double* bins = nullptr;
    std::int32_t* marks = nullptr;  ///< 2 for each bin: first whether it has a density, see BinMark
    std::int32_t n_bins = 0;
    BinGrid grid;                         ///< of contiguous bins
    const double* step = nullptr;         ///< of other bins: distance from the one before, in widths,
    const std::int32_t* bin = nullptr;    ///< the bin of each item
    const double* place = nullptr;        ///< and its place there
    const std::int32_t* block = nullptr;  ///< first level of each block, then the number of levels
    std::int32_t n_blocks = 0, block_begin = 0, block_end = 0;
    bool backward = false;
    bool densities_only = false;  ///< compute no sums
    // Of a segment of the bins of a list, for smooth ranks: the memory has those near it, too.
    std::int32_t own_begin = 0, own_end = INT32_MAX;  ///< its bins
    std::int32_t first_bin = 0;                       ///< the number of the first bin in the list
    const double *below = nullptr, *above = nullptr;  ///< far fields that the segments on both sides have carried
    double* carried = nullptr;                        ///< what this one carries on
};

/// The near-linear sums of a loss with a number of nodes: more of them are slower and more accurate.
struct ExpansionKernels {
    int nodes;
    double bin_width;
    std::int64_t table_doubles, doubles_per_bin;
    void (*fill)(const double* cosine, double* tables);  ///< cosine[k * nodes + m] = cos(k (m + 1/2) pi / nodes)
    PairSum<double> sum[kPairModes];
};

/// Sums by level tables, for lists of few levels: items of one list, in any order, and the tables of its levels and
/// bins (expansion/level_tables.hpp).
template <class T> struct LevelTableJob {
    std::int64_t n = 0;
    const T* score = nullptr;  ///< in one of n_bins bins of the grid
    const std::uint8_t* level = nullptr;
    std::int32_t n_bins = 0;
    BinGrid grid;
    const double* weight = nullptr;  ///< of rows; null: 1
    const T* vector = nullptr;       ///< for kHessVector; its origin is subtracted
    double vector_origin = 0;
    double* moments = nullptr;           ///< moment_doubles for each slot, added to
    const double* potentials = nullptr;  ///< potential_doubles for each slot
    double grad_factor = 1, hess_factor = 1, min_hessian = 0;
    double* value = nullptr;  ///< may be null
    T* grad = nullptr;        ///< final
    T* hess = nullptr;
};

/// Potentials of all slots from their moments: a forward pass, then a backward pass unless only values are wanted.
struct LevelPotentialJob {
    const Expansion* expansion = nullptr;  ///< its tables, bins, marks, n_bins and backward
    std::int32_t n_levels = 0;
    const double* moments = nullptr;
    double* potentials = nullptr;  ///< added to
};

template <class T> struct LevelTableSums {
    int moment_doubles, potential_doubles;  ///< of a slot
    void (*moments)(const LevelTableJob<T>&);
    void (*potentials)(const LevelPotentialJob&);
    double (*sums)(const LevelTableJob<T>&);  ///< gives the weighted sum of the values
};

template <class T> struct LevelTableKernels {
    LevelTableSums<T> of[kPairModes][2];  ///< [mode][weighted]
};
struct LevelTableFamily {
    LevelTableKernels<float> of_float;
    LevelTableKernels<double> of_double;
};

}  // namespace rankgrad
