// One list at a time: gains, the order of the scores, the best order, and the discounted sums of both.
#include "engine/metrics/metrics.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>

#include "engine/runtime/errors.hpp"
#include "engine/metrics/list_dcg.hpp"

namespace rankgrad {
namespace {

/// Items of a task, and of a list that all threads work on together.
constexpr std::int64_t kTaskItems = 1 << 14, kLongList = 1 << 17;

/// Runs of neighbouring lists, from each of the numbers given to the next.
std::vector<std::int64_t> cut_tasks(const Lists& lists) {
    std::vector<std::int64_t> begin{0};
    std::int64_t cost = 0;
    for (std::int64_t l = 0; l < lists.count(); ++l) {
        cost += lists.end(l) - lists.begin(l) + 8;
        if (cost < kTaskItems && l + 1 < lists.count()) continue;
        begin.push_back(l + 1);
        cost = 0;
    }
    return begin;
}

[[noreturn]] void refuse(const MetricData& data, const MetricOptions& options, std::int64_t item) {
    const double label = label_of(data, item);
    if (!std::isfinite(options.gain(label)))
        throw ArgumentError("labels: " + data.lists.place(item) + options.gain.fault(label));
    throw ArgumentError("scores: " + data.lists.place(item) + " is NaN");
}

/// Discounts of the ranks that count, for every list.
Room<double>& fill_discounts(Room<double>& room, std::int64_t n, const MetricOptions& options) {
    double* const discount = room.of(n);
    parallel_for((n + kTaskItems - 1) / kTaskItems, options.threads, options.interrupt,
                 [&](std::int64_t part, Worker&) {
                     const std::int64_t end = std::min(n, (part + 1) * kTaskItems);
                     for (std::int64_t rank = part * kTaskItems; rank < end; ++rank) discount[rank] = discount_of(rank);
                 });
    return room;
}

}  // namespace

void metric_values(const MetricData& data, const MetricOptions& options, double* values) {
    const Lists& lists = data.lists;
    std::int64_t longest = 0;
    std::vector<std::int64_t> long_lists;
    for (std::int64_t l = 0; l < lists.count(); ++l) {
        longest = std::max(longest, lists.end(l) - lists.begin(l));
        if (lists.end(l) - lists.begin(l) > kLongList) long_lists.push_back(l);
    }
    const std::int64_t deepest = *std::max_element(options.depths.begin(), options.depths.end());
    Room<double> room;
    const double* discounts = fill_discounts(room, std::min(longest, deepest), options).of(0);
    const int threads = std::max(1, options.threads);
    const std::unique_ptr<ListDcg[]> scratch(new ListDcg[static_cast<std::size_t>(threads)]);
    std::atomic<std::int64_t> first_bad{std::numeric_limits<std::int64_t>::max()};
    const auto evaluate = [&](std::int64_t list, ListDcg& own, const Team& team) {
        const std::int64_t bad = own.evaluate(data, options, discounts, list, team,
                                              values + list * static_cast<std::int64_t>(options.depths.size()));
        for (std::int64_t first = first_bad; bad >= 0 && bad < first && !first_bad.compare_exchange_weak(first, bad);) {
        }
    };
    parallel_for(
        static_cast<std::int64_t>(long_lists.size()), 1, options.interrupt, [&](std::int64_t k, Worker& worker) {
            evaluate(long_lists[static_cast<std::size_t>(k)], scratch[0], Team(worker, threads, options.interrupt));
        });
    const std::vector<std::int64_t> tasks = cut_tasks(lists);
    parallel_for(
        static_cast<std::int64_t>(tasks.size()) - 1, threads, options.interrupt, [&](std::int64_t t, Worker& worker) {
            for (std::int64_t l = tasks[static_cast<std::size_t>(t)]; l < tasks[static_cast<std::size_t>(t) + 1]; ++l)
                if (lists.end(l) - lists.begin(l) <= kLongList) evaluate(l, scratch[worker.index()], worker);
        });
    if (first_bad < lists.n_items()) refuse(data, options, first_bad);
}

}  // namespace rankgrad
