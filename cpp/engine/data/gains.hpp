// What a metric calls the gain of a label: one function for the metrics, the lambda weights and the losses.
#pragma once

#include <cstdint>
#include <string>

namespace rankgrad {

/// 2^y - 1, right to a few units in the last place for every label: also for 1e-20, -1e-300, -1 and 1023.
double exp2_gain(double label);

struct Gain {
    enum Kind : int { kExp2, kLinear, kTable } kind = kExp2;  ///< 2^y - 1; y; table[y]
    static constexpr const char* kNames[] = {"exp2", "linear", "table"};
    const double* table = nullptr;  ///< the gain of label 0, 1, ...
    std::int64_t table_size = 0;

    /// NaN for a label that the table does not know.
    double operator()(double label) const;
    /// What is wrong with a label whose gain is not finite, after "labels: index 3".
    std::string fault(double label) const;
};

/// A power of two that brings numbers, none of them larger than this in size, below 2: their sums are finite then, and
/// their products with discounts no denormals. It changes no other bit of them, but in numbers that are nothing beside
/// the largest one.
double unit_scale(double largest);

/// A power of two in which a sum of numbers of at most this size is finite, and small ones beside them keep their
/// digits: 1 unless the largest is near the end of the range.
double sum_scale(double largest);

/// 1 / log2(rank + 2), rank from 0.
double discount_of(std::int64_t rank);

}  // namespace rankgrad
