// What listwise and pointwise losses make of the labels, once per plan; and the noise of XE-NDCG.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/data/plan.hpp"

namespace rankgrad {

enum class Target : int {
    kLabel,            ///< y
    kNormalizedLabel,  ///< y over the sum of the list; 0 where that is 0
    kClippedLabel,     ///< min(max(y, 0), 1)
    kExp2Gain,         ///< 2^y - 1
    kLinearGain,       ///< y
    kOne,              ///< 1
    kRelevant,         ///< 1 where y >= 1, else 0
    kNoisyPower        ///< 2^y, from which each call subtracts its noise before it normalises
};

constexpr const char* kTargetNames[] = {"label", "normalized_label", "clipped_label", "exp2_gain", "linear_gain",
                                        "one",   "relevant",         "noisy_power"};

/// Targets of all valid items in the plan's order, one register longer.
Room<double> make_targets(const Plan& plan, Target target, const Crew& crew);

/// By rank, from 0; nothing from `cutoff` on (0: none).
Room<double> discounts(std::int64_t n, double cutoff, const Crew& crew);

/// The largest of n numbers in size; NaN is no number.
double largest_size(const double* x, std::int32_t n);

/// Per list, the largest sum of gain / log2(1 + rank) over the first `cutoff` ranks (0: all), of gains times a power of
/// two in which it is finite.
struct IdealSums {
    std::vector<double> sum, scale;
};
IdealSums ideal_sums(const Plan& plan, const double* gains, double cutoff, const double* discounts, const Crew& crew);

/// What whole numbers add up to: the same in any order. False if they are none, or too large.
template <class T> bool sum_of_whole(const T* x, std::int32_t n, double& top, double& sum) {
    constexpr int lanes = 4;
    constexpr double rounding = 0x1.8p52;  // a double beside it is a whole number
    double sums[lanes] = {}, tops[lanes], least[lanes];
    std::int32_t whole = 1;
    std::fill_n(tops, lanes, static_cast<double>(x[0]));
    std::fill_n(least, lanes, static_cast<double>(x[0]));
    const auto add = [&](double y, int lane) {
        sums[lane] += y;
        tops[lane] = y > tops[lane] ? y : tops[lane];
        least[lane] = y < least[lane] ? y : least[lane];
        whole &= (y + rounding) - rounding == y;
    };
    std::int32_t k = 0;
    for (; k + lanes <= n; k += lanes)
        for (int lane = 0; lane < lanes; ++lane) add(static_cast<double>(x[k + lane]), lane);
    for (; k < n; ++k) add(static_cast<double>(x[k]), 0);
    top = *std::max_element(tops, tops + lanes);
    sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return whole != 0 && std::max(-*std::min_element(least, least + lanes), top) * n < 0x1p51;
}

/// The largest number, and the sum of the others: blocks of them first, so that long sums lose no digits.
template <class T> SplitSum split_sum(const T* x, std::int32_t n) {
    if (n == 0) return {};
    double largest, all;
    if (sum_of_whole(x, n, largest, all) && largest != 0) return {largest, all - largest};
    const T* top = std::max_element(x, x + n);
    SplitSum split{static_cast<double>(*top), 0};
    for (const T *block = x, *end = x + n; block < end;) {
        double sum = 0;
        for (const T* last = end - block > 256 ? block + 256 : end; block < last; ++block)
            if (block != top) sum += static_cast<double>(*block);
        split.rest += sum;
    }
    return split;
}

/// A number in [0, 1): a pure function of its arguments, by the mixing function of SplitMix64 [Steele et al., 2014].
double noise(std::uint64_t seed, std::uint64_t iteration, std::int64_t list, std::int64_t position);

}  // namespace rankgrad
