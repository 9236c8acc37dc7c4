// Near-linear sums over the pairs of a list, for losses that declare an expansion (kernels/expansion.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/parallel.hpp"
#include "kernels/kernel_table.hpp"

namespace rankgrad {

/// No memory for each item, but for each bin of scores.
struct ExpansionScratch {
    std::vector<double> bins;
    std::vector<std::int32_t> marks, blocks;
    const ExpansionKernels* kernels = nullptr;  ///< whose tables these are
    const double* tables = nullptr;
};

/// Gives `e` the tables of the loss and, for its n_bins, memory that is ready for a pass.
void lend(ExpansionScratch& scratch, const ExpansionKernels& kernels, Expansion& e);

/// Adds what the loss's direct sum over all rows of `job` would add. job.row and job.column hold the scores, low and high are
/// their range; `vector` is for kHessVector and is centred in place.
void expansion_sums(const ExpansionKernels& kernels, PairMode mode, PairJob<double> job, double* vector, double low,
                    double high, ExpansionScratch& scratch, Team team);

}  // namespace rankgrad
