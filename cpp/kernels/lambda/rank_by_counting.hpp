// Ranks of a short list by comparing every two items: no branch, and for up to some hundred items as fast as a sort.
#pragma once

#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

/// Four registers of items at a time are compared with each item.
template <class T> void count_ranks(const T* x, std::int32_t n, T* rank) {
    using V = Lanes<T>;
    constexpr int registers = 4;
    const V one(1), zero(0);
    double total = 0;
    for (std::int32_t i = 0; i < n; i += registers * V::count) {
        const int used = n - i < registers * V::count ? (n - i + V::count - 1) / V::count : registers;
        V own[registers], larger[registers];
        for (int r = 0; r < registers; ++r) {
            own[r] = V::load(x + i + (r < used ? r : 0) * V::count);
            larger[r] = zero;
        }
        for (std::int32_t j = 0; j < n; ++j) {
            const V other(x[j]);
            for (int r = 0; r < registers; ++r) larger[r] += select(other > own[r], one, zero);
        }
        for (int r = 0; r < used; ++r) larger[r].store(rank + i + r * V::count);
        for (std::int32_t k = i; k < n && k < i + registers * V::count; ++k) total += static_cast<double>(rank[k]);
    }
    if (total == 0.5 * n * (n - 1.0)) return;
    for (std::int32_t i = 0; i < n; i += V::count) {  // of equal numbers those before go first
        const V own = V::load(x + i);
        V equal = V::load(rank + i);
        for (std::int32_t j = 0; j < n && j < i + V::count; ++j) {
            const V other(x[j]);
            const V same = select(other < own, zero, select(other > own, zero, one));
            equal += select(first_lanes<T>(j - i + 1), zero, same);
        }
        equal.store(rank + i);
    }
}

}  // namespace
}  // namespace rankgrad
