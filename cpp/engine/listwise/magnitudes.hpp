// Numbers so large or small that a difference, a product or a reciprocal of them would leave the range of double,
// though the result that is made of it does not: powers of two take them back, which rounds nothing.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace rankgrad {

/// Whether numbers of this size may be multiplied by others, and added up over a list, without a look. 0 is no size.
inline bool is_modest(double size) { return size >= 0x1p-900 && size <= 0x1p900; }
/// The same in float.
inline bool fits_float(double size) { return size == 0 || (size >= 0x1p-30 && size <= 0x1p30); }

/// x = m 2^exponent with |m| from 1/2 to 1; 0 for 0 and for what is not finite.
inline int exponent_of(double x) {
    int exponent = 0;
    if (std::isfinite(x)) std::frexp(x, &exponent);
    return exponent;
}
/// Of the power of two to take out of numbers of at most this size.
inline int excess_exponent(double size) { return is_modest(size) ? 0 : exponent_of(size); }

/// A product that need not fit a double.
class Product {
public:
    Product& times(double x) {
        mantissa_ *= std::ldexp(x, -exponent_of(x));
        exponent_ += exponent_of(x);
        return *this;
    }
    Product& over(double x) {
        mantissa_ /= std::ldexp(x, -exponent_of(x));
        exponent_ -= exponent_of(x);
        return *this;
    }
    Product& times_power_of_two(int exponent) {
        exponent_ += exponent;
        return *this;
    }
    double value() const { return std::ldexp(mantissa_, exponent_); }

private:
    double mantissa_ = 1;
    int exponent_ = 0;
};

/// Margins of scores are (factor s_i - factor s_j) * per_temperature.
struct MarginUnits {
    double factor = 1;  ///< a power of two; 1 unless a difference or the reciprocal of the temperature would not fit
    double per_temperature = 1;
};
inline MarginUnits margin_units(double low, double high, double temperature) {
    double factor = 1;
    if (temperature < 0x1p-1000) {
        const int room = 1000 - exponent_of(std::max(std::abs(low), std::abs(high)));
        factor = std::ldexp(1.0, std::clamp(room, 0, 60));
    } else if (temperature > 0x1p1000 || !std::isfinite(high - low)) {
        factor = 0x1p-4;
    }
    return {factor, std::min(1 / (temperature * factor), std::numeric_limits<double>::max())};
}

}  // namespace rankgrad
