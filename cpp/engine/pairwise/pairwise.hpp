// A pairwise loss bound to a plan: sums over the pairs of each list, for new scores at every call.
#pragma once

#include <cstdint>
#include <string>

#include "engine/data/cost_model.hpp"
#include "engine/data/gathered_list.hpp"
#include "engine/data/level_codes.hpp"
#include "engine/expansion/level_table_sums.hpp"
#include "engine/lambda/pair_weights.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/sorted/counted_hinge.hpp"

namespace rankgrad {

struct PairwiseLoss {
    std::string name;
    double temperature = 1.0;
    LossParameters parameters{};
    Choice choice = Choice::automatic;
    PairWeightOptions weight{};
};

/// Memory of one list, for each of the wings.
struct PairwiseScratch {
    ListMemory list;
    ExpansionScratch expansion;
    LevelTableScratch tables;
    CountedHingeMemory counts;
    LambdaMemory lambda;
};

class Pairwise {
public:
    Pairwise(PairwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options);

    const Plan& plan() const { return plan_; }
    bool values_per_item() const { return true; }
    /// Pairs the loss sums over: squared error takes all m^2 of a list of m valid items.
    double pairs(std::int64_t list) const;

    /// Writes the arrays of `call` and gives the weighted sum (0 in modes without values). Throws ArgumentError for
    /// non-finite scores (before anything is written), Interrupted.
    template <class T> double evaluate(const LossCall<T>& call) const;

private:
    using Scratch = PairwiseScratch;
    const PairLossKernels& loss() const { return kernels().pair->losses[loss_index_]; }
    Route route(PairMode mode, const ListFacts& facts) const {
        return rankgrad::route(loss_.choice, loss(), mode, facts);
    }
    /// A list is written to when all its scores have been read, so that one alone need not be looked through before.
    bool reads_all_first() const { return plan_.lists().count() == 1 && plan_.all_valid(); }
    /// What is known before its scores are.
    ListFacts facts(std::int64_t list) const;
    template <class T> ListFacts facts(const LossCall<T>& call, std::int64_t list) const;
    template <class T>
    double evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    template <class T>
    double sum_gathered(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    template <class T> void sum(Route route, GatheredList& list, const T* scores, Scratch& scratch) const;

    PairwiseLoss loss_;
    int loss_index_;
    ScoreUnit unit_;
    Plan plan_;
    PairWeights weights_;
    LevelCodes codes_;
    mutable ScratchPool<Scratch> pool_;
};

}  // namespace rankgrad
