// Losses that are metrics of smooth ranks: ranks, metric and derivatives of one list, pair by pair or near-linear.
#pragma once

#include "engine/data/cost_model.hpp"
#include "engine/data/score_bins.hpp"
#include "engine/runtime/parallel.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// Memory for each bin of scores, and twice 8 bytes per item at most for the moments of parts of a list; more for each
/// item only where the range of the scores is very wide.
struct SmoothRankScratch {
    Buffer<double> moments, row, column, value, curvature;
    ExpansionScratch expansion;
    SortScratch<double> sort;
};

/// Writes the derivatives of the mode into the arrays of `job` and gives the value.
/// The job's arrays of ranks are ready; `vector`, for kHessVector, is centred in place. is_float: accuracy for float32
/// results is enough.
double smooth_rank_sums(const RankKernels& loss, ListJob<double> job, PairMode mode, double* vector, Choice choice,
                        bool is_float, SmoothRankScratch& scratch, const Team& team);

}  // namespace rankgrad
