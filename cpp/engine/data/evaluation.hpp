// What all losses over lists share when they are called: the arguments of one evaluation, the check of the scores, and
// the walk over the lists. Sums of a list depend on that list alone and are added in order, so threads cannot change a
// bit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/runtime/errors.hpp"
#include "engine/runtime/parallel.hpp"
#include "engine/data/plan.hpp"
#include "engine/runtime/memory.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// What a sum over the lists is multiplied by: scale * sum_l of_list[l] * sum_i of_item[i] * row_i.
struct Factors {
    const double* of_item = nullptr;  ///< flat, one for each item of the plan's lists; null: ones
    const double* of_list = nullptr;  ///< null: ones
    double scale = 1.0;

    double list(std::int64_t l) const { return of_list == nullptr ? scale : scale * of_list[l]; }
    double item(std::int64_t l, std::int64_t i) const { return of_item == nullptr ? list(l) : list(l) * of_item[i]; }
};

/// One evaluation: what a caller gives, wants, and what an Objective adds to it. Arrays are flat, one entry per item of
/// the plan's lists (list_weight: per list). Derivatives are those of scale * sum_l list_weight[l] * sum_i
/// item_weight[i] * row_i, a cotangent included; the value has factors of its own.
template <class T> struct LossCall {
    PairMode mode = kValue;
    const T* scores = nullptr;
    const T* vector = nullptr;  ///< for kHessVector
    /// Derivatives are those of cotangent_factor * sum(cotangent * value); null: ones.
    const double* cotangent = nullptr;
    double cotangent_factor = 1.0;
    double min_hessian = 0.0;  ///< Hessians of valid items are raised to this; an Objective takes 0 for none
    int threads = 1;
    InterruptCheck interrupt = nullptr;
    std::uint64_t iteration = 0;  ///< for losses with noise
    T* row_value = nullptr;       ///< unreduced values times `of_value`, per item or (listwise) per list; may be null
    T* grad = nullptr;            ///< gradient, or the product with `vector`
    T* hess = nullptr;
    // Set by an Objective:
    const double* item_weight = nullptr;  ///< null: ones
    const double* list_weight = nullptr;  ///< null: ones
    double scale = 1.0;
    bool check_finite = true;
    Factors of_value{};
};

/// A weight of 0 takes away an infinite value, not that of a list that is NaN.
inline double weighed(double factor, double value) { return factor == 0 && std::isinf(value) ? 0.0 : factor * value; }

/// Multiplies the values of a list's items, where order[k] is the position of the k-th, before anything is rounded to
/// T.
template <class T> void weigh_values(const Plan& plan, const LossCall<T>& call, std::int64_t list,
                                     const std::int32_t* order, std::int64_t begin, std::int64_t end, double* value) {
    const std::int64_t base = plan.lists().begin(list);
    for (std::int64_t k = begin; k < end; ++k)
        value[k] = weighed(call.of_value.item(list, base + (order == nullptr ? k : order[k])), value[k]);
}

/// Throws ArgumentError for a valid item's score that is not finite, if the call asks for it.
template <class T> void check_finite(const Plan& plan, const LossCall<T>& call) {
    const std::int64_t bad = call.check_finite ? plan.first_nonfinite(call.scores, call.threads) : -1;
    if (bad >= 0)
        throw ArgumentError("scores (y_pred): " + std::string(std::isnan(call.scores[bad]) ? "NaN" : "infinity") +
                            " at " + plan.lists().place(bad) + "; finite numbers are wanted");
}

/// Work (in units of Task::cost) below which starting threads costs more than it gains.
constexpr double kSerialCost = 2e5;

/// Adds up value_of(list, scratch, team) over the lists, times the factor of values; 0 in modes without values. All
/// threads are on each of the `long_lists` (ascending) together, before every other list has one of them to itself.
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
    return weighed(call.of_value.scale, total);
}

}  // namespace rankgrad
