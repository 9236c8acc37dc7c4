// Near-linear sums over the pairs of a list, for losses that declare an expansion (kernels/expansion/block_pass.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/runtime/parallel.hpp"
#include "engine/expansion/sparse_bins.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// Memory for each bin of scores; for each item only where the range of the scores is very wide.
struct ExpansionScratch {
    Buffer<double> bins;
    Buffer<std::int32_t> marks, blocks, segments;
    ScoreBins score_bins;
    const ExpansionKernels* kernels = nullptr;  ///< whose tables these are
    const double* tables = nullptr;
};

/// The tables of a loss on an instruction set; they are made once and stay for the life of the process.
const double* expansion_tables(const ExpansionKernels& kernels);
/// The same, remembered by the scratch.
const double* lent_tables(ExpansionScratch& scratch, const ExpansionKernels& kernels);
/// Gives `e` the tables of the loss and, for its n_bins, memory for so many passes, the first of them ready.
void lend(ExpansionScratch& scratch, const ExpansionKernels& kernels, Expansion& e, std::int64_t passes = 1);

/// The bins of n scores from `low` to `high`, side by side or, where most would be empty, the others. `unit` is the margin 1 as a
/// difference of them.
Expansion make_bins(const ExpansionKernels& kernels, const double* score, std::int32_t n, double low, double high,
                    double unit, ExpansionScratch& scratch, SortScratch<double>& sort, const Team& team);

/// What can be taken off numbers from `low` to `high` without a rounding error, and leaves them no larger than about their range.
inline double exact_origin(double low, double high) {
    return low > 0 && low >= 0.5 * high ? low : high < 0 && high <= 0.5 * low ? high : 0;
}
/// Only differences of the vector matter: takes off its exact_origin.
void take_off_origin(double* x, std::int32_t n);

/// Adds what the loss's direct sum over all rows of `job` would add. job.row and job.column hold the scores, low and high are
/// their range; `vector` is for kHessVector and is centred in place.
void expansion_sums(const ExpansionKernels& kernels, PairMode mode, PairJob<double> job, double* vector, double low,
                    double high, ExpansionScratch& scratch, SortScratch<double>& sort, const Team& team);

}  // namespace rankgrad
