// The tables that the translation units of one level give to each other: each defines one, its only external symbol.
//
// All kernels are compiled once per level, with RANKGRAD_LEVEL set. Everything but the tables has internal linkage.
#pragma once

#include "kernels/contract/kernel_table.hpp"
#include "kernels/losses/pair_losses.hpp"

#define RANKGRAD_TEXT_(x) #x
#define RANKGRAD_TEXT(x) RANKGRAD_TEXT_(x)
#define RANKGRAD_JOIN_(a, b) a##_##b
#define RANKGRAD_JOIN(a, b) RANKGRAD_JOIN_(a, b)
#define RANKGRAD_OF_LEVEL(table) RANKGRAD_JOIN(table, RANKGRAD_LEVEL)

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

extern const PairFamily RANKGRAD_OF_LEVEL(pair_kernels);
extern const WeightedFamily RANKGRAD_OF_LEVEL(weighted_kernels);
extern const MergeFamily RANKGRAD_OF_LEVEL(merge_kernels);
extern const ExpansionFamily RANKGRAD_OF_LEVEL(expansion_kernels);
extern const LevelTableFamily RANKGRAD_OF_LEVEL(level_table_kernels);
extern const ListFamily RANKGRAD_OF_LEVEL(list_kernels);
extern const BinnedRankFamily RANKGRAD_OF_LEVEL(rank_kernels);
extern const ImplicitFamily RANKGRAD_OF_LEVEL(implicit_kernels);
extern const KernelTable RANKGRAD_OF_LEVEL(kernels);

}  // namespace rankgrad
