// Bins of equal width in a range of scores, and the place of a score in its bin to the last digit, however many bins there are and
// however far the scores are from zero. The only code that the engine and the kernels both compile.
#pragma once

#include <cstdint>
#include <cstring>

namespace rankgrad {
namespace {

/// Bin b has the scores from low + b width on. The width is in two parts, the upper of so few digits that its product with a
/// bin's number is exact.
struct BinGrid {
    double low = 0, per_width = 1, width_upper = 1, width_lower = 0;

    struct Place {
        std::int32_t bin;
        double place;  ///< from -1 to 1, but for rounding
    };

    BinGrid() = default;
    BinGrid(double lowest, double width) : low(lowest), per_width(1 / width) {
        std::uint64_t
            bits;  // of which the upper ones leave 22 digits; with the 31 of a bin's number they fill a double
        std::memcpy(&bits, &width, sizeof bits);
        bits &= ~std::uint64_t{0} << 31;
        std::memcpy(&width_upper, &bits, sizeof bits);
        width_lower = width - width_upper;
    }

    /// x - low is taken with its rounding error [Knuth, TAOCP 2, 4.2.2].
    Place locate(double x) const {
        const double distance = x - low, moved = distance - x;
        const double error = (x - (distance - moved)) - (low + moved);
        const auto bin = static_cast<std::int32_t>(distance * per_width);
        const double number = bin, inside = ((distance - number * width_upper) - number * width_lower) + error;
        return {bin, 2 * (inside * per_width) - 1};
    }
};

}  // namespace
}  // namespace rankgrad
