// The tables of one instruction set's translation units: each unit defines one, its only external symbol.
//
// All kernels are compiled once per instruction set, with RANKGRAD_ISA defined. Everything but the tables has internal
// linkage.
#pragma once

#include "kernels/contract/kernel_table.hpp"
#include "kernels/losses/pair_losses.hpp"

#define RANKGRAD_TEXT_(x) #x
#define RANKGRAD_TEXT(x) RANKGRAD_TEXT_(x)
#define RANKGRAD_JOIN_(a, b) a##_##b
#define RANKGRAD_JOIN(a, b) RANKGRAD_JOIN_(a, b)
#define RANKGRAD_OF_ISA(table) RANKGRAD_JOIN(table, RANKGRAD_ISA)

namespace rankgrad {

/// [pairwise loss][float32, float64 results]
struct ExpansionFamily {
    ExpansionKernels losses[kPairLosses][2];
};

/// [pairwise loss][mode][weights differ], empty for a loss that has no such form
struct MergeFamily {
    MergeSums losses[kPairLosses][kPairModes][2];
    CountFamily counts;
};

extern const PairFamily RANKGRAD_OF_ISA(direct_kernels);
extern const LambdaFamily RANKGRAD_OF_ISA(lambda_kernels);
extern const MergeFamily RANKGRAD_OF_ISA(sorted_kernels);
extern const ExpansionFamily RANKGRAD_OF_ISA(expansion_kernels);
extern const LevelTableFamily RANKGRAD_OF_ISA(level_table_kernels);
extern const ListFamily RANKGRAD_OF_ISA(listwise_kernels);
extern const SmoothRankFamily RANKGRAD_OF_ISA(smooth_rank_kernels);
extern const ImplicitFamily RANKGRAD_OF_ISA(implicit_kernels);
extern const KernelTable RANKGRAD_OF_ISA(kernels);

}  // namespace rankgrad
