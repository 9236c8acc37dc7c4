// WARP's weight of a violation as a function of the tries it took to find it.
#pragma once

#include <algorithm>
#include <cmath>

#include "engine/implicit/implicit.hpp"

namespace rankgrad {

/// H(x) for x > 0, by the asymptotic series at x >= 16.
inline double harmonic(double x) {
    double before = 0;
    while (x < 16) before += 1 / ++x;
    const double y = 1 / (x * x);
    return std::log(x) + 0.57721566490153286 + 0.5 / x - y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y / 240))) -
           before;
}

inline double rank_weight(const ImplicitLoss& loss, double tries) {
    const double n = static_cast<double>(loss.num_items);
    double quotient = (loss.rank_weight == RankWeight::kCollie ? n : n - 1) / tries;
    if (loss.floor) quotient = std::floor(quotient);
    double weight = 0;
    if (loss.rank_weight == RankWeight::kHarmonic) weight = quotient > 0 ? harmonic(quotient) : 0;
    else weight = loss.rank_weight == RankWeight::kLog ? std::log(std::max(1.0, quotient)) : std::log(quotient);
    return std::min(weight, loss.clip);
}

}  // namespace rankgrad
