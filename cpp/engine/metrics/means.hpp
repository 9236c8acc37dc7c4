// Means that Python would otherwise take: here they are in the default floating-point mode, and can be interrupted.
#pragma once

#include <cstdint>

#include "engine/data/lists.hpp"
#include "engine/runtime/parallel.hpp"

namespace rankgrad {

/// Adds up as many numbers as one likes: the error grows with the number of blocks.
class BlockSum {
public:
    void add(double x) {
        block_ += x;
        if (++size_ < kBlock) return;
        total_ += block_;
        block_ = 0.0;
        size_ = 0;
    }
    double sum() const { return total_ + block_; }

private:
    static constexpr int kBlock = 1 << 12;
    double total_ = 0.0, block_ = 0.0;
    int size_ = 0;
};

/// means[c] = sum_r weight[r] values[r, c] / sum_r weight[r] of a table of n_rows x n_columns; NaN where the weights
/// are 0. Rows of weight 0 are left out whatever they hold, and with `skip_nan` the NaN of every column. Weights are
/// finite and not negative; null: ones.
void weighted_means(const double* values, const double* weights, std::int64_t n_rows, std::int64_t n_columns,
                    bool skip_nan, InterruptCheck check, double* means);

/// The mean of each list's numbers; 0 for an empty list.
void list_means(const double* x, const Lists& lists, double* means);

}  // namespace rankgrad
