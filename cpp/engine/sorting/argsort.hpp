// Argsort of finite floats or doubles: stable, linear, no worst case.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/runtime/parallel.hpp"
#include "engine/runtime/memory.hpp"

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

    N number_of(std::int32_t k) const { return number[k]; }
    std::int32_t index_of(std::int32_t k) const { return index == nullptr ? first + k : index[k]; }
};

/// A number that has been dealt into a bucket, with its index beside it: buckets are then written in half as many lines
/// of the cache.
template <class N> struct Dealt {
    N number;
    std::int32_t index;
};
template <class N> struct DealtNumbers {
    const Dealt<N>* item;

    N number_of(std::int32_t k) const { return item[k].number; }
    std::int32_t index_of(std::int32_t k) const { return item[k].index; }
};

/// 28 bytes per item, 16 for floats.
template <class N> struct SortScratch {
    Buffer<N> number, dealt;  // an item of `dealt` takes as much as two numbers
    Buffer<std::int32_t> index;
    Buffer<std::uint32_t> count;

    Sortable<N> sorted(std::size_t n) { return {padded(number, n), padded_off_page(index, n)}; }
    Dealt<N>* room(std::size_t n) { return reinterpret_cast<Dealt<N>*>(other(n).number); }
    /// Numbers and indices in the memory of `room`.
    Sortable<N> other(std::size_t n) {
        static_assert(sizeof(Dealt<N>) == 2 * sizeof(N), "with what the alignment asks for");
        constexpr std::size_t page = 4096 / sizeof(N);
        N* const number_there = padded(dealt, 2 * n + 2 * page);
        N* const index_there =
            number_there + (n + kPadding + page - 1) / page * page + page / 2;  // as padded_off_page has it
        return {number_there, reinterpret_cast<std::int32_t*>(index_there)};
    }
};

/// Sorts n numbers ascending into `sorted`, with room for as many; equal numbers stay in their order. The numbers are
/// finite, from `low` to `high`. Of a long array that the team is stopped in, every index is there once.
template <class N> void radix_argsort(Unsorted<N> from, std::int32_t n, double low, double high, Sortable<N> sorted,
                                      Dealt<N>* room, Buffer<std::uint32_t>& count, const Team& team);

}  // namespace rankgrad
