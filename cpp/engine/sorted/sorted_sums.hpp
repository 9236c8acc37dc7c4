// Sums over pairs for phi(m) = max(0, 1 - m)^p in O(n log n), exact but for rounding, for any number of label levels.
#pragma once

#include <cstdint>

#include "engine/runtime/parallel.hpp"
#include "engine/sorting/argsort.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// Adds what the loss's direct sum over all rows of `job` would add. The loss has merge sums; job.row holds the scores.
/// Scores are from `low` to `high`; weights are not looked at unless there are some.
void sorted_sums(const PairLossKernels& loss, PairMode mode, const PairJob<double>& job, double low, double high,
                 bool has_weights, SortScratch<double>& scratch, const Team& team);

}  // namespace rankgrad
