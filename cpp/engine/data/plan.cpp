// Building a plan: lists are read and sorted, some by each thread, then put together in order.
#include "engine/data/plan.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "engine/runtime/errors.hpp"

namespace rankgrad {
namespace {

/// Integers below are doubles.
constexpr double kExactIntegers = 0x1p53;
/// Whether a label is one in float, too, and squares of its size fit.
bool fits_float(double label) {
    return static_cast<double>(static_cast<float>(label)) == label && std::abs(label) <= 1e15;
}
/// Asked of all: a loop that stops at the first is slower.
template <class Test> bool all_of_items(const Crew& crew, const double* x, std::int64_t n, Test test) {
    std::atomic<bool> all{true};
    for_items(crew, n, [&](std::int64_t begin, std::int64_t end) {
        std::int32_t good = 1;
        for (std::int64_t k = begin; k < end; ++k) good &= test(x[k]);
        if (good == 0) all.store(false, std::memory_order_relaxed);
    });
    return all.load();
}

/// Cost of a list in units of about one pair: from here on it may take all threads, if it is this part of all work.
constexpr double kLongList = 2e6, kLongPart = 1.0 / 16;
/// Pairs that a near-linear sum costs as much as, for an item.
constexpr double kPairsPerItem = 100;

}  // namespace

/// What a run of lists gives beside what has a place of its own for each item or list.
struct Plan::Run {
    Room<std::int32_t> levels;  ///< of all lists, one after the other
    std::int64_t n_levels = 0;
    std::int64_t bad = -1;  ///< the first item whose label is refused
    bool bad_is_nan = false;
};

Plan::Plan(Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options)
    : lists_(std::move(lists)), near_linear_(options.near_linear_cost), item_order_(options.order) {
    const auto n_lists = static_cast<std::size_t>(lists_.count());
    const std::int64_t n_items = lists_.n_items();
    begin_.resize(n_lists + 1);
    pairs_.resize(n_lists);
    order_.of(n_items);
    if (options.labels_are_numbers) label_.of(n_items);
    if (options.order == kByLabel) levels_begin_.resize(n_lists + 1);
    if (options.propagate_nan) nan_list_.resize(n_lists);

    const ListRuns runs(lists_);
    std::vector<Run> found(static_cast<std::size_t>(runs.count()));
    std::vector<LabelSort> sorts(static_cast<std::size_t>(runs.threads(options.crew)));
    runs.for_each(options.crew, [&](const ListRun& of, int worker, const Team& team) {
        Run& run = found[static_cast<std::size_t>(of.index)];
        if (options.order != kByPosition)
            run.levels.of(lists_.begin(of.end) - lists_.begin(of.begin) + of.end - of.begin);
        for (std::int64_t l = of.begin; l < of.end; ++l)
            plan_list(l, labels, mask, options, sorts[static_cast<std::size_t>(worker)], run, team);
    });
    for (const Run& run : found)
        if (run.bad >= 0) refuse(run, options);
    if (std::find(nan_list_.begin(), nan_list_.end(), 1) == nan_list_.end()) nan_list_.clear();
    close_gaps();
    if (options.order == kByLabel) join_levels(found);
    if (options.order == kByLabel && options.labels_are_numbers) {
        const auto is_exact = [](double y) { return std::abs(y) < kExactIntegers; };
        if (labels.are_wide() && !all_of_items(options.crew, label_.data(), n_valid(), is_exact))
            make_gaps(labels, options.crew);
        const double* const gap = label_gap_.empty() ? label_.data() : label_gap_.data();
        labels_fit_float_ = all_of_items(options.crew, gap, n_valid(), fits_float);
    }
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

/// Writes a list's items to where it begins in the data, and the number of its items to where the next one begins.
void Plan::plan_list(std::int64_t list, const Labels& labels, const std::uint8_t* mask, const PlanOptions& options,
                     LabelSort& sort, Run& run, const Team& team) {
    const std::int64_t base = lists_.begin(list);
    const auto l = static_cast<std::size_t>(list);
    sort.read(labels, mask == nullptr ? nullptr : mask + base, base, static_cast<std::int32_t>(lists_.end(list) - base),
              options.ignore_negative, team);
    if (!sort.finite()) look_for_nan(list, options, sort, run);
    if (options.order == kByLabelLastFirst) sort.reverse();
    const std::int32_t n = sort.size();
    std::int32_t* const order = order_.data() + base;
    begin_[l + 1] = n;
    if (options.order == kByPosition) {
        for (std::int32_t k = 0; !sort.all_valid() && k < n; ++k) order[k] = sort.position(k);
        if (!label_.empty()) std::copy_n(sort.number(), n, label_.data() + base);
    } else {
        std::int32_t* const level_begin = run.levels.data() + run.n_levels;
        const std::int32_t n_levels = sort.sort(order, level_begin, team);
        if (n > kPartItems && team.stopped()) return;  // as the order may not be whole
        std::int64_t pairs = 0;
        for (std::int32_t q = 0; q < n_levels; ++q)
            pairs += std::int64_t{level_begin[q]} * (level_begin[q + 1] - level_begin[q]);
        pairs_[l] = static_cast<double>(pairs);
        if (options.order == kByLabel) run.n_levels += levels_begin_[l + 1] = n_levels + 1;
        double* const label = label_.empty() ? nullptr : label_.data() + base;
        for_items(team, n, [&](std::int64_t first, std::int64_t end) {
            for (std::int64_t k = first; label != nullptr && k < end; ++k) label[k] = sort.number()[order[k]];
            sort.to_positions(order + first, end - first);
        });
    }
    if (options.quadratic_cost) pairs_[l] = static_cast<double>(n) * n;
}

/// Notes a label that makes the list NaN, or the first one that may not.
void Plan::look_for_nan(std::int64_t list, const PlanOptions& options, const LabelSort& sort, Run& run) {
    for (std::int32_t k = 0; k < sort.size(); ++k) {
        const double label = sort.number()[k];
        if (!std::isnan(label) && !(options.labels_are_numbers && std::isinf(label))) continue;
        if (options.propagate_nan) nan_list_[static_cast<std::size_t>(list)] = 1;
        else if (run.bad < 0) {
            run.bad = lists_.begin(list) + sort.position(k);
            run.bad_is_nan = std::isnan(label);
        }
    }
}

void Plan::refuse(const Run& run, const PlanOptions& options) const {
    if (run.bad_is_nan)
        throw ArgumentError("labels (y_true): NaN at " + lists_.place(run.bad) + "; numbers are wanted, and a mask" +
                            (options.ignore_negative ? " or a negative label" : "") + " for items to be ignored");
    throw ArgumentError("labels (y_true): infinity at " + lists_.place(run.bad) + "; this loss wants finite labels");
}

/// Lists follow each other without what is not valid.
void Plan::close_gaps() {
    for (std::int64_t l = 0; l < lists_.count(); ++l) {
        const auto n = static_cast<std::int32_t>(begin_[static_cast<std::size_t>(l) + 1]);
        const std::int64_t from = lists_.begin(l), to = begin(l);
        begin_[static_cast<std::size_t>(l) + 1] = to + n;
        longest_ = std::max(longest_, n);
        if (from == to) continue;
        if (!in_place(l)) std::copy_n(order_.data() + from, n, order_.data() + to);
        if (!label_.empty()) std::copy_n(label_.data() + from, n, label_.data() + to);
    }
    if (item_order_ == kByPosition && all_valid()) order_ = Room<std::int32_t>();
    if (!label_.empty()) std::fill_n(label_.data() + n_valid(), kPadding, 0.0);
}

void Plan::join_levels(std::vector<Run>& runs) {
    for (std::size_t l = 1; l < levels_begin_.size(); ++l) levels_begin_[l] += levels_begin_[l - 1];
    std::int32_t* to = level_begin_.of(levels_begin_.back());
    for (const Run& run : runs) to = std::copy_n(run.levels.data(), run.n_levels, to);
}

/// Time stamps are large, and so may be their differences, but less so.
void Plan::make_gaps(const Labels& labels, const Crew& crew) {
    double* const gap = label_gap_.of(n_valid());
    std::fill_n(gap + n_valid(), kPadding, 0.0);
    visit_labels(labels, [&](const auto* of) {
        if constexpr (std::is_integral_v<std::decay_t<decltype(*of)>>)
            ListRuns(lists_).for_each(crew, [&](const ListRun& run, int, const Team& team) {
                for (std::int64_t l = run.begin; l < run.end; ++l)
                    for_items(team, size(l), [&](std::int64_t first, std::int64_t end) {
                        for (auto k = static_cast<std::int32_t>(first); k < end; ++k)
                            gap[begin(l) + k] = static_cast<double>(static_cast<std::uint64_t>(of[item(l, k)]) -
                                                                    static_cast<std::uint64_t>(of[item(l, 0)]));
                    });
            });
    });
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
