// The order of a list's labels: by counting where they are few whole numbers, as nearly all data is, else as scores are
// sorted. Labels are read once: what another thread writes to them meanwhile is read or not, and no more.
#pragma once

#include <cstdint>

#include "engine/data/labels.hpp"
#include "engine/runtime/memory.hpp"
#include "engine/runtime/parallel.hpp"
#include "engine/sorting/argsort.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// Scratch of one worker, with the labels of one list after the other.
class LabelSort {
public:
    /// Reads the labels of the valid items of a list of n items from `begin` on. `mask` may be null.
    void read(const Labels& labels, const std::uint8_t* mask, std::int64_t begin, std::int32_t n, bool ignore_negative,
              const Team& team);
    /// The last valid item becomes the first: ties are then sorted by position from the last.
    void reverse();

    /// Valid items, and their labels as numbers.
    std::int32_t size() const { return n_; }
    bool all_valid() const { return all_; }
    const double* number() const { return number_.data(); }
    /// Position in the list of a place among the valid items.
    std::int32_t position(std::int32_t k) const { return !all_ ? position_.data()[k] : reversed_ ? n_ - 1 - k : k; }
    /// Makes positions of places.
    void to_positions(std::int32_t* place, std::int64_t count) const;
    /// All numbers are.
    bool finite() const { return facts_.finite; }

    /// Writes the places among the valid items in the order of their labels, ties as they come; NaN is sorted as 0.
    /// Then where each label level begins, and the size: room for size() + 1. Gives the number of levels. For nothing
    /// where the team is stopped.
    std::int32_t sort(std::int32_t* order, std::int32_t* level_begin, const Team& team);

private:
    template <class L> void copy(const L* from, std::int64_t begin, std::int64_t end);
    void keep_valid(const std::uint8_t* mask, std::int32_t n, bool ignore_negative);
    void look();
    bool are_few_whole() const;
    std::int32_t code(std::int32_t k) const { return static_cast<std::int32_t>(number_.data()[k] - facts_.low); }
    std::int32_t count_densely(std::int32_t* order, std::int32_t* level_begin) const;
    std::int32_t count_sparsely(std::int32_t* order, std::int32_t* level_begin) const;
    void sort_numbers(const double* number, const std::int32_t* index, double low, double high, std::int32_t* order,
                      const Team& team);
    void sort_keys(std::int32_t* order, const Team& team);
    void make_keys();

    std::int32_t n_ = 0;
    bool all_ = true, reversed_ = false;
    bool has_keys_ = false;  ///< the labels are integers that a double may not hold
    NumberFacts facts_{};
    Room<double> number_, digit_;
    Room<std::int32_t> position_;
    Room<std::uint64_t> key_;  ///< integers in the order of the labels
    SortScratch<double> scratch_;
};

}  // namespace rankgrad
