// What an XLA call says of its data, and the objective that is bound to them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bindings/xla_operands.hpp"
#include "engine/objective/objective.hpp"

namespace rankgrad::xla {

/// What bounds the lists: the last dimension of the scores, or an array of sizes, of boundaries, of an id per item.
enum class ListsBy : int { kRows, kGroups, kOffsets, kQid };
constexpr const char* kListsByNames[] = {"rows", "groups", "offsets", "qid"};

/// What there is one weight, or cotangent, of.
enum class Each : int { kNone, kAll, kItem, kList };
constexpr const char* kEachNames[] = {"none", "all", "item", "list"};

struct Data {
    Settings loss;
    ListsBy lists_by = ListsBy::kRows;
    Each weight_of = Each::kNone;
    std::int64_t row = 0, n_rows = 0;  ///< of the scores
    std::string shared_name;           ///< the name of an objective that may be bound to them already
    std::optional<Operand> labels, mask, lists, weight;

    bool are_same_everywhere() const;
    /// Throws ArgumentError, with the words of the Python package, for data that do not fit.
    std::shared_ptr<const Objective> bind(const Index& slot) const;
};

/// Lets calls find the objective under this name as long as somebody else holds it.
void share(const std::shared_ptr<const Objective>& objective, const std::string& name);

}  // namespace rankgrad::xla
