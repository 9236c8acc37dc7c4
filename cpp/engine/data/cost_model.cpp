// The choice itself: what each way of summing a list would cost, by the constants of cost_constants.hpp.
#include "engine/data/cost_model.hpp"

#include <algorithm>
#include <cmath>

#include "engine/data/cost_constants.hpp"

namespace rankgrad {
namespace {

/// Bins that are not empty, if nothing better is known as many as there may be.
double filled_bins(const ExpansionKernels& kernels, const ListFacts& list) {
    return list.bins > 0 ? list.bins : std::min(expansion_bins(kernels, 0, list.range), list.items);
}

int type_of(const ExpansionKernels& kernels) { return kernels.nodes > 8; }

bool is_factored(const PairLossKernels& loss, PairMode mode, const ListFacts& list) {
    return loss.factored[mode] && list.range <= (list.is_float ? kFloatRange : kDoubleRange);
}

double direct_cost(const PairLossKernels& loss, PairMode mode, const ListFacts& list) {
    const double pair =
        is_factored(loss, mode, list) ? kCosts.factored_pair[list.is_float ? 0 : 1] : kCosts.unfactored_pair;
    return kCosts.direct_list + kCosts.direct_item * list.items + pair * list.pairs;
}

double simple_direct_cost(const ListFacts& list) {
    return list.pairs * (list.counted ? kCosts.counted_pair : kCosts.simple_pair)[list.is_float ? 0 : 1];
}

/// Potentials of one block in the bins that it is in, out of so many.
double block_cost(int type, double occupied, double bins, bool side_by_side = true) {
    return kCosts.potential[type] * occupied + (side_by_side ? kCosts.bin_step : kCosts.far_bin_step)[type] * bins;
}

/// Both passes over the items, and for each level its potentials.
double table_cost(const ExpansionKernels& kernels, PairMode mode, const ListFacts& list) {
    const int type = type_of(kernels);
    const double bins = expansion_bins(kernels, 0, list.range);
    const double passes = mode == kValue ? kPassesOfValue : 1;
    return kCosts.expansion_list[type] + kCosts.table_item[type] * list.items +
           passes * (list.levels - 1) * block_cost(type, std::min(bins, list.items / list.levels), bins);
}

/// Tables must not take more memory than the items.
bool fits_tables(const ExpansionKernels& kernels, const ListFacts& list) {
    const double bins = expansion_bins(kernels, 0, list.range);
    return list.has_codes && bins_side_by_side(kernels, 0, list.range, list.items) &&
           bins * list.levels * kernels.nodes <= std::max(kFewSlots, list.items);
}

/// Each block, that is each level or run, pays for its potentials; items of a run pay for half of its pairs.
double expansion_cost(const ExpansionKernels& kernels, PairMode mode, const ListFacts& list) {
    const int type = type_of(kernels);
    const double bins = filled_bins(kernels, list);
    const bool side_by_side = bins_side_by_side(kernels, 0, list.range, list.items);
    const double sort = side_by_side ? 0 : 2 * kCosts.sums.sort_item;
    const double run = run_items(kernels, bins);
    const double blocks = std::min(list.levels - 1, list.items / run);
    const double occupied = std::min(bins, list.items / (blocks + 1));
    const double inside = list.levels * run > list.items ? list.items * run / 2 : 0;
    const double passes = mode == kValue ? kPassesOfValue : 1;
    return kCosts.expansion_list[type] + (passes * kCosts.expansion_item[type] + sort) * list.items +
           passes * blocks * block_cost(type, occupied, bins, side_by_side) +
           kCosts.factored_pair[1] * std::min(inside, list.pairs);
}

/// Merges that an item passes in a tree over the label levels, split by items: at least one, else about the logarithm
/// of the number of equally large levels with as many pairs, at most until nodes are leaves.
double tree_depth(const ListFacts& list, double leaf_items) {
    const double n = list.items;
    const double equal_levels = n * n / std::max(n * n - 2 * list.pairs, n);
    const double deepest = std::max(1.0, std::log2(n / leaf_items) + 1);
    return std::clamp(0.3 + std::log2(equal_levels), 1.0, deepest);
}

/// Stops early once the cost exceeds `limit`.
double sorted_cost(const ListFacts& list, double limit) {
    const TreeCosts& tree = list.counted ? kCosts.counts : kCosts.sums;
    const double n = list.items;
    const double least = tree.list + n * (tree.sort_item + tree.merge_item);
    if (least > limit) return least;
    const double deepest = std::max(1.0, std::log2(n / tree.leaf_items) + 1), depth = tree_depth(list, tree.leaf_items);
    const double leaf = depth < deepest ? 0 : tree.leaf_item;
    return tree.list + n * (tree.sort_item + tree.merge_item * depth + leaf);
}

bool is_cheaper(Choice choice, double fast_cost, const ListFacts& list) {
    return choice == Choice::fast || (choice != Choice::direct && fast_cost < simple_direct_cost(list));
}

/// Of a label tree that is scanned by score; `bins` of the scores.
double scans_cost(const LambdaTreeCost& cost, PairMode mode, const ListFacts& list, double bins) {
    const double depth = tree_depth(list, kLambdaLeaf), leaves = list.items / kLambdaLeaf;
    const double nodes = std::min(list.levels - 1, leaves);
    const double scans = mode == kHessVector ? 2 : mode == kValue ? 0.5 : 1;
    const double inside = list.levels > leaves ? kPairsInLeaf * list.items : 0;
    const double in_bins = std::min(cost.bin * bins * nodes, cost.item_bin * list.items * depth);
    return cost.list + scans * (cost.item * depth * list.items + in_bins) + inside;
}

Route smooth_route(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& list) {
    const ExpansionKernels& kernels = loss.expansion[list.is_float ? 0 : 1];
    if (!(expansion_bins(kernels, 0, list.range) < kMostBins)) return Route::direct;
    double least = expansion_cost(kernels, mode, list);
    Route best = Route::expansion;
    if (fits_tables(kernels, list) && table_cost(kernels, mode, list) < least) {
        least = table_cost(kernels, mode, list);
        best = Route::level_tables;
    }
    const double scans = scans_cost(kPlainTreeCost[type_of(kernels)], mode, list, filled_bins(kernels, list));
    if (!bins_side_by_side(kernels, 0, list.range, list.items) && scans < least) {
        least = scans;
        best = Route::lambda_scans;
    }
    return choice == Choice::fast || least < direct_cost(loss, mode, list) ? best : Route::direct;
}

Route lambda_route(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& list) {
    const bool hinge = loss.merge_sum != nullptr;
    if (choice == Choice::direct || !list.weights_separate || (loss.expansion == nullptr && !hinge))
        return Route::lambda_pairs;
    const ExpansionKernels* kernels = hinge ? nullptr : &loss.expansion[list.is_float ? 0 : 1];
    if (hinge ? !(list.range <= kPowersRange) : !(expansion_bins(*kernels, 0, list.range) < kMostBins))
        return Route::lambda_pairs;
    if (choice == Choice::fast) return Route::lambda_scans;
    const double bins = hinge ? 0 : filled_bins(*kernels, list);
    const double vectorized = kLambdaPair[list.is_float ? 0 : 1];
    const double pair = !hinge && !is_factored(loss, mode, list) ? kLambdaUnfactoredPair
                        : list.levels * 4 > list.items           ? std::max(vectorized, kLambdaSingleRowPair)
                                                                 : vectorized;
    const LambdaTreeCost& cost = hinge ? kLambdaHingeCost : kLambdaTreeCost[list.is_float ? 0 : 1];
    const double fast = scans_cost(cost, mode, list, bins);
    return fast > kCosts.direct_list + pair * list.pairs ? Route::lambda_pairs : Route::lambda_scans;
}

}  // namespace

std::vector<std::pair<std::string, double>> cost_constants() {
    std::vector<std::pair<std::string, double>> all = {{"unfactored_pair", kCosts.unfactored_pair},
                                                       {"moment_item", kCosts.moment_item},
                                                       {"rank_pair", kCosts.rank_pair[0]},
                                                       {"unfactored_rank_pair", kCosts.rank_pair[1]}};
    for (const auto& [name, tree] : {std::pair{", sums", kCosts.sums}, {", counts", kCosts.counts}}) {
        all.emplace_back(std::string("sort_item") + name, tree.sort_item);
        all.emplace_back(std::string("merge_item") + name, tree.merge_item);
        all.emplace_back(std::string("leaf_item") + name, tree.leaf_item);
    }
    for (const int type : {0, 1}) {
        const std::string dtype = type == 0 ? ", float32" : ", float64";
        all.emplace_back("factored_pair" + dtype, kCosts.factored_pair[type]);
        all.emplace_back("simple_pair" + dtype, kCosts.simple_pair[type]);
        all.emplace_back("counted_pair" + dtype, kCosts.counted_pair[type]);
        all.emplace_back("expansion_item" + dtype, kCosts.expansion_item[type]);
        all.emplace_back("table_item" + dtype, kCosts.table_item[type]);
        all.emplace_back("potential" + dtype, kCosts.potential[type]);
        all.emplace_back("rank_item" + dtype, kCosts.rank_item[type]);
        all.emplace_back("rank_bin" + dtype, kCosts.rank_bin[type]);
    }
    return all;
}

double expansion_bins(const ExpansionKernels& kernels, double low, double high) {
    return std::floor((high - low) * (1 / kernels.bin_width)) + 1;
}

bool bins_side_by_side(const ExpansionKernels& kernels, double low, double high, double items) {
    return expansion_bins(kernels, low, high) <= std::max(kBinsSideBySide, items / kItemsPerBin);
}

std::int32_t run_items(const ExpansionKernels& kernels, double bins) {
    const double block = block_cost(type_of(kernels), std::min(bins, 64.0), bins);
    const double items = std::sqrt(2 * block / kCosts.factored_pair[1]);
    return kRunStep * static_cast<std::int32_t>(std::clamp(items, 32.0, kMostRunItems / 2.0) / kRunStep);
}

bool has_fast_sums(const PairLossKernels& loss) {
    return loss.expansion != nullptr || loss.merge_sum != nullptr || loss.moment_sum[kValue] != nullptr;
}

bool wants_bins(const PairLossKernels& loss, const ListFacts& list) {
    return loss.expansion != nullptr && list.pairs > 0 &&
           !bins_side_by_side(loss.expansion[list.is_float ? 0 : 1], 0, list.range, list.items);
}

bool may_take_tables(Choice choice, const PairLossKernels& loss, ListFacts list) {
    if (loss.expansion == nullptr) return false;
    list.range = kNarrowRange;
    list.has_codes = true;
    bool may = false;
    for (const bool is_float : {false, true}) {
        list.is_float = is_float;
        may = may || route(choice, loss, kValueGrad, list) == Route::level_tables;
    }
    return may;
}

Route route(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& list) {
    if (!list.is_read()) {
        if (list.has_codes) return Route::level_tables;
        if (!list.counted) return Route::after_reading;
        const double merges = sorted_cost(list, simple_direct_cost(list));
        return is_cheaper(choice, merges, list) ? Route::counted_merges : Route::counted_pairs;
    }
    if (!(list.pairs > 0)) return Route::nothing;
    if (list.has_pair_weights) return lambda_route(choice, loss, mode, list);
    if (loss.all_pairs) return Route::closed_form;
    if (choice == Choice::direct) return Route::direct;
    if (loss.merge_sum != nullptr)
        return is_cheaper(choice, sorted_cost(list, simple_direct_cost(list)), list) ? Route::sorted : Route::direct;
    if (loss.moment_sum[mode] != nullptr)
        return is_cheaper(choice, kCosts.moment_list + kCosts.moment_item * list.items, list) ? Route::closed_form
                                                                                              : Route::direct;
    return loss.expansion == nullptr ? Route::direct : smooth_route(choice, loss, mode, list);
}

bool smooth_ranks_by_expansion(Choice choice, const ExpansionKernels& kernels, std::int64_t n_items, double range) {
    const auto n = static_cast<double>(n_items);
    const double all_bins = expansion_bins(kernels, 0, range), bins = std::min(all_bins, n);
    if (choice == Choice::direct || !(all_bins < kMostBins)) return false;
    const int type = type_of(kernels);
    const double sort = bins_side_by_side(kernels, 0, range, n) ? 0 : 2 * kCosts.sums.sort_item;
    const double fast = kCosts.rank_list[type] + (kCosts.rank_item[type] + sort) * n + kCosts.rank_bin[type] * bins;
    const double direct = kCosts.direct_list + kCosts.rank_pair[range <= kSmoothRankRange ? 0 : 1] * n * n;
    return choice == Choice::fast || fast < direct;
}

}  // namespace rankgrad
