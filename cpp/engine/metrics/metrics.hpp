// Discounted cumulative gain of ragged lists, and what it is of the best order's: NDCG.
//
// O(n) per list where few positions count, else O(n log n); about 50 bytes of scratch per item of the longest list.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/data/gains.hpp"
#include "engine/data/lists.hpp"
#include "engine/runtime/parallel.hpp"
#include "engine/data/plan.hpp"

namespace rankgrad {

/// Equal scores: by position; mean over all orders; least gain first.
enum class Ties : int { kFirst, kAverage, kWorst };

struct MetricData {
    Labels labels;
    const float* single;        ///< the scores, or null
    const double* twice;        ///< the scores, if not `single`
    const std::uint8_t* valid;  ///< items with 0 here are no items; may be null
    const Lists& lists;
};

struct MetricOptions {
    std::vector<std::int64_t> depths;  ///< positions that count, at least 1: each gives one result
    Gain gain;
    Ties ties = Ties::kFirst;
    bool ignore_negative = true;  ///< items with a negative label are no items
    bool normalize = true;        ///< NDCG; else DCG
    double empty = 0.0;  ///< NDCG of a list whose best DCG is not positive, DCG of a list without a gain that is not 0
    int threads = 1;
    InterruptCheck interrupt = nullptr;
};

/// values[list, d] = sum over the first depths[d] ranks r, from 0, of gain / log2(r + 2); with `normalize` over the
/// largest such sum, and 0 where that is negative. Throws ArgumentError, naming the first such item, for a NaN label or
/// score and for a label without a finite gain; Interrupted.
void metric_values(const MetricData& data, const MetricOptions& options, double* values);

}  // namespace rankgrad
