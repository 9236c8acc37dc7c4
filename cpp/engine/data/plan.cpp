// Building a plan: validity, label order, levels, tasks.
#include "engine/data/plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "engine/runtime/errors.hpp"
#include "engine/runtime/memory.hpp"
#include "engine/sorting/order_key.hpp"

namespace rankgrad {
namespace {

std::int64_t sort_key(std::int64_t label) { return label; }
std::int64_t sort_key(std::uint64_t label) { return static_cast<std::int64_t>(label ^ (std::uint64_t{1} << 63)); }
std::int64_t sort_key(double label) { return sort_key(ordered_bits(label)); }

template <class L> bool is_nan_label(L label) {
    if constexpr (std::is_floating_point_v<L>) return std::isnan(label);
    return false;
}
template <class L> bool is_negative(L label) {
    if constexpr (std::is_unsigned_v<L>) return false;
    else return label < 0;
}

/// Integers below are doubles.
constexpr double kExactIntegers = 0x1p53;
/// Whether a label is one in float, too, and squares of its size fit.
bool fits_float(double label) {
    return static_cast<double>(static_cast<float>(label)) == label && std::abs(label) <= 1e15;
}

/// Cost of a list in units of about one pair: from here on it may take all threads, if it is this part of all work.
constexpr double kLongList = 2e6, kLongPart = 1.0 / 16;
/// Pairs that a near-linear sum costs as much as, for an item.
constexpr double kPairsPerItem = 100;

}  // namespace

Plan::Plan(Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options) : lists_(std::move(lists)) {
    if (labels.type == Labels::kFloat64) build(static_cast<const double*>(labels.data), mask, options);
    else if (labels.type == Labels::kInt64) build(static_cast<const std::int64_t*>(labels.data), mask, options);
    else build(static_cast<const std::uint64_t*>(labels.data), mask, options);
    cut_tasks();
}

std::int32_t Plan::n_levels(std::int64_t list) const {
    const auto l = static_cast<std::size_t>(list);
    return static_cast<std::int32_t>(levels_begin_[l + 1] - levels_begin_[l]) - 1;
}
const std::int32_t* Plan::level_begin(std::int64_t list) const {
    return level_begin_.data() + levels_begin_[static_cast<std::size_t>(list)];
}
const double* Plan::label(std::int64_t list) const {
    return label_.empty() ? nullptr : label_.data() + begin_[static_cast<std::size_t>(list)];
}
const double* Plan::label_gap(std::int64_t list) const {
    return label_gap_.empty() ? label(list) : label_gap_.data() + begin_[static_cast<std::size_t>(list)];
}
std::int64_t Plan::n_nonempty_lists() const {
    std::int64_t n = 0;
    for (std::int64_t l = 0; l < lists_.count(); ++l) n += size(l) > 0;
    return n;
}

template <class L> void Plan::build(const L* labels, const std::uint8_t* mask, PlanOptions options) {
    const auto n_lists = static_cast<std::size_t>(lists_.count());
    item_order_ = options.order;
    near_linear_ = options.near_linear_cost;
    order_.reserve(static_cast<std::size_t>(lists_.n_items()));
    if (options.labels_are_numbers) label_.reserve(static_cast<std::size_t>(lists_.n_items()) + kPadding);
    begin_.reserve(n_lists + 1);
    pairs_.reserve(n_lists);
    if (options.order == kByLabel) levels_begin_.reserve(n_lists + 1);
    for (std::int64_t l = 0; l < lists_.count(); ++l) add_list(l, labels, mask, options);
    if (std::is_integral_v<L> && options.order == kByLabel && !label_.empty()) make_gaps(labels);
    for (const double gap : label_gap_.empty() ? label_ : label_gap_)
        labels_fit_float_ = labels_fit_float_ && fits_float(gap);
    label_.resize(label_.empty() ? 0 : label_.size() + kPadding);
    if (item_order_ == kByPosition && all_valid()) std::vector<std::int32_t>().swap(order_);
}

/// Time stamps are large, and so may be their differences, but less so.
template <class L> void Plan::make_gaps(const L* labels) {
    if (std::all_of(label_.begin(), label_.end(), [](double y) { return std::abs(y) < kExactIntegers; })) return;
    label_gap_.reserve(label_.size() + kPadding);
    for (std::int64_t l = 0; l < lists_.count(); ++l)
        for (std::int32_t k = 0; k < size(l); ++k) {
            const auto gap =
                static_cast<std::uint64_t>(labels[item(l, k)]) - static_cast<std::uint64_t>(labels[item(l, 0)]);
            label_gap_.push_back(static_cast<double>(gap));
        }
    label_gap_.resize(label_.size() + kPadding);
}

template <class L>
void Plan::add_list(std::int64_t list, const L* labels, const std::uint8_t* mask, PlanOptions options) {
    const bool nan =
        options.order == kByPosition ? keep_list(list, labels, mask, options) : sort_list(list, labels, mask, options);
    begin_.push_back(static_cast<std::int64_t>(order_.size()));
    const std::int32_t n = size(list);
    if (options.quadratic_cost) pairs_.back() = static_cast<double>(n) * n;
    longest_ = std::max(longest_, n);
    if (nan && nan_list_.empty()) nan_list_.resize(static_cast<std::size_t>(lists_.count()));
    if (nan) nan_list_[static_cast<std::size_t>(list)] = 1;
}

template <class L>
bool Plan::is_valid(const L* labels, const std::uint8_t* mask, std::int64_t item, PlanOptions options) const {
    return (mask == nullptr || mask[item] != 0) && !(options.ignore_negative && is_negative(labels[item]));
}

/// Whether the label makes its list NaN; throws where it may not.
template <class L> bool Plan::is_nan_or_refused(L label, std::int64_t item, PlanOptions options) const {
    const bool nan = is_nan_label(label);
    const bool infinite = options.labels_are_numbers && std::isinf(static_cast<double>(label));
    if (!options.propagate_nan && nan)
        throw ArgumentError("labels (y_true): NaN at " + lists_.place(item) + "; numbers are wanted, and a mask" +
                            (options.ignore_negative ? " or a negative label" : "") + " for items to be ignored");
    if (!options.propagate_nan && infinite)
        throw ArgumentError("labels (y_true): infinity at " + lists_.place(item) + "; this loss wants finite labels");
    return nan || infinite;
}

/// Adds the valid items of a list as they come. True if a label makes the list NaN.
template <class L>
bool Plan::keep_list(std::int64_t list, const L* labels, const std::uint8_t* mask, PlanOptions options) {
    const std::int64_t base = lists_.begin(list);
    bool nan = false;
    for (std::int64_t i = base; i < lists_.end(list); ++i) {
        if (!is_valid(labels, mask, i, options)) continue;
        const double number = static_cast<double>(labels[i]);
        if (!std::isfinite(number)) nan = is_nan_or_refused(labels[i], i, options) || nan;
        order_.push_back(static_cast<std::int32_t>(i - base));
        if (options.labels_are_numbers) label_.push_back(number);
    }
    pairs_.push_back(0);
    return nan;
}

/// Adds the valid items of a list by label, and its levels. True if a label makes the list NaN.
template <class L>
bool Plan::sort_list(std::int64_t list, const L* labels, const std::uint8_t* mask, PlanOptions options) {
    const std::int64_t base = lists_.begin(list);
    const bool last_first = options.order == kByLabelLastFirst;
    std::vector<std::pair<std::int64_t, std::int32_t>> keyed;
    keyed.reserve(static_cast<std::size_t>(lists_.end(list) - base));
    bool nan = false, sorted = true;
    for (std::int64_t i = base; i < lists_.end(list); ++i) {
        if (!is_valid(labels, mask, i, options)) continue;
        nan = is_nan_or_refused(labels[i], i, options) || nan;
        const std::int64_t key = is_nan_label(labels[i]) ? 0 : sort_key(labels[i]);
        const auto position = static_cast<std::int32_t>(i - base);
        sorted = sorted && !last_first && (keyed.empty() || keyed.back().first <= key);
        keyed.emplace_back(key, last_first ? -position : position);
    }
    if (!sorted) std::sort(keyed.begin(), keyed.end());

    const auto n = static_cast<std::int32_t>(keyed.size());
    double pairs = 0;
    std::int32_t level = 0;
    for (std::int32_t k = 0; k < n; ++k) {
        const auto [key, signed_position] = keyed[static_cast<std::size_t>(k)];
        const std::int32_t position = std::abs(signed_position);
        if (k == 0 || key != keyed[static_cast<std::size_t>(k) - 1].first) {
            level = k;
            if (options.order == kByLabel) level_begin_.push_back(k);
        }
        pairs += level;
        order_.push_back(position);
        if (options.labels_are_numbers) {
            const double number = static_cast<double>(labels[base + position]);
            label_.push_back(number);
        }
    }
    pairs_.push_back(pairs);
    if (options.order == kByLabel) {
        level_begin_.push_back(n);
        levels_begin_.push_back(static_cast<std::int64_t>(level_begin_.size()));
    }
    return nan;
}

/// Work of a list in units of about one pair.
double Plan::cost(std::int64_t list) const {
    const double items = size(list);
    return (near_linear_ ? std::min(pairs(list), kPairsPerItem * items) : pairs(list)) + 16.0 * items + 50.0;
}

void Plan::cut_tasks() {
    double short_cost = 0;
    for (std::int64_t l = 0; l < lists_.count(); ++l) total_cost_ += cost(l);
    for (std::int64_t l = 0; l < lists_.count(); ++l) {
        if (near_linear_ && cost(l) >= std::max(kLongList, kLongPart * total_cost_)) long_lists_.push_back(l);
        else short_cost += cost(l);
    }
    const double target = std::max(short_cost / 256, 20000.0);
    Task task{0, 0, 0};
    for (std::int64_t l = 0; l < lists_.count(); ++l) {
        task.cost += cost(l);
        task.list_end = l + 1;
        if (task.cost >= target || l + 1 == lists_.count()) {
            tasks_.push_back(task);
            task = {l + 1, l + 1, 0};
        }
    }
    std::stable_sort(tasks_.begin(), tasks_.end(), [](const Task& a, const Task& b) { return a.cost > b.cost; });
}

}  // namespace rankgrad
