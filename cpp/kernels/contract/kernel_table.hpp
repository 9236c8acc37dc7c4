// The plain-data contract between the engine and the kernels: the table of functions that each instruction set fills.
// What they are given is in the header of their wing. This folder is compiled on both sides and has next to no code.
#pragma once

#include <cstdint>

#include "kernels/contract/direct.hpp"
#include "kernels/contract/expansion.hpp"
#include "kernels/contract/implicit.hpp"
#include "kernels/contract/lambda.hpp"
#include "kernels/contract/listwise.hpp"
#include "kernels/contract/sorted.hpp"

namespace rankgrad {

/// One pairwise loss.
struct PairLossKernels {
    const char* name;
    const Parameter* parameters;  ///< kMostParameters of them
    bool factored[kPairModes];    ///< has the form with n exponentials: e^-(s_i - s_j) = e^-s_i e^s_j
    bool log_product;             ///< its factored values are summed as the log of a product
    bool uses_label_gap;          ///< needs the labels as numbers
    bool all_pairs;               ///< pairs every two items of a list, whatever their labels, in O(n); double only
    bool exponential;             ///< e^-m, whose sums may overflow
    int degree;                   ///< of the loss as a function of margins, gaps and their unit (pair_losses.hpp)
    PairSum<float> float_sum[kPairModes];
    PairSum<double> double_sum[kPairModes];
    PairSum<double> moment_sum[kPairModes];  ///< all rows of a list in O(n); null if the loss has no such form
    const MergeSums (*merge_sum)[2];         ///< [mode][weights differ]; null if the loss has no such form
    const CountFamily* counts;               ///< for the hinge, else null
    const ExpansionKernels* expansion;       ///< null, or that for float32 and that for float64 results
};

struct PairFamily {
    int count;
    const PairLossKernels* losses;
};

/// Copies n >= 1 scores and gives the smallest and the largest; false if one of them is NaN or infinite. `to` may be
/// `from`, and has room for whole registers.
template <class T> using CopyScores = bool (*)(const T* from, std::int64_t n, T* to, T* low, T* high);

/// Whether none of n numbers is NaN or infinite.
template <class T> using Finite = bool (*)(const T* x, std::int64_t n);

/// What n >= 1 numbers have in common. If they are not finite the rest means nothing.
struct NumberFacts {
    double low, high, sum;
    bool finite;
    bool whole;  ///< of numbers below 2^51 in size
};
using LookAt = NumberFacts (*)(const double* x, std::int64_t n);

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

struct KernelTable {
    const char* isa;
    const PairFamily* pair;
    const LambdaFamily* lambda;
    const LevelTableFamily* level_table;
    const ListFamily* list;
    const SmoothRankFamily* smooth_ranks;
    const ImplicitFamily* implicit;
    CopyScores<float> float_copy;
    CopyScores<double> double_copy;
    Finite<float> float_finite;
    Finite<double> double_finite;
    LookAt look_at;
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
