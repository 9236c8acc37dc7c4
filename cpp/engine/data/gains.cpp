// Gains of labels, and the scale in which they are added up.
#include "engine/data/gains.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace rankgrad {

double exp2_gain(double label) {
    if (label >= 0.0 && label < 63.0) {  // the usual labels 0, 1, 2, ... need no call of exp2
        const int whole = static_cast<int>(label);
        if (whole == label) return static_cast<double>((std::int64_t{1} << whole) - 1);
    }
    constexpr long double kLog2 = 0.693147180559945309417232121458L;  // long, so that the result is rounded once
    const long double y = label;
    return static_cast<double>(std::abs(label) < 1.0 ? std::expm1(kLog2 * y) : std::exp2(y) - 1.0L);
}

double Gain::operator()(double label) const {
    if (kind == kExp2) return exp2_gain(label);
    if (kind == kLinear) return label;
    const bool known = label >= 0.0 && label < static_cast<double>(table_size) && label == std::floor(label);
    return known ? table[static_cast<std::int64_t>(label)] : std::numeric_limits<double>::quiet_NaN();
}

std::string Gain::fault(double label) const {
    std::ostringstream text;
    text << " holds " << label;
    if (std::isnan(label)) {
        text << "; numbers are wanted, and items that do not count are marked by a mask or a negative label";
        return text.str();
    }
    if (kind == kTable) text << ", but gain knows the labels 0 to " << table_size - 1;
    else text << ", whose gain is not finite";
    return text.str();
}

double sum_scale(double largest) { return largest > 0x1p950 ? 0x1p-64 : largest < 0x1p-950 ? 0x1p64 : 1.0; }

double unit_scale(double largest) {
    int exponent = 0;
    if (std::isfinite(largest)) std::frexp(largest, &exponent);
    return std::ldexp(1.0, -std::clamp(exponent, -1000, 1023));
}

double discount_of(std::int64_t rank) { return 1.0 / std::log2(static_cast<double>(rank) + 2.0); }

}  // namespace rankgrad
