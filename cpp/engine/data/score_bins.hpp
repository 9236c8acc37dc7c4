// The bins of a list's scores, as expansions of smooth losses take them, and the memory and the tables that go with
// them.
#pragma once

#include <cstdint>

#include "engine/data/sparse_bins.hpp"
#include "engine/runtime/memory.hpp"
#include "engine/runtime/parallel.hpp"
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
const double* cached_tables(ExpansionScratch& scratch, const ExpansionKernels& kernels);
/// Points `e` at the loss's tables and at zeroed memory for `passes` passes over its n_bins.
void attach_memory(ExpansionScratch& scratch, const ExpansionKernels& kernels, Expansion& e, std::int64_t passes = 1);

/// The bins of n scores from `low` to `high`, side by side or, where most would be empty, the others. `unit` is the
/// margin 1 as a difference of them.
Expansion make_bins(const ExpansionKernels& kernels, const double* score, std::int32_t n, double low, double high,
                    double unit, ExpansionScratch& scratch, SortScratch<double>& sort, const Team& team);

/// Marks the bins that have items, by the first moment of each.
void mark_bins(Expansion& e, std::int64_t moment_doubles);

/// About how many of all bins of this width have one of n scores. If there are many, n.
double count_bins(const double* score, std::int32_t n, double width);

/// What can be taken off numbers from `low` to `high` without a rounding error, and leaves them no larger than about
/// their range.
inline double exact_origin(double low, double high) {
    return low > 0 && low >= 0.5 * high ? low : high < 0 && high <= 0.5 * low ? high : 0;
}
/// Only differences of the vector matter: takes off its exact_origin.
void take_off_origin(double* x, std::int32_t n);

}  // namespace rankgrad
