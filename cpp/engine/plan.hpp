// What labels and list boundaries fix once for all later calls: which items are valid, their order by label, the label
// levels, the number of pairs, and how the work is cut into tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/lists.hpp"

namespace rankgrad {

/// Labels in the type they came in, so that large integers stay distinct.
struct Labels {
    enum Type { kFloat64, kInt64, kUint64 } type;
    const void* data;
};

struct PlanOptions {
    bool ignore_negative = true;   ///< items with a label below 0 are not valid
    bool propagate_nan = false;    ///< a NaN label makes its list NaN instead of raising
    bool labels_are_numbers = false;  ///< the loss computes with labels: keep them as double, infinity is not allowed
};

/// A task is a run of neighbouring lists. Tasks are the same for any number of threads, the costliest first.
struct Task {
    std::int64_t list_begin, list_end;
    double cost;
};

class Plan {
public:
    /// `mask` (one byte per item, 0 = not valid) may be null. Throws ArgumentError for a bad label.
    Plan(Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options);

    const Lists& lists() const { return lists_; }
    std::int64_t n_valid() const { return begin_.back(); }
    bool all_valid() const { return n_valid() == lists_.n_items(); }
    std::int32_t longest() const { return longest_; }

    /// Valid items of a list, and their positions inside the list ordered by label, ties by position.
    std::int32_t size(std::int64_t list) const;
    const std::int32_t* order(std::int64_t list) const;
    /// First ordered item of each label level, then the size.
    std::int32_t n_levels(std::int64_t list) const;
    const std::int32_t* level_begin(std::int64_t list) const;
    /// Ordered labels; only with PlanOptions::labels_are_numbers.
    const double* label(std::int64_t list) const;
    bool labels_fit_float() const { return labels_fit_float_; }
    /// A NaN label was let through here.
    bool is_nan(std::int64_t list) const { return !nan_list_.empty() && nan_list_[static_cast<std::size_t>(list)] != 0; }
    /// Pairs of valid items whose labels differ.
    double pairs(std::int64_t list) const { return pairs_[static_cast<std::size_t>(list)]; }
    double total_pairs() const;
    std::int64_t n_nonempty_lists() const;

    const std::vector<Task>& tasks() const { return tasks_; }
    double total_cost() const { return total_cost_; }

    /// Flat index of the first NaN or infinity among the valid items, or -1.
    template <class T> std::int64_t first_nonfinite(const T* x) const;
    /// out[item] = 1 for valid items, else 0.
    void write_mask(std::uint8_t* out) const;

private:
    template <class L> void build(const L* labels, const std::uint8_t* mask, PlanOptions options);
    template <class L> void add_list(std::int64_t list, const L* labels, const std::uint8_t* mask, PlanOptions options);
    void cut_tasks();

    Lists lists_;
    std::vector<std::int64_t> begin_{0};  ///< of each list in order_, label_
    std::vector<std::int32_t> order_;
    std::vector<std::int64_t> levels_begin_{0};  ///< of each list in level_begin_
    std::vector<std::int32_t> level_begin_;
    std::vector<double> label_;
    std::vector<double> pairs_;
    std::vector<std::uint8_t> nan_list_;
    std::vector<Task> tasks_;
    double total_cost_ = 0;
    std::int32_t longest_ = 0;
    bool labels_fit_float_ = true;
};

}  // namespace rankgrad
