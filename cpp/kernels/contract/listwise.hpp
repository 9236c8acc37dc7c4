// The part of the contract between the engine and the kernels that is about listwise and pointwise losses. No code.
#pragma once

#include <cstdint>

#include "kernels/contract/modes.hpp"

namespace rankgrad {

struct Expansion;
struct ExpansionKernels;

/// A sum whose largest term is kept apart: less one of its terms it loses no digits.
struct SplitSum {
    double largest = 0, rest = 0;
};

/// One list for a listwise or pointwise loss: its valid items side by side, in the loss's order. All arrays but
/// `target` and `weight` may be written, and all may be read one register past n. Kernels write final derivatives.
///
/// A margin is (s_i - s_j) * per_temperature: the difference comes first, as it is exact or nearly so, while a score
/// that was divided has an error of its own size. Float sums are for a temperature of 1 and numbers of modest size.
template <class T> struct ListJob {
    T* score = nullptr;
    const T* target = nullptr;  ///< what the loss makes of the labels, times the item weights where they belong there
    const T* weight = nullptr;  ///< item weights of pointwise losses
    const T* vector = nullptr;  ///< for kHessVector
    const std::int32_t* level_begin = nullptr;  ///< first item of each label level, then n; only with kByLabel
    std::int32_t n_levels = 0;
    std::int32_t n = 0;
    std::int32_t row_begin = 0, row_end = 0;  ///< rows of a sum over all pairs of items
    bool factored = false;                    ///< the sums over pairs take e^z and e^-z instead of z
    bool item_weighted = false;               ///< `target` has item weights in it
    SplitSum targets;                         ///< with splits_target
    T low = 0, high = 0;                      ///< range of the scores
    double temperature = 1;                   ///< for what takes no differences of scores
    double per_temperature = 1;               ///< greater than 0 and finite
    double ideal = 0;                         ///< ideal DCG
    double scale = 1, curvature_scale = 1;    ///< factors of gradient and Hessian
    double parameters[kMostParameters] = {};
    double* work[6];     ///< work_arrays of the loss, each with room for n + 1 and a register
    T* value = nullptr;  ///< per item; pointwise losses only
    T* grad = nullptr;
    T* hess = nullptr;
};

/// Gives the value of the list.
template <class T> using ListSum = double (*)(const ListJob<T>&);

/// The arrays of job.work of a loss on smooth ranks.
enum RankArray : int {
    kRowOperand,     ///< e^-z, or the scores where that does not fit; of the direct sums only, as the next
    kColumnOperand,  ///< e^z, or the scores
    kRank,
    kSlope,      ///< f
    kCurvature,  ///< c
    kRankChange  ///< r'
};

/// A near-linear sum over all pairs of items (smooth_ranks_binned.hpp), in four steps. Densities come first in a bin's
/// memory, the first number of them is how many items the bin has.
struct SmoothRankSum {
    int moment_doubles, bin_doubles;                             ///< for each bin: its densities; all its memory
    void (*moments)(const ListJob<double>&, const Expansion&);   ///< adds rows to the densities
    void (*near)(const Expansion&, std::int32_t, std::int32_t);  ///< potentials from near bins, for a range of bins
    void (*far)(const Expansion&);                               ///< and from all others
    void (*carry)(const Expansion&);                             ///< of a segment: its neighbour's far field,
    std::int64_t carried_doubles;                                ///< which is as long
    void (*results)(const ListJob<double>&, const Expansion&);   ///< of rows, whose range begins at a register
};
/// The sums of all losses on smooth ranks with a number of nodes; one after another, up to one without functions.
struct SmoothRankKernels {
    const ExpansionKernels* expansion;
    SmoothRankSum ranks[2][3];  ///< [with the derivative of the ranks along `vector`]
    SmoothRankSum slopes[kPairModes][3];
};
struct SmoothRankFamily {
    SmoothRankKernels of[2];  ///< for float32 and for float64 results
};

/// The three steps of a loss on smooth ranks with direct sums, the first and the last by ranges of rows.
struct RankKernels {
    ListSum<double> ranks[2];  ///< [with the derivative of the ranks along `vector`]
    ListSum<double> metric;    ///< value, and its slope and curvature by each rank
    bool metric_by_rows;  ///< the value is a sum over rows, and a call does a range of them that begins at a register
    ListSum<double> slopes[kPairModes];
};

/// One listwise or pointwise loss.
struct ListLossKernels {
    const char* name;
    const Parameter* parameters;  ///< kMostParameters of them
    ItemOrder order;
    bool per_item;       ///< pointwise: a value per item, and weights that do not enter the target
    bool rank_based;     ///< looks at every two items, by `rank` instead of the sums
    bool splits_target;  ///< takes `targets`
    bool scratch_hess;   ///< writes `hess` in every mode
    double float_range;  ///< float arithmetic serves scores of at most this range (per_item: this size); -1: none
    int work_arrays;     ///< for values and derivatives
    int work_arrays_along_vector;
    ListSum<float> float_sum[kPairModes];
    ListSum<double> double_sum[kPairModes];
    RankKernels rank;
};

struct ListFamily {
    int count;
    const ListLossKernels* losses;
};

}  // namespace rankgrad
