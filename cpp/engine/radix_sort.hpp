// Argsort of finite floats or doubles: stable, linear, no worst case.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/parallel.hpp"
#include "engine/workspace.hpp"

namespace rankgrad {

/// More items are dealt into buckets before they are sorted, and may be left as they came where the team is stopped.
constexpr std::int32_t kShortItems = 1 << 14;

/// Room for numbers and for the indices they came from.
template <class N> struct Sortable {
    N* number;
    std::int32_t* index;
};

/// Numbers before they are sorted. Their indices are those of `index` or, where it is null, count from `first`.
template <class N> struct Unsorted {
    const N* number;
    const std::int32_t* index = nullptr;
    std::int32_t first = 0;

    std::int32_t index_of(std::int32_t k) const { return index == nullptr ? first + k : index[k]; }
};

/// 24 bytes per item, 16 for floats.
template <class N> struct SortScratch {
    Buffer<N> number[2];
    Buffer<std::int32_t> index[2];
    Buffer<std::uint32_t> count;

    Sortable<N> place(int k, std::size_t n) { return {padded(number[k], n), padded_apart(index[k], n)}; }
};

/// Sorts n numbers ascending into `sorted`, with room for as many; equal numbers stay in their order. The numbers are finite, from
/// `low` to `high`. Of a long array that the team is stopped in, every index is there once.
template <class N> void radix_argsort(Unsorted<N> from, std::int32_t n, double low, double high, Sortable<N> sorted,
                                      Sortable<N> room, Buffer<std::uint32_t>& count, const Team& team);

}  // namespace rankgrad
