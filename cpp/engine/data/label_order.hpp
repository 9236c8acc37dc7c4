// Gathers a list's scores into label order and scatters the results back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/runtime/parts.hpp"
#include "engine/runtime/memory.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#define RANKGRAD_UNROLL _Pragma("GCC unroll 4")  // loops so short that counting is a third of them
#else
#define RANKGRAD_UNROLL
#endif

namespace rankgrad {

/// Items that are gathered before their range is looked at, while they are in the nearest cache.
constexpr std::int64_t kGatheredBlock = 1024;

/// Gathers scores of a part, looks at their range, and multiplies them by `factor`, a power of two. Writes whole
/// registers.
template <class T, class N>
void gather_scores(const T* scores, const std::int32_t* order, std::int64_t n, double factor, N* out, ItemPart& part) {
    for (std::int64_t first = 0; first < n; first += kGatheredBlock) {
        const std::int64_t count = std::min(kGatheredBlock, n - first);
        N* block = out + first;
        const std::int32_t* item = order + first;
        RANKGRAD_UNROLL
        for (std::int64_t k = 0; k < count; ++k) block[k] = static_cast<N>(scores[item[k]]);
        N low, high;
        part.finite = copy_scores(block, count, block, &low, &high) && part.finite;
        part.low = std::min(part.low, double{low});
        part.high = std::max(part.high, double{high});
        for (std::int64_t k = 0; factor != 1.0 && k < count; ++k) block[k] *= static_cast<N>(factor);
    }
}

/// The same, but writes no more than n.
template <class T, class N>
void gather_only(const T* scores, const std::int32_t* order, std::int64_t n, double factor, N* out, ItemPart& part) {
    const std::int64_t whole = n / kRegister * kRegister;
    N rest[kRegister];
    gather_scores(scores, order, whole, factor, out, part);
    gather_scores(scores, order + whole, n - whole, factor, rest, part);
    std::copy_n(rest, n - whole, out + whole);
}

constexpr double kNoLeast = -std::numeric_limits<double>::infinity();

/// With up to so many levels, successive items of a level lie close together in the list: nothing is prefetched.
constexpr std::int32_t kNearLevels = 8;

/// Scatter to random addresses, prefetching each target 32 items ahead: to[place[k]] = from[k]. Prefetching saves up to
/// 4 % of the time of a million items.
template <class T> void scatter_random(const std::int32_t* place, const T* from, std::int64_t n, T* to) {
    constexpr std::int64_t kAhead = 32;
    std::int64_t k = 0;
    RANKGRAD_UNROLL
    for (; k + kAhead < n; ++k) {
        prefetch_for_write(to + place[k + kAhead]);
        to[place[k]] = from[k];
    }
    for (; k < n; ++k) to[place[k]] = from[k];
}

/// ScaleCounts for sums.
template <class T> void scale_results(const double* from, std::int64_t n, double factor, double least, T* out) {
    for (std::int64_t k = 0; k < n; ++k)  // either may be infinite: nothing times anything is nothing
        out[k] = static_cast<T>(std::max(from[k] == 0 || factor == 0 ? 0 : factor * from[k], least));
}

/// to[order[k]] = factor * from[k] for the items of a part, but at least `least`; from has sums or counts. Nothing if
/// `to` is null. `anywhere`: neighbours in the order are far apart in the list, whose addresses are prefetched.
template <class From, class T> void scatter_results(const From* from, const std::int32_t* order, std::int64_t begin,
                                                    std::int64_t end, double factor, double least, bool anywhere,
                                                    T* to) {
    T scaled[kGatheredBlock];
    for (std::int64_t first = begin; to != nullptr && first < end; first += kGatheredBlock) {
        const std::int64_t n = std::min(kGatheredBlock, end - first);
        const std::int32_t* item = order + first;
        scale_results(from + first, n, factor, least, scaled);
        if (anywhere) {
            scatter_random(item, scaled, n, to);
            continue;
        }
        RANKGRAD_UNROLL
        for (std::int64_t k = 0; k < n; ++k) to[item[k]] = scaled[k];
    }
}

}  // namespace rankgrad
