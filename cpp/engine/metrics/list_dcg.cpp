// Gains are added up in a scale in which their sums are finite. Sums are taken by blocks, which threads may share, and
// which are the same for every depth and every number of threads.
#include "engine/metrics/list_dcg.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "engine/metrics/means.hpp"

namespace rankgrad {
namespace {

constexpr std::int64_t kBlock = 1 << 12;

/// The gains of a list from the largest to the smallest, asked for one after the other.
struct Descending {
    const double* gain;
    const std::int64_t* end;
    int level = 0;

    double operator()(std::int64_t rank) {
        while (rank >= end[level]) ++level;
        return gain[level];
    }
};

/// Calls body(k) for every k in [0, n), many of them between two questions whether to stop.
template <class Body> void for_items(std::int64_t n, const Team& team, Body body) {
    const auto block = [&](std::int64_t b) {
        for (std::int64_t k = b * kBlock; k < std::min(n, (b + 1) * kBlock); ++k) body(k);
    };
    if (n <= kBlock) block(0);  // most lists: without the cost of a std::function
    else team.run((n + kBlock - 1) / kBlock, block);
}

}  // namespace

std::int64_t ListDcg::evaluate(const MetricData& data, const MetricOptions& options, const double* discounts,
                               std::int64_t list, const Team& team, double* values) {
    discounts_ = discounts;
    const std::int64_t bad = collect(data, options, list, team);
    if (bad >= 0 || team.stopped()) return bad;
    const std::size_t n_depths = options.depths.size();
    if (largest_ == 0.0) {  // also a list without items
        std::fill_n(values, n_depths, options.empty);
        return -1;
    }
    const double scale = sum_scale(largest_);
    double* const gain = gain_.of(n_);
    for_items(n_, team, [=](std::int64_t k) { gain[k] *= scale; });
    for (double& each : level_gain_) each *= scale;
    dcg(options, team, values);
    if (!options.normalize) {
        for (std::size_t d = 0; d < n_depths; ++d) values[d] /= scale;
        return -1;
    }
    ideal_.resize(n_depths);
    ideal(options, team, ideal_.data());
    for (std::size_t d = 0; d < n_depths; ++d)
        values[d] = ideal_[d] > 0.0 ? std::clamp(values[d] / ideal_[d], 0.0, 1.0) : options.empty;
    return -1;
}

/// Gains of the list's items, and keys that are smaller for higher scores.
std::int64_t ListDcg::collect(const MetricData& data, const MetricOptions& options, std::int64_t list,
                              const Team& team) {
    const std::int64_t begin = data.lists.begin(list), end = data.lists.end(list);
    double* const gains = gain_.of(end - begin);
    double* const keys = key_.of(end - begin);
    n_ = 0;
    largest_ = 0.0;
    few_levels_ = true;
    std::fill_n(level_size_, kLevels, 0);
    for (std::int64_t i = begin; i < end; ++i) {
        if ((i - begin + 1) % kBlock == 0 && team.stopped()) return -1;
        if (data.valid != nullptr && data.valid[i] == 0) continue;
        const double label = label_of(data, i);
        if (options.ignore_negative && label < 0.0) continue;
        const double score = data.single != nullptr ? static_cast<double>(data.single[i]) : data.twice[i];
        const double gain = options.gain(label);
        if (!std::isfinite(gain) || std::isnan(score)) return i;
        const int level = label >= 0.0 && label < kLevels ? static_cast<int>(label) : 0;
        few_levels_ = few_levels_ && level == label;
        ++level_size_[level];
        level_gain_[level] = gain;
        largest_ = std::max(largest_, std::abs(gain));
        gains[n_] = gain;
        keys[n_++] = -score;
    }
    return -1;
}

void ListDcg::dcg(const MetricOptions& options, const Team& team, double* sums) {
    const double* const gain = gain_.of(n_);
    const double* const key = key_.of(n_);
    const std::int64_t deepest = *std::max_element(options.depths.begin(), options.depths.end());
    if (options.ties == Ties::kAverage) {
        const std::int32_t* const all = ranking_.ascending(key, n_, n_, team);
        if (team.stopped()) return;  // and so there may be no order
        average_ties(all, team);
        const double* const ranked = ranked_.of(n_);
        return discounted(options, [=](std::int64_t rank) { return ranked[rank]; }, team, sums);
    }
    const std::int32_t* order = nullptr;
    if (options.ties == Ties::kWorst) {
        std::int32_t* const by_gain = by_gain_.of(n_);
        order = ranking_.ascending(gain, n_, n_, team);
        if (team.stopped()) return;
        for_items(n_, team, [=](std::int64_t k) { by_gain[k] = order[k]; });
        if (team.stopped()) return;
        if (team.stopped()) return;
        order = ranking_.ascending(key, n_, n_, team, by_gain);
    } else {
        order = ranking_.ascending(key, n_, static_cast<std::int32_t>(std::min<std::int64_t>(n_, deepest)), team);
    }
    if (team.stopped()) return;
    discounted(options, [=](std::int64_t rank) { return gain[order[rank]]; }, team, sums);
}

void ListDcg::ideal(const MetricOptions& options, const Team& team, double* sums) {
    if (few_levels_) {
        std::pair<double, std::int64_t> level[kLevels];
        for (int k = 0; k < kLevels; ++k) level[k] = {level_size_[k] > 0 ? -level_gain_[k] : 0.0, level_size_[k]};
        std::sort(level, level + kLevels);
        double gain[kLevels];
        std::int64_t end[kLevels], before = 0;
        for (int k = 0; k < kLevels; ++k) {
            gain[k] = -level[k].first;
            end[k] = before += level[k].second;
        }
        return discounted(options, Descending{gain, end}, team, sums);
    }
    const double* const gain = gain_.of(n_);
    double* const key = key_.of(n_);
    for_items(n_, team, [=](std::int64_t k) { key[k] = -gain[k]; });
    const std::int64_t deepest = *std::max_element(options.depths.begin(), options.depths.end());
    const std::int32_t* const order =
        ranking_.ascending(key, n_, static_cast<std::int32_t>(std::min<std::int64_t>(n_, deepest)), team);
    if (team.stopped()) return;
    discounted(options, [=](std::int64_t rank) { return gain[order[rank]]; }, team, sums);
}

/// Puts into each run of equal scores their mean gain.
void ListDcg::average_ties(const std::int32_t* order, const Team& team) {
    const double* const gain = gain_.of(n_);
    const double* const key = key_.of(n_);
    double* const ranked = ranked_.of(n_);
    const auto goes_on = [&](std::int64_t rank) { return rank % kBlock != 0 || !team.stopped(); };
    for (std::int64_t begin = 0, end = 0; begin < n_; begin = end) {
        const double tied = key[order[begin]];
        BlockSum sum;
        for (end = begin; end < n_ && key[order[end]] == tied; ++end) {
            if (!goes_on(end)) return;
            sum.add(gain[order[end]]);
        }
        const double mean = sum.sum() / static_cast<double>(end - begin);
        for (std::int64_t rank = begin; rank < end && goes_on(rank); ++rank) ranked[rank] = mean;
    }
}

template <class GainAt>
void ListDcg::discounted(const MetricOptions& options, GainAt gain_at, const Team& team, double* sums) {
    const auto sum = [&, gain_at](std::int64_t first, std::int64_t last) {
        GainAt gain = gain_at;
        double total = 0.0;
        for (std::int64_t rank = first; rank < last; ++rank) total += gain(rank) * discounts_[rank];
        return total;
    };
    const std::int64_t deepest = *std::max_element(options.depths.begin(), options.depths.end());
    const std::int64_t n_blocks = std::min<std::int64_t>(n_, deepest) / kBlock;
    block_.resize(static_cast<std::size_t>(n_blocks));
    if (n_blocks > 0)
        team.run(n_blocks,
                 [&](std::int64_t b) { block_[static_cast<std::size_t>(b)] = sum(b * kBlock, (b + 1) * kBlock); });
    for (std::size_t d = 0; d < options.depths.size(); ++d) {
        const std::int64_t depth = std::min<std::int64_t>(n_, options.depths[d]), whole = depth / kBlock;
        double total = 0.0;
        for (std::int64_t b = 0; b < whole; ++b) total += block_[static_cast<std::size_t>(b)];
        sums[d] = total + sum(whole * kBlock, depth);
    }
}

}  // namespace rankgrad
