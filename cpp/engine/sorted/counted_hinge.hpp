// The hinge without weights, whose derivatives are numbers of partners: counted exactly, pair by pair or by merges.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "engine/data/evaluation.hpp"
#include "engine/runtime/parts.hpp"
#include "engine/data/score_unit.hpp"
#include "engine/sorted/partner_counts.hpp"

namespace rankgrad {

struct CountedHingeMemory {
    std::tuple<CountScratch<float>, CountScratch<double>> counts;
    Buffer<std::int32_t> slope, partners;
    std::vector<ItemPart> parts;
};

/// Writes the derivatives of a list and gives the weighted sum of its values, for a loss that has counts and a call
/// without weights of items, row values and vector. Nothing, with nothing written, if a number is not finite or the
/// range of the scores is too wide.
template <class T> std::optional<double> counted_hinge(const LossCall<T>& call, const Plan& plan, std::int64_t list,
                                                       const PairLossKernels& loss, const ScoreUnit& unit,
                                                       bool by_merges, CountedHingeMemory& memory, const Team& team);

}  // namespace rankgrad
