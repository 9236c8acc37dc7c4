// A loss over lists bound to labels, of whatever family: the one way by which one is made, and what all offer.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/data/evaluation.hpp"
#include "engine/data/plan.hpp"
#include "engine/settings/settings.hpp"

namespace rankgrad {

constexpr const char* kNanNames[] = {"raise", "propagate"};

class BoundLoss {
public:
    BoundLoss() = default;
    BoundLoss(const BoundLoss&) = delete;
    BoundLoss& operator=(const BoundLoss&) = delete;
    virtual ~BoundLoss() = default;

    virtual const Plan& plan() const = 0;
    virtual bool values_per_item() const = 0;
    /// Pairs that a list contributes; throws ArgumentError where there are none to count.
    virtual double pairs(std::int64_t list) const = 0;
    /// Writes the arrays of `call` and gives the weighted sum (0 in modes without values).
    virtual double evaluate(const LossCall<float>& call) const = 0;
    virtual double evaluate(const LossCall<double>& call) const = 0;
};

/// Settings of all: loss (its name and parameters), temperature, algorithm, negative_labels, nan. Of `pairwise`:
/// lambda_weight (none, label_difference, ndcg, or another form by name). Of `listwise`: target, seed. Throws
/// ArgumentError for anything else, and for bad labels; Interrupted.
std::unique_ptr<const BoundLoss> bind_loss(Settings settings, Lists lists, Labels labels, const std::uint8_t* mask,
                                           const Crew& crew);

}  // namespace rankgrad
