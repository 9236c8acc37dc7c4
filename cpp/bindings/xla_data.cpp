// Labels, masks, lists and weights of an XLA call, checked as the Python package does where it sees the numbers.
#include "bindings/xla_data.hpp"

#include <cmath>
#include <map>
#include <mutex>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/runtime/errors.hpp"

namespace rankgrad::xla {
namespace {

using Wholes = std::vector<std::int64_t>;

std::string at_index(const char* name, std::int64_t place) {
    return std::string(name) + ": index " + std::to_string(place) + " holds ";
}

Wholes offsets_of_rows(std::int64_t n_rows, std::int64_t row) {
    Wholes offsets;
    for (std::int64_t l = 0; l <= n_rows; ++l) offsets.push_back(l * row);
    return offsets;
}

Wholes offsets_of_groups(const Wholes& sizes, std::int64_t n_items) {
    const std::string labels = std::to_string(n_items) + " labels";
    std::int64_t total = 0;
    Wholes offsets{0};
    for (std::size_t l = 0; l < sizes.size(); ++l) {
        const std::string here = at_index("groups", static_cast<std::int64_t>(l)) + std::to_string(sizes[l]);
        if (sizes[l] < 0) throw ArgumentError(here + ", negative");
        if (sizes[l] > n_items) throw ArgumentError(here + ", more than the " + labels + " there are");
        offsets.push_back(total += sizes[l]);
    }
    if (total != n_items)
        throw ArgumentError("groups: sizes add up to " + std::to_string(total) + " but there are " + labels);
    return offsets;
}

Wholes offsets_of_ids(const Wholes& ids) {
    Wholes offsets;
    std::unordered_set<std::int64_t> seen;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i > 0 && ids[i] == ids[i - 1]) continue;
        if (!seen.insert(ids[i]).second)
            throw ArgumentError("qid: items of a list must be next to each other, but " + std::to_string(ids[i]) +
                                " at index " + std::to_string(i) + " was seen before; sort the data by qid first");
        offsets.push_back(static_cast<std::int64_t>(i));
    }
    offsets.push_back(static_cast<std::int64_t>(ids.size()));
    return offsets;
}

Lists lists_of(const Data& data, const Index& slot) {
    const std::int64_t n = data.labels->size();
    Wholes offsets;
    if (data.lists_by == ListsBy::kRows) offsets = offsets_of_rows(data.n_rows, data.row);
    else if (const std::int64_t size = data.lists->size(); data.lists_by == ListsBy::kGroups)
        offsets = offsets_of_groups(data.lists->numbers<std::int64_t>(slot, size), n);
    else if (data.lists_by == ListsBy::kOffsets) offsets = data.lists->numbers<std::int64_t>(slot, size);
    else offsets = offsets_of_ids(data.lists->numbers<std::int64_t>(slot, n));
    return Lists(offsets.data(), static_cast<std::int64_t>(offsets.size()), n);
}

std::vector<std::uint8_t> mask_of(const Operand& mask, const Index& slot, std::int64_t n) {
    std::vector<std::uint8_t> valid;
    for (const double x : mask.numbers<double>(slot, n)) {
        if (std::isnan(x))
            throw ArgumentError("y_true[\"mask\"]: NaN at index " + std::to_string(valid.size()) +
                                "; true or false is wanted");
        valid.push_back(x != 0);
    }
    return valid;
}

/// Objectives that others hold, by name. The last of a compiled program's calls may outlive all others.
struct Shared {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<const Objective>> by_name;
};
Shared& shared() {
    static Shared* const all = new Shared;  // XLA's threads may call until the process is gone
    return *all;
}

}  // namespace

void share(const std::shared_ptr<const Objective>& objective, const std::string& name) {
    const std::lock_guard lock(shared().mutex);
    auto& by_name = shared().by_name;
    for (auto it = by_name.begin(); it != by_name.end();) it = it->second.expired() ? by_name.erase(it) : std::next(it);
    by_name[name] = objective;
}

bool Data::are_same_everywhere() const {
    for (const auto* part : {&labels, &mask, &lists, &weight})
        if (part->has_value() && !(*part)->is_same_everywhere()) return false;
    return true;
}

std::shared_ptr<const Objective> Data::bind(const Index& slot) const {
    if (!shared_name.empty()) {
        const std::lock_guard lock(shared().mutex);
        const auto found = shared().by_name.find(shared_name);
        if (found != shared().by_name.end())
            if (auto objective = found->second.lock()) return objective;
    }
    const std::int64_t n = labels->size();
    std::vector<double> weights;
    const Labels given = labels->labels(slot, n);
    Lists bounds = lists_of(*this, slot);
    SampleWeight by;
    if (weight_of != Each::kNone)
        weights = weight->numbers<double>(slot, weight_of == Each::kAll    ? 1
                                                : weight_of == Each::kItem ? n
                                                                           : bounds.count());
    if (weight_of == Each::kAll) by.number = weights[0];
    else (weight_of == Each::kItem ? by.item : by.list) = weight_of == Each::kNone ? nullptr : weights.data();
    std::vector<std::uint8_t> valid;
    if (mask) valid = mask_of(*mask, slot, n);
    return std::make_shared<const Objective>(loss, std::move(bounds), given, mask ? valid.data() : nullptr, by);
}

}  // namespace rankgrad::xla
