// Discounted cumulative gain of ragged lists, and its ideal: all that NDCG needs.
//
// O(n log n) per list, O(longest list) scratch. Ranks come from sorted integer keys, so that the order is total
// whatever the scores are.
#pragma once

#include <cstdint>

#include "engine/lists.hpp"

namespace rankgrad {

enum class Gain : int { kExp2, kLinear, kTable };  // 2^y - 1; y; table[y]
enum class Ties : int {
    kFirst,
    kAverage,
    kWorst
};  // equal scores: by position; mean over all orders; least gain first

struct DcgOptions {
    std::int64_t depth;  // positions that count
    Gain gain;
    Ties ties;
    const double* gain_table;  // for Gain::kTable: the gain of label 0, 1, ...
    std::int64_t gain_table_size;
    bool ignore_negative;  // items with a negative label are no items
};

/// dcg[q] = sum over the first `depth` ranks r of list q, r from 0, of gain / log2(r + 2); ideal[q] the largest such
/// sum. Items with valid[i] == 0 are no items (`valid` may be null). Throws ArgumentError, naming the item, on a NaN
/// label or score and on a label without a finite gain.
void dcg_and_ideal(const double* labels, const double* scores, const std::uint8_t* valid, const Lists& lists,
                   const DcgOptions& options, double* dcg, double* ideal);

}  // namespace rankgrad
