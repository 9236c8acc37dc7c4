// An objective: a loss bound to labels, lists, weights and a reduction. It knows no language: pointers and settings go
// in, the reduced value and its derivatives come out.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/objective/bound_loss.hpp"
#include "engine/objective/weights.hpp"

namespace rankgrad {

class Objective {
public:
    /// Settings: those of bind_loss, and `reduction`. Throws ArgumentError for bad settings, labels and weights, and
    /// Interrupted.
    Objective(Settings settings, Lists lists, Labels labels, const std::uint8_t* mask, const SampleWeight& weight,
              const Crew& crew = {});

    const BoundLoss& loss() const { return *loss_; }
    const Plan& plan() const { return loss_->plan(); }
    const Weights& weights() const { return weights_; }
    std::int64_t n_values() const;

    /// Gives the reduced value (that of `kSum` for `kNone`; 0 in modes without values) and writes the arrays of the
    /// call, which says what it gives and wants. Throws ArgumentError for bad scores and calls, nothing being written
    /// then, and Interrupted.
    template <class T> double evaluate(LossCall<T> call) const;

private:
    Reduction reduction_;
    bool raising_;
    std::unique_ptr<const BoundLoss> loss_;
    Weights weights_;
    double scale_;
};

}  // namespace rankgrad
