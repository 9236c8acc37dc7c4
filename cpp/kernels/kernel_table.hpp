// The plain-data contract between the engine and the kernels: what a kernel is given, and the table of functions that
// each instruction-set level fills. No code: this file is compiled on both sides.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rankgrad {

/// Parameters of a loss beyond its temperature. A loss struct takes what it needs in `set`.
struct LossParameters {
    double tau = 0.5;
};

/// What a sum over pairs adds up.
enum PairMode : int {
    kValue,                   ///< row values
    kValueGrad,               ///< row values and gradient
    kGradHess,                ///< gradient and diagonal Hessian
    kGradPositiveHess,        ///< gradient and the sum of positive curvatures
    kHessVector,              ///< Hessian times `vector`, into `grad`
    kPairModes
};

/// A range of rows of one list, its items ordered by label, lowest first. Row i is paired with every item of a lower
/// level. T is the type of the arithmetic on pairs; sums are kept in double.
template <class T> struct PairJob {
    const T* row = nullptr;     ///< row operand: scores, or exp(-score) in factored form. Readable one register past n
    const T* column = nullptr;  ///< column operand: scores, or exp(score) in factored form. Likewise
    const T* weight = nullptr;  ///< row weights; unread by the unweighted float sums
    const T* label = nullptr;   ///< labels, for losses that use the label gap
    const T* vector = nullptr;  ///< for kHessVector
    const std::int32_t* level_begin = nullptr;  ///< first item of each level, then n
    std::int32_t n_levels = 0;
    std::int32_t row_begin = 0, row_end = 0;
    std::int32_t terms_per_flush = 64;  ///< terms a lane may add in T before it is flushed to double
    bool factored = false;
    LossParameters parameters;
    double* value = nullptr;  ///< per row, added to
    double* grad = nullptr;   ///< per item, added to. Readable and writable one register past n, as is hess
    double* hess = nullptr;
};

template <class T> using PairSum = void (*)(const PairJob<T>&);

/// Two groups of items, each in ascending order of the scores; every item of the upper group has a higher label than every
/// item of the lower group.
struct MergeJob {
    const double* score = nullptr;       ///< lower group at [begin, middle), upper group at [middle, end);
                                         ///< score[begin - 1] = -infinity, score[end] = infinity
    const std::int32_t* item = nullptr;  ///< whose score it is: an index of the arrays below. As long as score
    std::ptrdiff_t begin = 0, middle = 0, end = 0;
    const double* weight = nullptr;
    const double* vector = nullptr;      ///< for kHessVector
    double* value = nullptr;             ///< added to, as in PairJob
    double* grad = nullptr;
    double* hess = nullptr;
};

using MergeSum = void (*)(const MergeJob&);

/// One pairwise loss at one level.
struct PairLossKernels {
    const char* name;
    bool factored;        ///< has the form with n exponentials: e^-(s_i - s_j) = e^-s_i e^s_j
    bool log_product;     ///< its factored values are summed as the log of a product
    bool uses_label_gap;  ///< needs the labels as numbers
    bool all_pairs;       ///< pairs every two items of a list, whatever their labels, in O(n); double only
    PairSum<float> float_sum[kPairModes][2];  ///< [mode][weighted]
    PairSum<double> double_sum[kPairModes];   ///< always weighted
    PairSum<double> moment_sum[kPairModes];   ///< all rows of a list in O(n); null if the loss has no such form
    MergeSum merge_sum[kPairModes][2];        ///< [mode][weights differ]; null if the loss has no such form
};

/// row[k] = e^-(x[k] - centre), column[k] = e^(x[k] - centre), computed in double.
template <class T>
using Exponentials = void (*)(const double* x, std::int64_t n, double centre, T* row, T* column);

/// Elementwise functions of vector_math.hpp, exposed so that their error bounds can be tested at each level.
template <class T> struct MathKernels {
    void (*exp)(const T* x, std::int64_t n, T* out);
    void (*log)(const T* x, std::int64_t n, T* out);
    void (*log1p)(const T* x, std::int64_t n, T* out);
};

struct KernelTable {
    const char* level;
    int float_lanes;
    int n_pair_losses;
    const PairLossKernels* pair_losses;
    Exponentials<float> float_exponentials;
    Exponentials<double> double_exponentials;
    MathKernels<float> float_math;
    MathKernels<double> double_math;
};

}  // namespace rankgrad
