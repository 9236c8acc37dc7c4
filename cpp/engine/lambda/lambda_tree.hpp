// Near-linear sums over the pairs of a list with pair weights, for losses with an expansion
// (kernels/lambda/expansion_scan.hpp) and for the hinge losses (kernels/lambda/hinge_scan.hpp).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/runtime/parallel.hpp"
#include "engine/runtime/memory.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// One list in label order, its gains never decreasing, and where its sums are added. `by_rank` has the places of the
/// items by descending score, and is destroyed.
struct RankedList {
    const double *score, *weight;
    const double *gain, *discount;  ///< null: pairs are not weighted by their gap
    double* vector;                 ///< for kHessVector; its origin is taken off in place
    const std::int32_t* level_begin;
    std::int32_t* by_rank;
    std::int32_t n_levels;
    double low, high, unit;  ///< of the scores; the margin 1 as a difference of them
    double *value, *grad, *hess;
};

/// The items of one batch, or all of a node.
struct ScanNumbers {
    Buffer<double> place, strength, discount;  ///< `strength` has room for the factors, too
    Buffer<std::uint8_t> upper;
    std::vector<ScanChunk> chunks;
    std::int32_t batch = -1;  ///< which one this is
};

struct LambdaTreeScratch {
    Buffer<std::int32_t> item, batch;
    Buffer<double> place;  ///< of the items of the list in their bins
    Buffer<double> out;    ///< of the items of a node, in its order: those of one function, then of the other
    ScanNumbers numbers[2];
    const ExpansionKernels* expansion = nullptr;  ///< whose tables these are
    const double* tables = nullptr;
};

/// The sums of a loss in a mode.
struct LambdaTreeKernels {
    PairMode mode;
    const ExpansionKernels* expansion;  ///< null for the hinge losses
    ScanSum scan;                       ///< between the groups of a node
    PairSum<double> direct;             ///< with pair weights
    decltype(PairJob<double>::pair_weights) weights;
    bool factored;  ///< which takes exponentials where they fit
};

/// Adds what the direct sum would add over all pairs.
void lambda_tree_sums(const LambdaTreeKernels& kernels, const RankedList& list, LambdaTreeScratch& scratch,
                      const Team& team);

}  // namespace rankgrad
