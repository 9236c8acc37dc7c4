// Where the items of a list lie in its bins of scores, a chunk of them at a time.
#pragma once

#include "kernels/expansion_tables.hpp"

namespace rankgrad {
namespace {

constexpr int kExpansionChunk = 512;  // items that are put into bins together

template <int nodes> struct BinPlaces {
    static constexpr int room = kExpansionChunk + Lanes<double>::count;

    std::int32_t bin[room];
    double place[room];  ///< from -1 to 1

    /// Items [first, first + count) of those with scores x. One register more is filled, with a bin that is there.
    void locate(const Expansion& e, const double* x, std::int32_t first, std::int32_t count) {
        constexpr double per_width = 1 / ExpansionTables<nodes>::width;
        x += first;
        const double low = e.low;
        if (e.bin != nullptr) {
            for (std::int32_t k = 0; k < count; ++k) {
                bin[k] = e.bin[first + k];
                const double t = 2 * ((x[k] - low) * per_width - e.grid[bin[k]]) - 1;
                place[k] = t < -1 ? -1 : t > 1 ? 1 : t;  // a product that is not rounded can be out of its bin
            }
        } else {
            for (std::int32_t k = 0; k < count; ++k) {
                const double u = (x[k] - low) * per_width;
                bin[k] = static_cast<std::int32_t>(u);
                place[k] = 2 * (u - bin[k]) - 1;
            }
        }
        for (std::int32_t k = count; k < count + Lanes<double>::count; ++k) {
            bin[k] = bin[count - 1];
            place[k] = 0;
        }
    }
};

}  // namespace
}  // namespace rankgrad
