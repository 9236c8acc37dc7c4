// The plain-data contract between the engine and the kernels: what a kernel is given, and the table of functions that
// each instruction set fills. No code: this file is compiled on both sides.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/contract/bin_grid.hpp"
#include "kernels/contract/implicit.hpp"
#include "kernels/contract/level_tables.hpp"
#include "kernels/contract/listwise.hpp"
#include "kernels/contract/modes.hpp"
#include "kernels/contract/partition.hpp"
#include "kernels/contract/lambda.hpp"

namespace rankgrad {

struct Expansion;

/// A range of rows of one list, its items ordered by label, lowest first. Row i is paired with every item of a lower
/// level. T is the type of the arithmetic on pairs; sums are kept in double.
template <class T> struct PairJob {
    const T* row =
        nullptr;  ///< row operand: scores, or e^-z, z = score / unit, in factored form. Readable one register past n
    const T* column = nullptr;  ///< column operand: scores, or e^z in factored form. Likewise
    const T* weight = nullptr;  ///< row weights; near-linear sums take null for ones, unweighted float sums read none
    const T* label = nullptr;   ///< labels, for losses that use the label gap
    const T* vector = nullptr;  ///< for kHessVector
    const T* gain = nullptr;    ///< for pair weights, as are the next three
    const T* discount = nullptr;
    const T* discount_rest = nullptr;
    double discount_constant = 0;
    const PairRectangle* rectangles = nullptr;  ///< with a pair weight: the pairs, instead of levels and rows
    std::int32_t n_rectangles = 0;
    const std::int32_t* level_begin = nullptr;  ///< first item of each level, then n
    std::int32_t n_levels = 0;
    std::int32_t row_begin = 0, row_end = 0;
    std::int32_t column_begin = 0, column_end = INT32_MAX;  ///< the direct sums may be asked for some columns only
    std::int32_t terms_per_flush = 64;  ///< terms a lane may add in T before it is flushed to double
    bool factored = false;
    LossParameters parameters;             ///< the scores are in its unit
    const Expansion* expansion = nullptr;  ///< for the near-linear sums, which take whole blocks instead of rows
    double* value = nullptr;  ///< per row, added to; of unweighted float sums the total alone means something
    double* grad = nullptr;   ///< per item, added to; nothing but the items of the job's pairs is touched
    double* hess = nullptr;
};

template <class T> using PairSum = void (*)(const PairJob<T>&);

/// Two groups of items, each in ascending order of the scores; every item of the upper group has a higher label than every
/// item of the lower group.
template <class N> struct MergedItems {
    const N* score = nullptr;            ///< lower group at [begin, middle), upper group at [middle, end)
    const std::int32_t* item = nullptr;  ///< whose score it is: an index of the arrays below
    std::ptrdiff_t begin = 0, middle = 0, end = 0;
    std::int32_t* reach = nullptr;  ///< written by the walk: each item's partners in the other group end there
    N* bound = nullptr;             ///< room for the walk, like the scores
    double unit = 1;                ///< partners have a margin below it
};
struct MergeJob : MergedItems<double> {
    const double* weight = nullptr;
    const double* vector = nullptr;  ///< for kHessVector
    double* value = nullptr;         ///< added to, as in PairJob
    double* grad = nullptr;
    double* hess = nullptr;
};
template <class N> struct CountJob : MergedItems<N> {
    // Counts in the order of `score`, added to unless `slope` is `reach`, which is written.
    std::int32_t* slope = nullptr;     ///< partners above the item less those below
    std::int32_t* partners = nullptr;  ///< all of them; may be null
};

/// A piece of one side of a merge: its rows, the partners that join at them, and sums over all partners before those: of
/// w |s_j - x|^k, x the last of them, and of w v in the last place, each with its rounding error. The upper group's
/// rows and partners are visited downwards, the lower group's upwards.
constexpr int kMergeVector = 3;
struct MergeSide {
    std::ptrdiff_t row = 0, row_end = 0, partner = 0, partner_end = 0;
    double sum[kMergeVector + 1] = {}, error[kMergeVector + 1] = {};
};
struct MergePiece {
    MergeSide upper, lower;
};

/// The steps of a merge of n pieces, in this order; walk, totals and sums may do the pieces side by side.
struct MergeSums {
    void (*cut)(const MergedItems<double>&, MergePiece* pieces, std::int64_t n);
    void (*walk)(const MergedItems<double>&, const MergePiece&);
    void (*totals)(const MergeJob&, MergePiece* pieces, std::int64_t n, std::int64_t piece);
    void (*chain)(const MergeJob&, MergePiece* pieces, std::int64_t n);
    void (*sums)(const MergeJob&, const MergePiece&);
};

/// One list, its items in label order, and how many partners they have: items of another level with a margin below `unit`.
template <class N> struct PartnerCountJob {
    const N* score = nullptr;  ///< readable one register past n
    const std::int32_t* level_begin = nullptr;
    std::int32_t n_levels = 0;
    std::int32_t row_begin = 0, row_end = 0;  ///< as in PairJob
    std::int32_t column_begin = 0, column_end = INT32_MAX;
    std::int32_t* slope = nullptr;     ///< of each item: partners above it less those below
    std::int32_t* partners = nullptr;  ///< of each item; null: not wanted
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

/// A run of small levels has at most so many items.
constexpr std::int32_t kMostRunItems = 1024;

/// An item that is the only one of its bin may be left out of the sums over its own bin.
enum BinMark : std::int32_t { kEmptyBin, kFilledBin, kNoSourceOfItsOwn };

/// What a near-linear sum gets beside its job, whose operands are scores. A sum is a forward pass and, unless it is of
/// values only, a backward pass over all blocks; a call does some blocks of a pass, in the order of the pass. It finds the
/// densities of the blocks before in `bins` and leaves those of its own added.
struct Expansion {
    const double* tables = nullptr;  ///< filled by ExpansionKernels::fill
    double* bins =
        nullptr;  ///< doubles_per_bin for each bin: first its densities (2 for kHessVector, nodes each), then
                  ///< what the kernel makes of them
    std::int32_t* marks = nullptr;  ///< 2 for each bin: first whether it has a density, see BinMark
    std::int32_t n_bins = 0;
    BinGrid grid;                       ///< where the bins lie side by side
    const double* step = nullptr;       ///< where not all bins are there, how many widths each is from the one before,
    const std::int32_t* bin = nullptr;  ///< and the bin of each item
    const double* place = nullptr;      ///< and its place there
    const std::int32_t* block = nullptr;  ///< first level of each block, then the number of levels
    std::int32_t n_blocks = 0, block_begin = 0, block_end = 0;
    bool backward = false;
    bool densities_only = false;  ///< add up nothing else
};

/// The near-linear sums of a loss with a number of nodes: more of them are slower and more accurate.
struct ExpansionKernels {
    int nodes;
    double bin_width;
    std::int64_t table_doubles, doubles_per_bin;
    void (*fill)(const double* cosine, double* tables);  ///< cosine[k * nodes + m] = cos(k (m + 1/2) pi / nodes)
    PairSum<double> sum[kPairModes];
};

/// One pairwise loss.
struct PairLossKernels {
    const char* name;
    const Parameter* parameters;  ///< kMostParameters of them
    bool factored[kPairModes];  ///< has the form with n exponentials: e^-(s_i - s_j) = e^-s_i e^s_j
    bool log_product;           ///< its factored values are summed as the log of a product
    bool uses_label_gap;        ///< needs the labels as numbers
    bool all_pairs;             ///< pairs every two items of a list, whatever their labels, in O(n); double only
    bool exponential;           ///< e^-m, whose sums may overflow
    int degree;                 ///< of the loss as a function of margins, gaps and their unit (pair_losses.hpp)
    PairSum<float> float_sum[kPairModes][2];  ///< [mode][weighted]
    PairSum<double> double_sum[kPairModes];   ///< always weighted
    PairSum<double> moment_sum[kPairModes];   ///< all rows of a list in O(n); null if the loss has no such form
    const MergeSums (*merge_sum)[2];          ///< [mode][weights differ]; null if the loss has no such form
    const CountFamily* counts;                ///< for the hinge, else null
    const ExpansionKernels* expansion;        ///< null, or that for float32 and that for float64 results
};

/// Copies n >= 1 scores and gives the smallest and the largest; false if one of them is NaN or infinite. `to` may be
/// `from`, and has room for whole registers.
template <class T> using CopyScores = bool (*)(const T* from, std::int64_t n, T* to, T* low, T* high);

/// Whether none of n numbers is NaN or infinite.
template <class T> using Finite = bool (*)(const T* x, std::int64_t n);

/// row[k] = e^-z, column[k] = e^z, z = (x[k] - centre) per_unit, computed in double.
template <class T>
using Exponentials = void (*)(const double* x, std::int64_t n, double centre, double per_unit, T* row, T* column);

/// out[k] = factor * count[k], but at least `least`.
template <class T>
using ScaleCounts = void (*)(const std::int32_t* count, std::int64_t n, double factor, double least, T* out);

/// Elementwise functions of vector_math.hpp, exposed so that their error bounds can be tested on each instruction set.
template <class T> struct MathKernels {
    void (*exp)(const T* x, std::int64_t n, T* out);
    void (*exp_inside)(const T* x, std::int64_t n, T* out);
    void (*log)(const T* x, std::int64_t n, T* out);
    void (*log1p)(const T* x, std::int64_t n, T* out);
    void (*one_less_exp)(const T* x, std::int64_t n, T* out);
};

struct PairFamily {
    int count;
    const PairLossKernels* losses;
};

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
struct ImplicitFamily {
    int count;
    const ImplicitLossKernels* losses;
    ImplicitKernels<float> of_float;
    ImplicitKernels<double> of_double;
    ImplicitDoubleKernels in_double;
};

struct KernelTable {
    const char* isa;
    const PairFamily* pair;
    const WeightedFamily* weighted;
    const LevelTableFamily* level_table;
    const ListFamily* list;
    const BinnedRankFamily* binned_ranks;
    const ImplicitFamily* implicit;
    CopyScores<float> float_copy;
    CopyScores<double> double_copy;
    Finite<float> float_finite;
    Finite<double> double_finite;
    Exponentials<float> float_exponentials;
    Exponentials<double> double_exponentials;
    ScaleCounts<float> float_scale;
    ScaleCounts<double> double_scale;
    Partition<float> float_partition;
    Partition<double> double_partition;
    MathKernels<float> float_math;
    MathKernels<double> double_math;
};

}  // namespace rankgrad
