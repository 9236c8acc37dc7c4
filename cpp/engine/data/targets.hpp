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

/// The largest number, and the sum of the others: blocks of them first, so that long sums lose no digits.
template <class T> SplitSum split_sum(const T* x, std::int32_t n) {
    if (n == 0) return {};
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

/// The same of n >= 1 numbers of which the facts are known: whole ones add up to the same in any order.
inline SplitSum split_sum(const double* x, std::int32_t n, const NumberFacts& facts) {
    const bool exact = facts.finite && facts.whole && std::max(-facts.low, facts.high) * n < 0x1p51;
    return exact && facts.high != 0 ? SplitSum{facts.high, facts.sum - facts.high} : split_sum(x, n);
}

/// A number in [0, 1): a pure function of its arguments, by the mixing function of SplitMix64 [Steele et al., 2014].
double noise(std::uint64_t seed, std::uint64_t iteration, std::int64_t list, std::int64_t position);

}  // namespace rankgrad
