// Constants in nanoseconds, measured with AVX2 at about 3 GHz; only their ratios matter.
#include "engine/cost_model.hpp"

#include <algorithm>
#include <cmath>

namespace rankgrad {
namespace {

/// One pair of a direct sum.
constexpr double kFloatPair = 0.25, kDoublePair = 0.9, kUnfactoredPair = 12.0;
constexpr double kDirectItem = 3.0, kDirectList = 300;

struct ExpansionCost {
    double list, item;  // both passes
    double potential;   // of one bin of a block, both passes
    double step;        // of the running sums over one bin, both passes
};
constexpr ExpansionCost kExpansionCost[2] = {{500, 8, 130, 8}, {800, 12, 500, 16}};
constexpr double kPassesOfValue = 0.5;

/// Pairs of the losses without exponentials per pair, in float32 and float64, and of levels that are single items.
constexpr double kSimplePair[2] = {0.18, 0.35}, kSingleRowPair = 0.6;
/// The sort, a level of the label tree, the pairs inside its leaves.
constexpr double kSortedList = 400, kSortItem = 6, kMergeItem = 10.5, kLeafItem = 15, kLeafItems = 64;
constexpr double kMomentList = 100, kMomentItem = 6;

/// With pair weights: one pair of a direct sum; a list, an item on a level of the label tree and a bin of its node, for
/// expansions in float32 and float64 and for the hinge losses.
constexpr double kWeightedPair[2] = {0.55, 1.5}, kWeightedSingleRowPair = 1.2, kWeightedUnfactoredPair = 14;
struct RankTreeCost {
    double list, item, bin;
};
constexpr RankTreeCost kRankTreeCost[2] = {{2000, 75, 40}, {3000, 125, 80}};
constexpr RankTreeCost kRankTreeHingeCost = {1000, 52, 0};
constexpr double kRankTreeLeaf = 128, kPairsInLeaf = 60;

/// More bins than this for an item would need too much memory.
constexpr double kFewBins = 4096, kItemsPerBin = 64;

const ExpansionCost& cost_of(const ExpansionKernels& kernels) { return kExpansionCost[kernels.nodes > 8]; }

double direct_cost(const ListFacts& list) {
    const double pair = !list.factored ? kUnfactoredPair : list.is_float ? kFloatPair : kDoublePair;
    return kDirectList + kDirectItem * list.items + pair * list.pairs;
}

/// Each block, that is each level or run, pays for the potentials in its bins; items of a run pay for half of its pairs.
double expansion_cost(const ExpansionKernels& kernels, PairMode mode, const ListFacts& list) {
    const ExpansionCost& cost = cost_of(kernels);
    const double bins = expansion_bins(kernels, 0, list.range);
    const double run = run_items(kernels, bins);
    const double blocks = std::min(list.levels - 1, list.items / run);
    const double occupied = std::min(bins, list.items / (blocks + 1));
    const double inside = list.levels * run > list.items ? list.items * run / 2 : 0;
    const double passes = mode == kValue ? kPassesOfValue : 1;
    return cost.list + passes * (cost.item * list.items + blocks * (cost.potential * occupied + cost.step * bins)) +
           kDoublePair * std::min(inside, list.pairs);
}

double simple_direct_cost(const ListFacts& list) {
    const bool single_rows = list.levels * 4 > list.items;
    return list.pairs * (single_rows ? kSingleRowPair : kSimplePair[list.is_float ? 0 : 1]);
}

/// Items pass as many merges as the label tree is deep for them: at least one, else about the logarithm of the number of
/// equally large levels with as many pairs.
double sorted_cost(const ListFacts& list) {
    const double n = list.items;
    const double equal_levels = n * n / std::max(n * n - 2 * list.pairs, n);
    const double deepest = std::max(1.0, std::log2(n / kLeafItems) + 1);
    const double depth = std::clamp(0.3 + std::log2(equal_levels), 1.0, deepest);
    return kSortedList + n * (kSortItem + kMergeItem * depth + (depth < deepest ? 0 : kLeafItem));
}

Algorithm cheaper(Choice choice, Algorithm fast, double fast_cost, const ListFacts& list) {
    return choice == Choice::fast || fast_cost < simple_direct_cost(list) ? fast : Algorithm::direct;
}

/// Levels of a tree over the label levels, split by items: at least 1, at most until nodes are leaves.
double tree_depth(const ListFacts& list, double leaf_items) {
    const double n = list.items;
    const double equal_levels = n * n / std::max(n * n - 2 * list.pairs, n);
    const double deepest = std::max(1.0, std::log2(n / leaf_items) + 1);
    return std::clamp(0.3 + std::log2(equal_levels), 1.0, deepest);
}

}  // namespace

double expansion_bins(const ExpansionKernels& kernels, double low, double high) {
    return std::floor((high - low) * (1 / kernels.bin_width)) + 1;
}

std::int32_t run_items(const ExpansionKernels& kernels, double bins) {
    const ExpansionCost& cost = cost_of(kernels);
    const double block = cost.potential * std::min(bins, 64.0) + cost.step * bins;
    return static_cast<std::int32_t>(std::clamp(std::sqrt(2 * block / kDoublePair), 32.0, kMostRunItems / 2.0));
}

Algorithm choose_algorithm(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& list) {
    if (loss.all_pairs) return Algorithm::moments;
    if (choice == Choice::direct) return Algorithm::direct;
    if (loss.merge_sum[mode][0] != nullptr) return cheaper(choice, Algorithm::sorted, sorted_cost(list), list);
    if (loss.moment_sum[mode] != nullptr)
        return cheaper(choice, Algorithm::moments, kMomentList + kMomentItem * list.items, list);
    if (loss.expansion == nullptr) return Algorithm::direct;
    const ExpansionKernels& kernels = loss.expansion[list.is_float ? 0 : 1];
    if (expansion_bins(kernels, 0, list.range) > std::max(kFewBins, list.items / kItemsPerBin))
        return Algorithm::direct;
    if (choice == Choice::fast) return Algorithm::expansion;
    return expansion_cost(kernels, mode, list) < direct_cost(list) ? Algorithm::expansion : Algorithm::direct;
}

Algorithm choose_weighted_algorithm(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& list) {
    const bool hinge = loss.merge_sum[mode][0] != nullptr;
    if (choice == Choice::direct || (loss.expansion == nullptr && !hinge)) return Algorithm::direct;
    const double bins = hinge ? 0 : expansion_bins(loss.expansion[list.is_float ? 0 : 1], 0, list.range);
    if (bins > std::max(kFewBins, list.items / kItemsPerBin)) return Algorithm::direct;
    if (choice == Choice::fast) return hinge ? Algorithm::sorted : Algorithm::expansion;
    const double vectorized = kWeightedPair[list.is_float ? 0 : 1];
    const double pair = !list.factored && !hinge       ? kWeightedUnfactoredPair
                        : list.levels * 4 > list.items ? std::max(vectorized, kWeightedSingleRowPair)
                                                       : vectorized;
    const RankTreeCost& cost = hinge ? kRankTreeHingeCost : kRankTreeCost[list.is_float ? 0 : 1];
    const double depth = tree_depth(list, kRankTreeLeaf), leaves = list.items / kRankTreeLeaf;
    const double nodes = std::min(list.levels - 1, leaves);
    const double scans = mode == kHessVector ? 2 : mode == kValue ? 0.5 : 1;
    const double inside = list.levels > leaves ? kPairsInLeaf * list.items : 0;
    const double fast = cost.list + scans * (cost.item * depth * list.items + cost.bin * bins * nodes) + inside;
    if (fast > kDirectList + pair * list.pairs) return Algorithm::direct;
    return hinge ? Algorithm::sorted : Algorithm::expansion;
}

}  // namespace rankgrad
