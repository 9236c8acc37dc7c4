// The boundaries of ragged lists: list l holds the items [offsets[l], offsets[l+1]). The caller's array is copied first
// and the copy is checked, so that nothing another thread writes later can matter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rankgrad {

class Lists {
public:
    /// One list of all items.
    explicit Lists(std::int64_t n_items);
    /// Throws ArgumentError unless offsets start at 0, never decrease and end at n_items.
    Lists(const std::int64_t* offsets, std::int64_t n_offsets, std::int64_t n_items);

    std::int64_t count() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
    std::int64_t n_items() const { return offsets_.back(); }
    std::int64_t begin(std::int64_t list) const { return offsets_[static_cast<std::size_t>(list)]; }
    std::int64_t end(std::int64_t list) const { return offsets_[static_cast<std::size_t>(list) + 1]; }
    const std::vector<std::int64_t>& offsets() const { return offsets_; }

    /// "index 7 (list 2, position 1)", for error messages.
    std::string place(std::int64_t item) const;

private:
    void check_lengths() const;
    std::vector<std::int64_t> offsets_;
};

}  // namespace rankgrad
