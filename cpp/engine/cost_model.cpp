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
    double table_item;  // of a list with few levels
    double potential;   // of one bin of a block, both passes
    double step;        // of the running sums over one bin, both passes
};
constexpr ExpansionCost kExpansionCost[2] = {{500, 8, 6, 130, 8}, {800, 12, 10, 500, 16}};
constexpr double kPassesOfValue = 0.5;

/// Pairs of the losses without exponentials per pair, in float32 and float64, and of levels that are single items.
constexpr double kSimplePair[2] = {0.18, 0.35}, kSingleRowPair = 0.6;
/// The sort, a level of the label tree, the pairs inside its leaves.
constexpr double kSortedList = 400, kSortItem = 6, kMergeItem = 10.5, kLeafItem = 15, kLeafItems = 64;
constexpr double kMomentList = 100, kMomentItem = 6;

/// Numbers in the tables of a short list.
constexpr double kFewSlots = 8192;
/// With more bins than this, those that are empty are left out. Bins beyond the last have no number.
constexpr double kFewBins = 4096, kItemsPerBin = 64, kMostBins = 1e300;

const ExpansionCost& cost_of(const ExpansionKernels& kernels) { return kExpansionCost[kernels.nodes > 8]; }

double direct_cost(const ListFacts& list) {
    const double pair = !list.factored ? kUnfactoredPair : list.is_float ? kFloatPair : kDoublePair;
    return kDirectList + kDirectItem * list.items + pair * list.pairs;
}

/// Both passes over the items, and for each level the potentials in its bins.
double table_cost(const ExpansionKernels& kernels, PairMode mode, const ListFacts& list) {
    const ExpansionCost& cost = cost_of(kernels);
    const double bins = expansion_bins(kernels, 0, list.range);
    const double passes = mode == kValue ? kPassesOfValue : 1;
    const double occupied = std::min(bins, list.items / list.levels);
    return cost.list + cost.table_item * list.items +
           passes * (list.levels - 1) * (cost.potential * occupied + cost.step * bins);
}

/// Tables must not take more memory than the items, and blocks of a level must be worth their potentials.
bool fits_tables(const ExpansionKernels& kernels, const ListFacts& list) {
    const double bins = expansion_bins(kernels, 0, list.range);
    return list.has_codes && bins_side_by_side(kernels, 0, list.range, list.items) &&
           bins * list.levels * kernels.nodes <= std::max(kFewSlots, list.items);
}

/// Each block, that is each level or run, pays for the potentials in its bins; items of a run pay for half of its pairs.
double expansion_cost(const ExpansionKernels& kernels, PairMode mode, const ListFacts& list) {
    const ExpansionCost& cost = cost_of(kernels);
    const double bins = std::min(expansion_bins(kernels, 0, list.range), list.items);
    const double sort = bins_side_by_side(kernels, 0, list.range, list.items) ? 0 : kSortItem + cost.item;
    const double run = run_items(kernels, bins);
    const double blocks = std::min(list.levels - 1, list.items / run);
    const double occupied = std::min(bins, list.items / (blocks + 1));
    const double inside = list.levels * run > list.items ? list.items * run / 2 : 0;
    const double passes = mode == kValue ? kPassesOfValue : 1;
    return cost.list + passes * (cost.item * list.items + blocks * (cost.potential * occupied + cost.step * bins)) +
           sort * list.items + kDoublePair * std::min(inside, list.pairs);
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

}  // namespace

double expansion_bins(const ExpansionKernels& kernels, double low, double high) {
    return std::floor((high - low) * (1 / kernels.bin_width)) + 1;
}

bool bins_side_by_side(const ExpansionKernels& kernels, double low, double high, double items) {
    return expansion_bins(kernels, low, high) <= std::max(kFewBins, items / kItemsPerBin);
}

std::int32_t run_items(const ExpansionKernels& kernels, double bins) {
    const ExpansionCost& cost = cost_of(kernels);
    const double block = cost.potential * std::min(bins, 64.0) + cost.step * bins;
    return static_cast<std::int32_t>(std::clamp(std::sqrt(2 * block / kDoublePair), 32.0, kMostRunItems / 2.0));
}

bool has_fast_sums(const PairLossKernels& loss) {
    return loss.expansion != nullptr || loss.merge_sum[kValue][0] != nullptr || loss.moment_sum[kValue] != nullptr;
}

Algorithm choose_algorithm(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& list) {
    if (loss.all_pairs) return Algorithm::moments;
    if (choice == Choice::direct) return Algorithm::direct;
    if (loss.merge_sum[mode][0] != nullptr) return cheaper(choice, Algorithm::sorted, sorted_cost(list), list);
    if (loss.moment_sum[mode] != nullptr)
        return cheaper(choice, Algorithm::moments, kMomentList + kMomentItem * list.items, list);
    if (loss.expansion == nullptr) return Algorithm::direct;
    const ExpansionKernels& kernels = loss.expansion[list.is_float ? 0 : 1];
    if (!(expansion_bins(kernels, 0, list.range) < kMostBins)) return Algorithm::direct;
    double least = expansion_cost(kernels, mode, list);
    Algorithm best = Algorithm::expansion;
    if (fits_tables(kernels, list) && table_cost(kernels, mode, list) < least) {
        least = table_cost(kernels, mode, list);
        best = Algorithm::level_tables;
    }
    return choice == Choice::fast || least < direct_cost(list) ? best : Algorithm::direct;
}

}  // namespace rankgrad
