// The DCG of one list at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/metrics/metrics.hpp"
#include "engine/metrics/ranking.hpp"

namespace rankgrad {

inline double label_of(const MetricData& data, std::int64_t item) {
    return visit_labels(data.labels, [item](const auto* labels) { return static_cast<double>(labels[item]); });
}

/// Scratch of one worker.
class ListDcg {
public:
    /// Writes the metric of a list for each depth. Gives the first item that has no gain or no score, or -1. Where the
    /// team is stopped nothing of it matters.
    std::int64_t evaluate(const MetricData& data, const MetricOptions& options, const double* discounts,
                          std::int64_t list, const Team& team, double* values);

private:
    /// Labels 0, 1, ..., of which no order need be made to know the best one.
    static constexpr int kLevels = 32;

    std::int64_t collect(const MetricData& data, const MetricOptions& options, std::int64_t list, const Team& team);
    void dcg(const MetricOptions& options, const Team& team, double* sums);
    void ideal(const MetricOptions& options, const Team& team, double* sums);
    void average_ties(const std::int32_t* order, const Team& team);
    template <class GainAt>
    void discounted(const MetricOptions& options, GainAt gain_at, const Team& team, double* sums);

    std::int32_t n_ = 0;       ///< items
    double largest_ = 0.0;     ///< of their gains, in size
    bool few_levels_ = false;  ///< all labels are among the levels
    std::int64_t level_size_[kLevels] = {};
    double level_gain_[kLevels] = {};
    const double* discounts_ = nullptr;
    Room<double> gain_, key_, ranked_;
    Room<std::int32_t> by_gain_;
    Ranking ranking_;
    std::vector<double> block_, ideal_;
};

}  // namespace rankgrad
