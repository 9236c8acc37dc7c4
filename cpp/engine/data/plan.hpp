// What labels and list boundaries fix once for all later calls: which items are valid, their order by label, the label
// levels, the number of pairs, and how the work is cut into tasks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/data/label_sort.hpp"
#include "engine/data/labels.hpp"
#include "engine/data/list_runs.hpp"
#include "engine/data/lists.hpp"
#include "engine/runtime/memory.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

struct PlanOptions {
    bool ignore_negative = true;      ///< items with a label below 0 are not valid
    bool propagate_nan = false;       ///< a NaN label makes its list NaN instead of raising
    bool labels_are_numbers = false;  ///< the loss computes with labels: keep them as double, infinity is not allowed
    ItemOrder order = kByLabel;
    bool quadratic_cost = false;    ///< the loss looks at every two items of a list, whatever their labels
    bool near_linear_cost = false;  ///< the loss has a way around the pairs of long lists
    Crew crew{};
};

/// A task is a run of neighbouring lists. Tasks are the same for any number of threads, the costliest first.
struct Task {
    std::int64_t list_begin, list_end;
    double cost;
};

class Plan {
public:
    /// `mask` (one byte per item, 0 = not valid) may be null. Throws ArgumentError for a bad label, and Interrupted.
    Plan(Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options);

    const Lists& lists() const { return lists_; }
    std::int64_t n_valid() const { return begin_.back(); }
    bool all_valid() const { return n_valid() == lists_.n_items(); }
    std::int32_t longest() const { return longest_; }

    /// Valid items of a list, and their positions inside the list in the order that the options ask for.
    std::int32_t size(std::int64_t list) const {
        const auto l = static_cast<std::size_t>(list);
        return static_cast<std::int32_t>(begin_[l + 1] - begin_[l]);
    }
    /// Null where in_place.
    const std::int32_t* order(std::int64_t list) const {
        return in_place(list) ? nullptr : order_.data() + begin(list);
    }
    /// The list's items are all valid and in the order they came in: no gathering is needed.
    bool in_place(std::int64_t list) const {
        return item_order_ == kByPosition && size(list) == lists_.end(list) - lists_.begin(list);
    }
    /// Flat index of the k-th ordered item of a list.
    std::int64_t item(std::int64_t list, std::int32_t k) const {
        return lists_.begin(list) + (in_place(list) ? k : order(list)[k]);
    }
    /// Where a list's items begin among all ordered valid items.
    std::int64_t begin(std::int64_t list) const { return begin_[static_cast<std::size_t>(list)]; }
    /// First ordered item of each label level, then the size; only with kByLabel.
    std::int32_t n_levels(std::int64_t list) const;
    const std::int32_t* level_begin(std::int64_t list) const;
    /// Ordered labels; only with PlanOptions::labels_are_numbers.
    const double* label(std::int64_t list) const;
    /// The same for differences of labels: integers that no double holds are relative to the lowest label of the list.
    const double* label_gap(std::int64_t list) const;
    bool labels_fit_float() const { return labels_fit_float_; }
    /// A NaN label was let through here.
    bool is_nan(std::int64_t list) const {
        return !nan_list_.empty() && nan_list_[static_cast<std::size_t>(list)] != 0;
    }
    /// Pairs of valid items whose labels differ.
    double pairs(std::int64_t list) const { return pairs_[static_cast<std::size_t>(list)]; }
    std::int64_t n_nonempty_lists() const;

    /// Lists that all threads should work on together, ascending: each is a large part of the work.
    const std::vector<std::int64_t>& long_lists() const { return long_lists_; }
    const std::vector<Task>& tasks() const { return tasks_; }
    double total_cost() const { return total_cost_; }

    /// Copies the numbers of a list's valid items into the list's order, and back.
    template <class From, class To> void gather(std::int64_t list, const From* from, To* to) const {
        const From* items = from + lists_.begin(list);
        const std::int32_t n = size(list), *positions = order(list);
        if (positions == nullptr) std::transform(items, items + n, to, [](From x) { return static_cast<To>(x); });
        else std::transform(positions, positions + n, to, [&](std::int32_t p) { return static_cast<To>(items[p]); });
    }
    template <class From, class To> void scatter(std::int64_t list, const From* from, To* to) const {
        To* items = to + lists_.begin(list);
        const std::int32_t n = size(list), *positions = order(list);
        if (positions == nullptr) std::transform(from, from + n, items, [](From x) { return static_cast<To>(x); });
        else
            for (std::int32_t k = 0; k < n; ++k) items[positions[k]] = static_cast<To>(from[k]);
    }

    /// Flat index of the first NaN or infinity among the valid items, or -1.
    template <class T> std::int64_t first_nonfinite(const T* x, int threads) const;
    /// out[item] = 1 for valid items, else 0.
    void write_mask(std::uint8_t* out) const;

private:
    struct Run;
    void plan_list(std::int64_t list, const Labels& labels, const std::uint8_t* mask, const PlanOptions& options,
                   LabelSort& sort, Run& run, const Team& team);
    void look_for_nan(std::int64_t list, const PlanOptions& options, const LabelSort& sort, Run& run);
    [[noreturn]] void refuse(const Run& run, const PlanOptions& options) const;
    void close_gaps();
    void join_levels(std::vector<Run>& runs);
    void make_gaps(const Labels& labels, const Crew& crew);
    double cost(std::int64_t list) const;
    void cut_tasks();

    Lists lists_;
    std::vector<std::int64_t> begin_;         ///< of each list in order_, label_
    Room<std::int32_t> order_;                ///< nothing is written where a list is in place
    std::vector<std::int64_t> levels_begin_;  ///< of each list in level_begin_
    Room<std::int32_t> level_begin_;
    Room<double> label_, label_gap_;  ///< the second is empty where it would be the first
    std::vector<double> pairs_;
    std::vector<std::uint8_t> nan_list_;
    std::vector<std::int64_t> long_lists_;
    std::vector<Task> tasks_;
    double total_cost_ = 0;
    std::int32_t longest_ = 0;
    bool near_linear_ = false;
    ItemOrder item_order_ = kByLabel;
    bool labels_fit_float_ = true;
};

}  // namespace rankgrad
