// Ranks of a short list by comparing every two items: no branch, and for some hundred items faster than any sort.
#pragma once

#include "kernels/lanes.hpp"

namespace rankgrad {
namespace {

template <class T> void count_ranks(const T* x, std::int32_t n, T* rank) {
    using V = Lanes<T>;
    constexpr int rows = 4;
    const V one(1), zero(0);
    for (std::int32_t i = 0; i < n; i += rows) {
        V own[rows], before[rows];
        for (int r = 0; r < rows; ++r) {
            own[r] = V(x[i + r]);
            before[r] = zero;
        }
        std::int32_t j = 0;
        for (; j + V::count <= i; j += V::count) {  // equal numbers here are before
            const V other = V::load(x + j);
            for (int r = 0; r < rows; ++r) before[r] += select(other < own[r], zero, one);
        }
        for (; j < i + rows; j += V::count) {
            const V other = V::load(x + j);
            for (int r = 0; r < rows; ++r) {
                const V equal = select(other < own[r], zero, one), larger = select(other > own[r], one, zero);
                before[r] += select(first_lanes<T>(i + r - j), equal, larger);
            }
        }
        for (; j < n; j += V::count) {
            const V other = V::load(x + j);
            for (int r = 0; r < rows; ++r) before[r] += select(other > own[r], one, zero);
        }
        for (int r = 0; r < rows; ++r) rank[i + r] = static_cast<T>(sum(before[r]));
    }
}

}  // namespace
}  // namespace rankgrad
