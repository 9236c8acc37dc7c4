// Argsort of finite doubles: stable, linear, no worst case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/parallel.hpp"
#include "engine/workspace.hpp"

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

    Sortable place(int k, std::size_t n) { return {padded(number[k], n), padded(index[k], n)}; }
};

/// Sorts number[0 .. n) ascending into `sorted`, with room for as many. The indices are those of `number`; equal numbers stay in
/// their order. The numbers are finite, from `low` to `high`.
void radix_argsort(const double* number, std::int32_t n, double low, double high, Sortable sorted, Sortable room,
                   std::vector<std::uint32_t>& count, Team team);

}  // namespace rankgrad
