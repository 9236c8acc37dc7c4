// What all losses over lists share when they are called: the arguments of one evaluation, the check of the scores, and the
// walk over the lists. Sums of a list depend on that list alone and are added in order, so threads cannot change a bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/errors.hpp"
#include "engine/parallel.hpp"
#include "engine/plan.hpp"
#include "engine/workspace.hpp"
#include "kernels/kernel_table.hpp"

namespace rankgrad {

/// One evaluation. Arrays are flat, one entry per item of the plan's lists (list_weight: per list).
/// The sum is scale * sum_l list_weight[l] * sum_i item_weight[i] * row_value[i].
template <class T> struct LossCall {
    PairMode mode = kValue;
    const T* scores = nullptr;
    const T* vector = nullptr;            ///< for kHessVector
    const double* item_weight = nullptr;  ///< null: ones
    const double* list_weight = nullptr;  ///< null: ones
    double scale = 1.0;
    double min_hessian = 0.0;  ///< Hessians of valid items are raised to this if positive
    bool check_finite = true;
    int threads = 1;
    InterruptCheck interrupt = nullptr;
    std::uint64_t iteration = 0;  ///< for losses with noise
    T* row_value = nullptr;       ///< unreduced values, unweighted, per item or (listwise) per list; may be null
    T* grad = nullptr;            ///< gradient, or the product with `vector`
    T* hess = nullptr;
};

inline bool with_value(PairMode mode) { return mode == kValue || mode == kValueGrad; }
inline bool with_hess(PairMode mode) { return mode == kGradHess || mode == kGradPositiveHess; }

/// Throws ArgumentError for a valid item's score that is not finite, if the call asks for it.
template <class T> void check_finite(const Plan& plan, const LossCall<T>& call) {
    const std::int64_t bad = call.check_finite ? plan.first_nonfinite(call.scores, call.threads) : -1;
    if (bad >= 0)
        throw ArgumentError("scores (y_pred): " + std::string(std::isnan(call.scores[bad]) ? "NaN" : "infinity") +
                            " at " + plan.lists().place(bad) + "; finite numbers are wanted");
}

/// Throws ArgumentError for a valid item's score that the temperature makes infinite.
template <class T> void check_range(const Plan& plan, const LossCall<T>& call, double temperature) {
    const double limit = std::numeric_limits<double>::max() * std::min(temperature, 1.0);
    if (limit >= static_cast<double>(std::numeric_limits<T>::max())) return;
    for (std::int64_t l = 0; l < plan.lists().count(); ++l)
        for (std::int32_t k = 0; k < plan.size(l); ++k) {
            const std::int64_t item = plan.item(l, k);
            if (std::isfinite(call.scores[item]) && std::abs(static_cast<double>(call.scores[item])) > limit)
                throw ArgumentError("scores (y_pred): the number at " + plan.lists().place(item) +
                                    " divided by the temperature is too large for float64");
        }
}

/// Work (in units of Task::cost) below which starting threads costs more than it gains.
constexpr double kSerialCost = 2e5;

/// Adds up value_of(list, scratch, team) over the lists, times call.scale; 0 in modes without values. All threads are on
/// each of the `long_lists` (ascending) together, before every other list has one of them to itself.
template <class T, class Scratch, class ValueOf>
double sum_over_lists(const Plan& plan, const LossCall<T>& call, ScratchPool<Scratch>& pool, ValueOf value_of,
                      const std::vector<std::int64_t>& long_lists = {}) {
    const int threads = plan.total_cost() < kSerialCost ? 1 : std::max(call.threads, 1);
    const std::vector<Task>& tasks = plan.tasks();
    typename ScratchPool<Scratch>::Lease scratch(pool, threads);
    std::vector<double> values(with_value(call.mode) ? static_cast<std::size_t>(plan.lists().count()) : 0);
    const auto evaluate = [&](std::int64_t list, Scratch& own, const Team& team) {
        const double value = value_of(list, own, team);
        if (!values.empty()) values[static_cast<std::size_t>(list)] = value;
    };
    const auto n_long = static_cast<std::int64_t>(long_lists.size());
    parallel_for(n_long, 1, call.interrupt, [&](std::int64_t k, Worker& worker) {
        evaluate(long_lists[static_cast<std::size_t>(k)], scratch[0], Team(worker, threads, call.interrupt));
    });
    if (n_long < plan.lists().count())
        parallel_for(static_cast<std::int64_t>(tasks.size()), threads, call.interrupt,
                     [&](std::int64_t t, Worker& worker) {
                         const Task& task = tasks[static_cast<std::size_t>(t)];
                         for (std::int64_t l = task.list_begin; l < task.list_end; ++l)
                             if (!std::binary_search(long_lists.begin(), long_lists.end(), l))
                                 evaluate(l, scratch[worker.index()], worker);
                     });
    double total = 0;
    for (const double value : values) total += value;
    return call.scale == 0 ? 0 : call.scale * total;
}

}  // namespace rankgrad
