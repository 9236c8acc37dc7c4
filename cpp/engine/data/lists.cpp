// Boundaries of lists: the checks, with messages that name the first bad place.
#include "engine/data/lists.hpp"

#include <algorithm>
#include <limits>

#include "engine/runtime/errors.hpp"

namespace rankgrad {
namespace {

/// Positions inside a list are kept in 32 bits, with room for a register of padding.
constexpr std::int64_t kLongestList = std::numeric_limits<std::int32_t>::max() - 1024;

}  // namespace

Lists::Lists(std::int64_t n_items) : offsets_{0, n_items} { check_lengths(); }

Lists::Lists(const std::int64_t* offsets, std::int64_t n_offsets, std::int64_t n_items)
    : offsets_(offsets, offsets + n_offsets) {
    if (n_offsets < 1) throw ArgumentError("offsets: needs at least one number, the start 0");
    if (offsets_[0] != 0)
        throw ArgumentError("offsets: must start at 0, but index 0 holds " + std::to_string(offsets_[0]));
    for (std::int64_t l = 1; l < n_offsets; ++l) {
        const std::int64_t here = offsets_[static_cast<std::size_t>(l)];
        const std::int64_t before = offsets_[static_cast<std::size_t>(l) - 1];
        if (here < before)
            throw ArgumentError("offsets: must not decrease, but index " + std::to_string(l) + " holds " +
                                std::to_string(here) + " after " + std::to_string(before));
        if (here > n_items)
            throw ArgumentError("offsets: index " + std::to_string(l) + " holds " + std::to_string(here) +
                                ", past the end of the " + std::to_string(n_items) + " items");
    }
    if (offsets_.back() != n_items)
        throw ArgumentError("offsets: must end at the number of items, " + std::to_string(n_items) + ", but index " +
                            std::to_string(n_offsets - 1) + " holds " + std::to_string(offsets_.back()));
    check_lengths();
}

void Lists::check_lengths() const {
    for (std::int64_t l = 0; l < count(); ++l)
        if (end(l) - begin(l) > kLongestList)
            throw ArgumentError("offsets: list " + std::to_string(l) + " has " + std::to_string(end(l) - begin(l)) +
                                " items; at most " + std::to_string(kLongestList) + " are possible");
}

std::string Lists::place(std::int64_t item) const {
    const auto after = std::upper_bound(offsets_.begin(), offsets_.end(), item);
    const std::int64_t list = after - offsets_.begin() - 1;
    std::string text = "index " + std::to_string(item);
    if (count() > 1)
        text += " (list " + std::to_string(list) + ", position " + std::to_string(item - begin(list)) + ")";
    return text;
}

}  // namespace rankgrad
