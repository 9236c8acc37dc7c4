// The label level of each item in one byte, in the order that the items came in: for sums that need no gathering by
// label.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/data/plan.hpp"

namespace rankgrad {

/// Most levels of a list that has codes.
constexpr std::int32_t kMostCodes = 64;

class LevelCodes {
public:
    LevelCodes() = default;
    /// For the `lists`, each of at most kMostCodes levels. Throws Interrupted.
    LevelCodes(const Plan& plan, const std::vector<std::int64_t>& lists, const Crew& crew);

    /// Levels of a list's valid items by position; null if it has none.
    const std::uint8_t* level(std::int64_t list) const {
        return begin_.empty() || begin_[at(list)] < 0 ? nullptr : code_.data() + begin_[at(list)];
    }
    /// Positions of those items; null if all items of the list are valid.
    const std::int32_t* position(std::int64_t list) const {
        return position_begin_.empty() || position_begin_[at(list)] < 0 ? nullptr
                                                                        : position_.data() + position_begin_[at(list)];
    }

private:
    static std::size_t at(std::int64_t list) { return static_cast<std::size_t>(list); }

    Room<std::uint8_t> code_;
    std::vector<std::int32_t> position_;
    std::vector<std::int64_t> begin_, position_begin_;  ///< of each list; -1: none
};

}  // namespace rankgrad
