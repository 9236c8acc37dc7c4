// What listwise losses make of labels: gains, clipped labels, noise.
#include "engine/data/targets.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/runtime/errors.hpp"
#include "engine/runtime/memory.hpp"
#include "engine/data/gains.hpp"

namespace rankgrad {

double largest_size(const double* x, std::int32_t n) {
    double largest = 0;
    for (std::int32_t k = 0; k < n; ++k) largest = std::max(largest, std::abs(x[k]));
    return largest;
}

namespace {

double value_of(double y, Target target) {
    if (target == Target::kClippedLabel) return std::min(std::max(y, 0.0), 1.0);
    if (target == Target::kExp2Gain) return exp2_gain(y);
    if (target == Target::kRelevant) return y >= 1.0 ? 1.0 : 0.0;
    if (target == Target::kNoisyPower) return std::exp2(y);
    return y;
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

std::vector<double> make_targets(const Plan& plan, Target target) {
    std::vector<double> targets(static_cast<std::size_t>(plan.n_valid()) + kPadding);
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        double* out = targets.data() + plan.begin(l);
        const double* label = plan.label(l);
        for (std::int32_t k = 0; k < plan.size(l); ++k) {
            out[k] = value_of(target == Target::kOne ? 1.0 : label[k], target);
            if (std::isinf(out[k]) && !plan.is_nan(l))
                throw ArgumentError("labels (y_true): the gain of the label at " + plan.lists().place(plan.item(l, k)) +
                                    " is not finite");
        }
        if (target == Target::kNormalizedLabel) normalize(out, plan.size(l));
    }
    return targets;
}

IdealSums ideal_sums(const Plan& plan, const std::vector<double>& gains, double cutoff) {
    IdealSums ideal;
    std::vector<double> sorted;
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        const auto first = gains.begin() + plan.begin(l);
        sorted.assign(first, first + plan.size(l));
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        const double scale = sum_scale(largest_size(sorted.data(), plan.size(l)));
        double sum = 0;
        for (std::size_t r = 0; r < sorted.size() && (cutoff == 0 || static_cast<double>(r) < cutoff); ++r)
            sum += sorted[r] * scale * discount_of(static_cast<std::int64_t>(r));
        ideal.sum.push_back(sum);
        ideal.scale.push_back(scale);
    }
    return ideal;
}

double noise(std::uint64_t seed, std::uint64_t iteration, std::int64_t list, std::int64_t position) {
    const std::uint64_t stream = mix(mix(mix(seed) ^ iteration) ^ static_cast<std::uint64_t>(list));
    return static_cast<double>(mix(stream ^ static_cast<std::uint64_t>(position)) >> 11) * 0x1p-53;
}

}  // namespace rankgrad
