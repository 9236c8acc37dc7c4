// Losses of implicit feedback: B positives, each with its own sampled negatives, either (K, B) with negatives first or
// ragged.
//
// Work is cut into blocks of positives, so that everything but the caller's arrays fits the first cache: no array of
// the size of the negatives is made but the results.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/settings/settings.hpp"
#include "engine/data/lists.hpp"
#include "engine/runtime/parallel.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// Which negatives of a positive count.
enum class Counted : int { kEvery, kLargest, kFirstViolation };
constexpr const char* kCountedNames[] = {"every", "largest", "first_violation"};

/// w(t) when the t-th negative tried was the first violation among N items; `floor` rounds the quotient down.
enum class RankWeight : int {
    kCollie,    ///< ln(N / t)
    kLog,       ///< ln(max(1, (N - 1) / t))
    kHarmonic,  ///< H((N - 1) / t), H(n) = 1 + 1/2 + ... + 1/n, continued to real numbers by the digamma function
};
constexpr const char* kRankWeightNames[] = {"collie", "log", "harmonic"};

struct ImplicitLoss {
    int index = 0;  ///< among the losses of the kernel table
    double parameters[kMostParameters] = {};
    Counted choice = Counted::kEvery;
    bool square = true;  ///< l + l^2 instead of l
    RankWeight rank_weight = RankWeight::kCollie;
    bool floor = false;
    double clip = 0.0;  ///< largest rank weight
    std::int64_t num_items = 0;
    std::string negative_name;  ///< of the argument, for messages

    /// Settings of the names above, and `loss` with its parameters; num_items only with first_violation. Throws
    /// ArgumentError.
    explicit ImplicitLoss(Settings settings);
    const ImplicitLossKernels& kernels() const;
};

/// A categorical property of all items and the credit for a match; one of the two arrays is set.
struct Feature {
    std::string name;
    const std::int64_t* integers;
    const double* reals;
    std::int64_t n_items;
    double weight;
};

/// What the ideal difference of a pair depends on.
struct Ideal {
    double margin = 1.0;
    const double* margins = nullptr;  ///< per positive, instead of `margin`
    std::vector<Feature> features{};
    const std::int64_t* positive_items = nullptr;
    const std::int64_t* negative_items = nullptr;
};

/// One evaluation. The value is scale * sum_b weight[b] * l_b; the derivatives are those of
/// grad_scale * sum_b weight[b] * cotangent[b] * l_b.
template <class T> struct ImplicitCall {
    PairMode mode = kValue;
    const T* positive = nullptr;
    std::int64_t n_positives = 0;
    const T* negative = nullptr;
    std::int64_t n_rows = 0;       ///< K of (K, B)
    const Lists* lists = nullptr;  ///< ragged negatives, one list per positive, instead of rows
    Ideal ideal{};
    const double* weight = nullptr;
    const double* cotangent = nullptr;
    double scale = 1.0, grad_scale = 1.0;
    int threads = 1;
    bool new_results = false;  ///< nobody sees the results after an error: they may then hold anything
    InterruptCheck interrupt = nullptr;
    T* values = nullptr;  ///< weight[b] * l_b, may be null
    T* grad_positive = nullptr;
    T* grad_negative = nullptr;
    T* hess_positive = nullptr;
    T* hess_negative = nullptr;
};

/// Throws ArgumentError for numbers that are not usable and items out of range, and Interrupted.
template <class T> double evaluate_implicit(const ImplicitLoss& loss, const ImplicitCall<T>& call);

/// out[i] = 1 - the credit for the pair (positive_items[i], negative_items[i]).
void ideal_difference(const Ideal& ideal, std::int64_t n, double* out);

}  // namespace rankgrad
