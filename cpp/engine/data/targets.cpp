// What listwise losses make of labels: gains, clipped labels, noise.
#include "engine/data/targets.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "engine/data/gains.hpp"
#include "engine/data/list_runs.hpp"
#include "engine/runtime/errors.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/sorting/argsort.hpp"

namespace rankgrad {

double largest_size(const double* x, std::int32_t n) {
    double largest = 0;
    for (std::int32_t k = 0; k < n; ++k) largest = std::max(largest, std::abs(x[k]));
    return largest;
}

namespace {

/// Calls fill(value), value(y) being the target of a label y.
template <class Fill> void with_value_of(Target target, Fill fill) {
    switch (target) {
        case Target::kClippedLabel: return fill([](double y) { return std::min(std::max(y, 0.0), 1.0); });
        case Target::kExp2Gain: return fill([](double y) { return exp2_gain(y); });
        case Target::kRelevant: return fill([](double y) { return y >= 1.0 ? 1.0 : 0.0; });
        case Target::kNoisyPower: return fill([](double y) { return std::exp2(y); });
        default: return fill([](double y) { return y; });
    }
}

void normalize(double* x, std::int32_t n) {
    const double scale = sum_scale(largest_size(x, n));
    double total = 0;
    for (std::int32_t k = 0; k < n; ++k) total += x[k] * scale;
    for (std::int32_t k = 0; k < n; ++k) x[k] = total != 0 ? x[k] * scale / total : 0;
}

std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

}  // namespace

Room<double> make_targets(const Plan& plan, Target target, const Crew& crew) {
    Room<double> targets;
    double* const out = targets.of(plan.n_valid());
    std::fill_n(out + plan.n_valid(), kPadding, 0.0);
    const double* const label = plan.label(0);
    std::atomic<bool> all_finite{true};
    with_value_of(target, [&](auto value) {
        for_items(crew, plan.n_valid(), [&](std::int64_t begin, std::int64_t end) {
            if (target == Target::kOne) return std::fill(out + begin, out + end, 1.0);
            std::transform(label + begin, label + end, out + begin, value);
            if (!kernels().double_finite(out + begin, end - begin)) all_finite.store(false, std::memory_order_relaxed);
        });
    });
    for (std::int64_t l = 0; !all_finite.load() && l < plan.lists().count(); ++l)
        for (std::int32_t k = 0; !plan.is_nan(l) && k < plan.size(l); ++k)
            if (std::isinf(out[plan.begin(l) + k]))
                throw ArgumentError("labels (y_true): the gain of the label at " + plan.lists().place(plan.item(l, k)) +
                                    " is not finite");
    if (target == Target::kNormalizedLabel)
        ListRuns(plan.lists()).for_each(crew, [&](const ListRun& run, int, const Team&) {
            for (std::int64_t l = run.begin; l < run.end; ++l) normalize(out + plan.begin(l), plan.size(l));
        });
    return targets;
}

Room<double> discounts(std::int64_t n, double cutoff, const Crew& crew) {
    Room<double> discounts;
    double* const out = discounts.of(n);
    for_items(crew, n, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r)
            out[r] = cutoff == 0 || static_cast<double>(r) < cutoff ? discount_of(r) : 0.0;
    });
    return discounts;
}

namespace {

/// Numbers that are sorted by comparisons.
constexpr std::int32_t kFewNumbers = 64;

/// Sorts a list's finite gains ascending. Of those of higher labels, none is mostly lower.
class GainSort {
public:
    const double* ascending(const double* gain, std::int32_t n, const Team& team) {
        if (std::is_sorted(gain, gain + n)) return gain;
        double* const copy = copy_.of(n);
        if (n <= kFewNumbers) {
            std::copy_n(gain, n, copy);
            std::sort(copy, copy + n);
            return copy;
        }
        double low, high;
        copy_scores(gain, n, copy, &low, &high);
        const auto size = static_cast<std::size_t>(n);
        const Sortable<double> sorted = scratch_.sorted(size);
        radix_argsort<double>({copy}, n, low, high, sorted, scratch_.room(size), scratch_.count, team);
        return sorted.number;
    }

private:
    Room<double> copy_;
    SortScratch<double> scratch_;
};

}  // namespace

IdealSums ideal_sums(const Plan& plan, const double* gains, double cutoff, const double* discount, const Crew& crew) {
    const auto n_lists = static_cast<std::size_t>(plan.lists().count());
    IdealSums ideal{std::vector<double>(n_lists), std::vector<double>(n_lists, 1.0)};
    const ListRuns runs(plan.lists());
    std::vector<GainSort> sorts(static_cast<std::size_t>(runs.threads(crew)));
    runs.for_each(crew, [&](const ListRun& run, int worker, const Team& team) {
        for (std::int64_t l = run.begin; l < run.end; ++l) {
            if (plan.is_nan(l)) continue;
            const std::int32_t n = plan.size(l);
            const double* const gain = gains + plan.begin(l);
            const double* const sorted = sorts[static_cast<std::size_t>(worker)].ascending(gain, n, team);
            const double scale = sum_scale(largest_size(gain, n));
            double sum = 0;
            for (std::int32_t r = 0; r < n && (cutoff == 0 || r < cutoff); ++r)
                sum += sorted[n - 1 - r] * scale * discount[r];
            ideal.sum[static_cast<std::size_t>(l)] = sum;
            ideal.scale[static_cast<std::size_t>(l)] = scale;
        }
    });
    return ideal;
}

double noise(std::uint64_t seed, std::uint64_t iteration, std::int64_t list, std::int64_t position) {
    const std::uint64_t stream = mix(mix(mix(seed) ^ iteration) ^ static_cast<std::uint64_t>(list));
    return static_cast<double>(mix(stream ^ static_cast<std::uint64_t>(position)) >> 11) * 0x1p-53;
}

}  // namespace rankgrad
