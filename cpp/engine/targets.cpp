// What listwise losses make of labels: gains, clipped labels, noise.
#include "engine/targets.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/errors.hpp"
#include "engine/magnitudes.hpp"

namespace rankgrad {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

double value_of(double y, Target target) {
    if (target == Target::kClippedLabel) return std::min(std::max(y, 0.0), 1.0);
    if (target == Target::kExp2Gain) return std::abs(y) < 1 ? std::expm1(y * kLn2) : std::exp2(y) - 1;
    if (target == Target::kRelevant) return y >= 1.0 ? 1.0 : 0.0;
    if (target == Target::kNoisyPower) return std::exp2(y);
    return y;
}

/// Takes the power of two of the largest number out of all of them, for the sum to be finite. Only their shares matter.
void scale(double* x, std::int32_t n) {
    double largest = 0;
    for (std::int32_t k = 0; k < n; ++k) largest = std::max(largest, std::abs(x[k]));
    const int exponent = excess_exponent(largest);
    for (std::int32_t k = 0; exponent != 0 && k < n; ++k) x[k] = std::ldexp(x[k], -exponent);
}

void normalize(double* x, std::int32_t n) {
    scale(x, n);
    double total = 0;
    for (std::int32_t k = 0; k < n; ++k) total += x[k];
    for (std::int32_t k = 0; k < n; ++k) x[k] = total != 0 ? x[k] / total : 0;
}

std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

}  // namespace

Target target_of(const std::string& name) {
    constexpr const char* names[] = {"label", "normalized_label", "clipped_label", "exp2_gain", "linear_gain",
                                     "one",   "relevant",         "noisy_power"};
    for (std::size_t k = 0; k < std::size(names); ++k)
        if (name == names[k]) return static_cast<Target>(k);
    throw ArgumentError("target: '" + name + "' is unknown");
}

std::vector<double> make_targets(const Plan& plan, Target target) {
    std::vector<double> targets(static_cast<std::size_t>(plan.n_valid()) + 16);
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

void scale_gains(const Plan& plan, std::vector<double>& gains) {
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) scale(gains.data() + plan.begin(l), plan.size(l));
}

std::vector<double> ideal_sums(const Plan& plan, const std::vector<double>& gains, double cutoff) {
    std::vector<double> sums, sorted;
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        const auto first = gains.begin() + plan.begin(l);
        sorted.assign(first, first + plan.size(l));
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        double sum = 0;
        for (std::size_t r = 0; r < sorted.size() && (cutoff == 0 || static_cast<double>(r) < cutoff); ++r)
            sum += sorted[r] / std::log2(static_cast<double>(r) + 2.0);
        sums.push_back(sum);
    }
    return sums;
}

double noise(std::uint64_t seed, std::uint64_t iteration, std::int64_t list, std::int64_t position) {
    const std::uint64_t stream = mix(mix(mix(seed) ^ iteration) ^ static_cast<std::uint64_t>(list));
    return static_cast<double>(mix(stream ^ static_cast<std::uint64_t>(position)) >> 11) * 0x1p-53;
}

}  // namespace rankgrad
