// What the engine and the kernels share about losses of implicit feedback.
#pragma once

#include <cstdint>

#include "kernels/contract/modes.hpp"

namespace rankgrad {

/// Beyond it squares or sums of numbers might overflow in T: careful sums are needed.
template <class T> constexpr double kFar = sizeof(T) == sizeof(float) ? 0x1p50 : 0x1p450;

/// `rows` times n pairs of a positive and a negative. All arrays but `negative`, `grad_negative` and `hess_negative`,
/// which are the caller's, are readable and writable one register past n.
template <class T> struct ImplicitPairs {
    const T* positive = nullptr;
    const T* negative = nullptr;
    const T* ideal = nullptr;          ///< ideal differences d in T, or d - 1
    const T* ideal_rest = nullptr;     ///< and what is left of d, rounded upwards
    const T* rank_weight = nullptr;    ///< for a ranked loss; null: ones
    const T* weight = nullptr;         ///< of the value, for careful sums
    const T* factor = nullptr;         ///< of the derivatives
    const T* square_factor = nullptr;  ///< 2 square factor
    std::int64_t n = 0;
    std::int64_t rows = 1,
                 stride = 0;  ///< the caller's arrays have `rows` rows, `stride` apart; all else is per column
    double parameters[kMostParameters] = {};
    double square = 0;       ///< the sums are of l + square l^2
    T* value = nullptr;      ///< added to, as are slope and curvature
    T* slope = nullptr;      ///< derivatives with respect to the negative, also written to grad_negative
    T* curvature = nullptr;  ///< second derivatives, also written to hess_negative
    T* grad_negative = nullptr;
    T* hess_negative = nullptr;
};

/// [kValue], [kValueGrad], [kGradHess]. False if a pair was not usable by the formula: the results mean nothing then.
template <class T> struct ImplicitSums {
    bool (*mode[3])(const ImplicitPairs<T>&);
};

/// One loss of implicit feedback. Sums are [narrow]: faster, for fewer numbers; the same twice where a loss has one
/// formula.
struct ImplicitLossKernels {
    const char* name;
    const Parameter* parameters;  ///< kMostParameters of them
    bool less_one;                ///< takes d - 1 for the ideal difference d
    bool ranked;                  ///< takes rank weights
    bool has_narrow;
    ImplicitSums<float> float_sums[2];
    ImplicitSums<double> double_sums[2];
    bool (*careful_sum)(const ImplicitPairs<double>&);
};

/// What each function does is said at its definition, in implicit/implicit_sums.hpp and implicit/negatives.hpp.
template <class T> struct ImplicitKernels {
    bool (*largest_in_columns)(const T* x, std::int64_t stride, std::int64_t rows, std::int64_t n, T first_row, T* best,
                               T* best_row);
    void (*put_in_rows)(const T* x, const T* row_of, std::int64_t stride, std::int64_t rows, std::int64_t n, T* out);
    bool (*violations_in_row)(const T* positive, const T* negative, const T* ideal, const T* ideal_rest, std::int64_t n,
                              T row, T* first);
    std::int64_t (*largest_in_list)(const T* x, std::int64_t n);
    std::int64_t (*violation_in_list)(T positive, const T* negative, const T* ideal, const T* ideal_rest,
                                      std::int64_t n);
    std::int64_t (*first_bad)(const T* x, std::int64_t n);
};

/// Partial credit, in double whatever the type of the scores.
struct ImplicitDoubleKernels {
    using Items = const std::int64_t*;
    void (*subtract_integer_matches)(const std::int64_t* category, double weight, Items positive, Items negative,
                                     std::int64_t n, double* ideal);
    void (*subtract_real_matches)(const double* category, double weight, Items positive, Items negative, std::int64_t n,
                                  double* ideal);
};

struct ImplicitFamily {
    int count;
    const ImplicitLossKernels* losses;
    ImplicitKernels<float> of_float;
    ImplicitKernels<double> of_double;
    ImplicitDoubleKernels in_double;
};

}  // namespace rankgrad
