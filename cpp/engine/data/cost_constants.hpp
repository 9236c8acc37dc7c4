// All constants of the choice in one place; `python -m rankgrad tune` measures them beside these values.
#pragma once

#include <cstdint>

namespace rankgrad {

/// Nanoseconds of sorted sums: per list; per item to sort, to merge once, to sum in a leaf; and items of a leaf.
struct TreeCosts {
    double list, sort_item, merge_item, leaf_item, leaf_items;
};

/// Nanoseconds, for float32 and float64 where there are two, with AVX2 at about 3 GHz; only their ratios matter.
struct Costs {
    double direct_list = 300, direct_item = 3;
    /// One pair of a loss with exponentials, in factored form or not; of another loss; of one that only counts pairs.
    double factored_pair[2] = {0.25, 0.75}, unfactored_pair = 12, simple_pair[2] = {0.15, 0.35};
    double counted_pair[2] = {0.065, 0.12};
    /// Near-linear sums. An item in label order, or with level tables; for each block, a bin that it is in and a step
    /// of the running sums over one bin; all for both passes.
    double expansion_list[2] = {500, 800}, expansion_item[2] = {8, 12}, table_item[2] = {7, 10};
    double potential[2] = {130, 500}, bin_step[2] = {8, 16}, far_bin_step[2] = {400, 600};  // far: with gaps between
    TreeCosts sums = {400, 10, 6, 25, 64}, counts = {1000, 7, 3, 12, 128};
    double moment_list = 100, moment_item = 6;
    /// Smooth ranks: two items in direct sums, factored or not; an item and a non-empty bin in near-linear ones.
    double rank_pair[2] = {0.76, 9.0}, rank_list[2] = {700, 1000}, rank_item[2] = {19, 24}, rank_bin[2] = {280, 550};
};
constexpr Costs kCosts;

/// Runs are so many registers of items that the direct sums of a run have no rest.
constexpr std::int32_t kRunStep = 16;

constexpr double kPassesOfValue = 0.5;
/// With more bins than this, those that are empty are left out. Bins beyond the last have no number.
constexpr double kBinsSideBySide = 4096, kItemsPerBin = 64, kMostBins = 1e300;
constexpr double kFewSlots = 8192;  // numbers in the tables of a short list

constexpr double kNarrowRange = 2;  // of scores that are hardly spread

/// Up to this range sums of powers of the scores keep more digits than a double has.
constexpr double kPowersRange = 4e9;

/// With pair weights: one pair of a direct sum; a list, an item on a level of the label tree, a bin of its node and,
/// at most, what bins cost for each item, for expansions in float32 and float64 and for the hinge losses. And without.
constexpr double kLambdaPair[2] = {0.55, 1.5}, kLambdaSingleRowPair = 1.2, kLambdaUnfactoredPair = 14;
struct LambdaTreeCost {
    double list, item, bin, item_bin;
};
constexpr LambdaTreeCost kLambdaTreeCost[2] = {{2000, 75, 40, 700}, {3000, 125, 80, 1400}};
constexpr LambdaTreeCost kLambdaHingeCost = {1000, 52, 0, 0};
constexpr LambdaTreeCost kPlainTreeCost[2] = {{2000, 60, 400, 400}, {3000, 100, 700, 700}};
constexpr double kLambdaLeaf = 128, kPairsInLeaf = 60;

}  // namespace rankgrad
