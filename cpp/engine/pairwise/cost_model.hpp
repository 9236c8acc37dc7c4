// The one place that chooses, list by list, how the pairs are summed, and sets the sizes that the faster sums leave open.
//
// A choice is a function of the labels, the scores, the type and the loss only: the constants are the same on every
// machine and on every instruction set, so that an answer never depends on where it was computed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// (1 + e^range)^2 must fit the type: beyond this range of scores the factored form is not used.
constexpr double kFloatRange = 40, kDoubleRange = 340;

/// What the caller asks for. `fast`: never pair by pair where the loss has another way that fits in memory.
enum class Choice { automatic, direct, fast };
constexpr const char* kChoiceNames[] = {"auto", "direct", "fast"};

enum class Algorithm {
    direct,        ///< pair by pair
    level_tables,  ///< near-linear sums of smooth losses, for few levels
    expansion,     ///< near-linear sums of smooth losses, for any levels
    sorted,        ///< exact sums of the hinge losses in O(n log n)
    moments,       ///< exact sums of products in O(n)
};

/// What is known of a list before its pairs are summed.
struct ListFacts {
    double items = 0;
    double pairs = 0;
    double levels = 0;
    double range = 0;        ///< of the scores divided by the temperature
    bool is_float = false;   ///< float32 scores
    bool has_codes = false;  ///< level tables are possible
    bool counted = false;    ///< the direct sum counts pairs
    bool factored = true;    ///< the range is safe for the factored form of the direct sum, if the loss has one
};

/// The constants that `tune` measures, in nanoseconds, by name.
std::vector<std::pair<std::string, double>> cost_constants();

/// Whether the loss can do without looking at every pair.
bool has_fast_sums(const PairLossKernels& loss);

/// Whether level tables may be chosen for the list, whatever the range of its scores.
bool may_take_tables(Choice choice, const PairLossKernels& loss, ListFacts list);

Algorithm choose_algorithm(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& facts);

/// The same for sums with pair weights: `direct` or `expansion`.
Algorithm choose_weighted_algorithm(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& facts);

/// For losses on smooth ranks, which look at every two of the items: `direct` or `expansion`. No pairs and levels are needed, nor
/// the mode: the value is the same number with derivatives and without.
Algorithm choose_rank_algorithm(Choice choice, const ExpansionKernels& kernels, const ListFacts& facts);

/// Bins from the lowest score of a list to the highest; a number too large for an integer stays one.
double expansion_bins(const ExpansionKernels& kernels, double low, double high);
/// Whether there are few enough of them to make all, even if some are empty.
bool bins_side_by_side(const ExpansionKernels& kernels, double low, double high, double items);

/// Items at which a run of small levels ends: pairs inside a run cost its square, a run costs its potentials.
std::int32_t run_items(const ExpansionKernels& kernels, double bins);

}  // namespace rankgrad
