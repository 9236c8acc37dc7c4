// The order of numbers, of which only the first may be asked for: what ranks of items are.
#pragma once

#include <cstdint>

#include "engine/runtime/memory.hpp"
#include "engine/runtime/parallel.hpp"
#include "engine/sorting/short_sort.hpp"
#include "engine/sorting/argsort.hpp"

namespace rankgrad {

class Ranking {
public:
    /// The indices of the `count` smallest of n numbers, in ascending order; equal ones as they come, or as they come
    /// in `before`, an order of all n. Infinities are numbers like others, NaN is none. Good until the next call, and
    /// for nothing where the team is stopped.
    const std::int32_t* ascending(const double* x, std::int32_t n, std::int32_t count, const Team& team,
                                  const std::int32_t* before = nullptr);

private:
    const std::int32_t* select(const double* x, std::int32_t n, std::int32_t count, const Team& team);

    Sortable<double> near() { return {near_number_.of(kMostKeys), near_index_.of(kMostKeys)}; }

    Room<double> number_, near_number_;
    Room<std::int32_t> index_, near_index_;
    Room<Dealt<double>> dealt_;
    Buffer<std::uint32_t> count_;
};

}  // namespace rankgrad
