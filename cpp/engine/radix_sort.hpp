// Argsort of finite doubles: stable, linear, no worst case.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/parallel.hpp"

namespace rankgrad {

/// Room for numbers and for the indices they came from.
struct Sortable {
    double* number;
    std::int32_t* index;
};

/// 24 bytes per item.
struct SortScratch {
    std::vector<double> number[2];
    std::vector<std::int32_t> index[2];
    std::vector<std::uint32_t> count;
};

/// Sorts number[0 .. n) ascending into one of two places of n entries each, and says which. The indices are those of
/// `number`; equal numbers stay in their order. The numbers are finite, from `low` to `high`.
int radix_argsort(const double* number, std::int32_t n, double low, double high, const Sortable (&place)[2],
                  std::vector<std::uint32_t>& count, Team team);

}  // namespace rankgrad
