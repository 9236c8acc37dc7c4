// Bins of equal width in a range of scores, and the place of a score in its bin, exact to the last digit for any number
// of bins and any offset of the scores. Code that the engine and the kernels both compile.
#pragma once

#include <cstdint>
#include <cstring>

namespace rankgrad {

/// Bin b has the scores from low + b width on. The width is split into parts of so few digits that their products with
/// a bin's index are exact, whether or not the compiler contracts them into a sum.
struct BinGrid {
    double low = 0, per_width = 1, width[3] = {1, 0, 0};
};

struct BinPlace {
    std::int32_t bin;
    double place;  ///< from -1 to 1, but for rounding
};

namespace {

inline BinGrid make_grid(double low, double width) {
    BinGrid grid;
    grid.low = low;
    grid.per_width = 1 / width;
    for (double& part : grid.width) {
        std::uint64_t bits;  // the upper ones leave 22 digits; with the 31 of a bin's index they fill a double
        std::memcpy(&bits, &width, sizeof bits);
        bits &= ~std::uint64_t{0} << 31;
        std::memcpy(&part, &bits, sizeof bits);
        width -= part;
    }
    return grid;
}

/// With so few bins the plain product loses no digits that count.
constexpr std::int32_t kFewBins = 256;
inline BinPlace place_in_few_bins(const BinGrid& grid, double x) {
    const double widths = (x - grid.low) * grid.per_width;
    const auto bin = static_cast<std::int32_t>(widths);
    return {bin, 2 * (widths - bin) - 1};
}

/// x - low is taken with its rounding error [Knuth, TAOCP 2, 4.2.2].
inline BinPlace bin_place(const BinGrid& grid, double x) {
    const double distance = x - grid.low, moved = distance - x;
    const double error = (x - (distance - moved)) - (grid.low + moved);
    const auto bin = static_cast<std::int32_t>(distance * grid.per_width);
    const double number = bin, upper = (distance - number * grid.width[0]) - number * grid.width[1];
    const double inside = (upper - number * grid.width[2]) + error;
    return {bin, 2 * (inside * grid.per_width) - 1};
}

}  // namespace
}  // namespace rankgrad
