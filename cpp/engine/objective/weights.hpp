// Sample weights and a reduction: the weights and the one divisor of value = sum_i weight_i * unreduced_i / divisor.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/objective/bound_loss.hpp"

namespace rankgrad {

enum class Reduction : int {
    kNone,                  ///< unreduced: summed only under a cotangent
    kSum,                   ///< divided by 1, as is `kNone`
    kSumOverBatchSize,      ///< by the number of unreduced values, padding included
    kMean,                  ///< the same
    kMeanWithSampleWeight,  ///< by the sum of the weights as given
    kMeanOverPairs,         ///< by the pairs
    kMeanOverLists,         ///< by the lists with a valid item
    kMeanOverItems,         ///< by the valid items
};
constexpr const char* kReductionNames[] = {"none",
                                           "sum",
                                           "sum_over_batch_size",
                                           "mean",
                                           "mean_with_sample_weight",
                                           "mean_over_pairs",
                                           "mean_over_lists",
                                           "mean_over_items"};

/// As a caller gives them: a number, one per item, or one per list; or none.
struct SampleWeight {
    std::optional<double> number{};
    const double* item = nullptr;
    const double* list = nullptr;
};

/// A copy of them. That of an item or list with nothing valid never matters: where it is not finite it is 0.
class Weights {
public:
    /// Throws ArgumentError for a weight that is not finite and matters, if `raising`.
    Weights(const SampleWeight& given, const Plan& plan, bool raising);

    double number() const { return number_.value_or(1.0); }
    const std::optional<double>& given_number() const { return number_; }
    const double* item() const { return per_item_ ? array_.data() : nullptr; }
    const double* list() const { return per_list_ ? array_.data() : nullptr; }
    bool any() const { return number_.has_value() || per_item_ || per_list_; }
    /// The sum of the weights as given, of the finite ones if it is not.
    double total() const;
    /// Multiplies them by a power of two in which their sum is a normal number: a mean knows shares only.
    void balance();

private:
    void mend_items(const Plan& plan, bool raising);
    void mend_lists(const Plan& plan, bool raising);

    std::optional<double> number_;
    bool per_item_, per_list_;
    std::vector<double> array_;
};

/// What the weighted sum is divided by.
double divisor_of(Reduction reduction, const Weights& weights, const BoundLoss& loss);

}  // namespace rankgrad
