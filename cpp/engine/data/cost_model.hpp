// The one place that chooses, list by list, how the pairs are summed, and sets the sizes that the faster sums leave
// open.
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
constexpr double kFloatRange = 40;
/// The same for smooth ranks, which take e^z and e^-z of centred scores.
constexpr double kSmoothRankRange = 690;

/// What the caller asks for. `fast`: never pair by pair where the loss has another way that fits in memory.
enum class Choice { automatic, direct, fast };
constexpr const char* kChoiceNames[] = {"auto", "direct", "fast"};

/// How the pairs of a list are summed. Each but the first two is a wing's, or a part of one.
enum class Route {
    nothing,         ///< there are no pairs
    after_reading,   ///< the range of the scores decides
    level_tables,    ///< near-linear sums of smooth losses for few label levels, if the scores are narrow
    counted_pairs,   ///< the hinge without weights: its partners, pair by pair
    counted_merges,  ///< the same in O(n log n)
    direct,          ///< pair by pair
    sorted,          ///< exact sums of the hinge losses in O(n log n)
    closed_form,     ///< exact sums of products in O(n)
    expansion,       ///< near-linear sums of smooth losses, for any label levels
    lambda_pairs,    ///< with pair weights, pair by pair
    lambda_scans,    ///< the same in O(n log n), over label levels and ranks; without weights, of very wide scores
};

/// What is known of a list before its pairs are summed.
struct ListFacts {
    double items = 0;
    double pairs = 0;
    double levels = 0;
    double range = -1;       ///< of the scores divided by the temperature; negative: they are not read yet
    double bins = 0;         ///< not empty, about, where they are not side by side; 0: they are not counted
    bool is_float = false;   ///< float32 scores
    bool has_codes = false;  ///< level tables are possible
    bool counted = false;    ///< the hinge without weights, and no more than its derivatives are wanted
    bool has_pair_weights = false;
    bool weights_separate = false;  ///< pair weights are sums of products of numbers of the items, for all pairs

    bool is_read() const { return range >= 0; }
};

/// The constants that `tune` measures, in nanoseconds, by name.
std::vector<std::pair<std::string, double>> cost_constants();

/// Whether the loss can do without looking at every pair.
bool has_fast_sums(const PairLossKernels& loss);

/// Whether level tables may be chosen for the list, whatever the range of its scores.
bool may_take_tables(Choice choice, const PairLossKernels& loss, ListFacts list);

/// The one choice. It is asked for before the scores of a list are read, and again where it needs their range.
Route route(Choice choice, const PairLossKernels& loss, PairMode mode, const ListFacts& facts);

/// For losses on smooth ranks, which look at every two of n items: whether the near-linear sums are taken. The mode
/// does not matter: the value is the same number with derivatives and without.
bool smooth_ranks_by_expansion(Choice choice, const ExpansionKernels& kernels, std::int64_t n, double range);

/// Bins from the lowest score of a list to the highest; a number too large for an integer stays one.
double expansion_bins(const ExpansionKernels& kernels, double low, double high);
/// Whether there are few enough of them to make all, even if some are empty.
bool bins_side_by_side(const ExpansionKernels& kernels, double low, double high, double items);

/// Whether the choice wants to know how many bins are not empty.
bool wants_bins(const PairLossKernels& loss, const ListFacts& list);

/// Items at which a run of small levels ends: pairs inside a run cost its square, a run costs its potentials.
std::int32_t run_items(const ExpansionKernels& kernels, double bins);

}  // namespace rankgrad
