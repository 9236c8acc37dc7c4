// The bins of a list's items and their places in them, a chunk at a time.
#pragma once

#include "kernels/contract/expansion.hpp"
#include "kernels/simd/lanes.hpp"

namespace rankgrad {
namespace {

constexpr int kExpansionChunk = 512;  // items whose bins and places are computed together: 6 kB of the L1 cache

struct BinPlaces {
    static constexpr int room = kExpansionChunk + Lanes<double>::count;

    std::int32_t bin[room];
    double place[room];  ///< from -1 to 1

    template <class At> RANKGRAD_INLINE void put(std::int32_t count, At at) {
        for (std::int32_t k = 0; k < count; ++k) {
            const BinPlace item = at(k);
            bin[k] = item.bin;
            place[k] = item.place;
        }
    }
    /// Items [first, first + count) of those with scores x; one register past them is filled, too, with a valid bin.
    RANKGRAD_NOINLINE void locate(const Expansion& e, const double* x, std::int32_t first, std::int32_t count) {
        if (e.bin != nullptr) {
            for (std::int32_t k = 0; k < count; ++k) {
                bin[k] = e.bin[first + k];
                place[k] = e.place[first + k];
            }
        } else if (e.n_bins <= kFewBins) {
            put(count, [&, grid = e.grid](std::int32_t k) { return place_in_few_bins(grid, x[first + k]); });
        } else {
            put(count, [&, grid = e.grid](std::int32_t k) { return bin_place(grid, x[first + k]); });
        }
        for (std::int32_t k = count; k < count + Lanes<double>::count; ++k) {
            bin[k] = bin[count - 1];
            place[k] = 0;
        }
    }
};

}  // namespace
}  // namespace rankgrad
