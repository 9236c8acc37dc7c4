// Weights that are finite where they matter, their sum, and the divisors of reductions.
#include "engine/objective/weights.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/runtime/errors.hpp"

namespace rankgrad {
namespace {

bool is_finite(double x) { return std::isfinite(x); }

/// A sum by halves, in whose last step eight sums run side by side: its error grows with log n, and its bits are those
/// of NumPy's `sum`.
double sum_by_halves(const double* x, std::int64_t n) {
    if (n > 128) {
        const std::int64_t half = n / 2 - n / 2 % 8;
        return sum_by_halves(x, half) + sum_by_halves(x + half, n - half);
    }
    double part[8] = {};
    std::int64_t k = 0;
    for (; k + 8 <= n; k += 8)
        for (int l = 0; l < 8; ++l) part[l] += x[k + l];
    double sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    for (; k < n; ++k) sum += x[k];
    return sum;
}
double sum_by_halves(const std::vector<double>& x) {
    return sum_by_halves(x.data(), static_cast<std::int64_t>(x.size()));
}

[[noreturn]] void refuse(double weight, const std::string& place) {
    throw ArgumentError("sample_weight: " + std::string(std::isnan(weight) ? "NaN" : "infinity") + " at " + place +
                        "; finite numbers are wanted");
}

}  // namespace

Weights::Weights(const SampleWeight& given, const Plan& plan, bool raising)
    : number_(given.number), per_item_(given.item != nullptr), per_list_(given.list != nullptr) {
    if (number_.has_value() && raising && !std::isfinite(*number_))
        throw ArgumentError("sample_weight: a finite number is wanted, got " + std::to_string(*number_));
    const double* array = per_item_ ? given.item : given.list;
    if (array == nullptr) return;
    array_.assign(array, array + (per_item_ ? plan.lists().n_items() : plan.lists().count()));
    if (std::all_of(array_.begin(), array_.end(), is_finite)) return;
    if (per_item_) mend_items(plan, raising);
    else mend_lists(plan, raising);
}

void Weights::mend_items(const Plan& plan, bool raising) {
    const std::int64_t bad = raising ? plan.first_nonfinite(array_.data(), 1) : -1;
    if (bad >= 0) refuse(array_[static_cast<std::size_t>(bad)], plan.lists().place(bad));
    std::vector<std::uint8_t> valid(array_.size());
    plan.write_mask(valid.data());
    for (std::size_t i = 0; i < array_.size(); ++i)
        if (valid[i] == 0 && !std::isfinite(array_[i])) array_[i] = 0;
}

void Weights::mend_lists(const Plan& plan, bool raising) {
    for (std::int64_t l = 0; l < plan.lists().count(); ++l) {
        double& weight = array_[static_cast<std::size_t>(l)];
        if (std::isfinite(weight)) continue;
        if (plan.size(l) == 0) weight = 0;
        else if (raising) refuse(weight, "list " + std::to_string(l));
    }
}

double Weights::total() const {
    if (number_.has_value()) return *number_;
    const double total = sum_by_halves(array_);
    if (std::isfinite(total)) return total;
    std::vector<double> finite;
    std::copy_if(array_.begin(), array_.end(), std::back_inserter(finite), is_finite);
    return sum_by_halves(finite);
}

void Weights::balance() {
    double largest = 0;
    for (const double weight : array_)
        if (std::isfinite(weight)) largest = std::max(largest, std::abs(weight));
    if (largest == 0 || (largest > 1e-200 && largest < 1e200)) return;
    int exponent = 0;
    std::frexp(largest, &exponent);
    for (double& weight : array_) weight = std::ldexp(weight, -exponent);
}

double divisor_of(Reduction reduction, const Weights& weights, const BoundLoss& loss) {
    const Plan& plan = loss.plan();
    const Lists& lists = plan.lists();
    switch (reduction) {
        case Reduction::kNone:
        case Reduction::kSum: return 1.0;
        case Reduction::kMeanOverPairs: {
            std::vector<double> pairs(static_cast<std::size_t>(lists.count()));
            for (std::size_t l = 0; l < pairs.size(); ++l) pairs[l] = loss.pairs(static_cast<std::int64_t>(l));
            return sum_by_halves(pairs);
        }
        case Reduction::kMeanOverLists: return static_cast<double>(plan.n_nonempty_lists());
        case Reduction::kMeanOverItems: return static_cast<double>(plan.n_valid());
        case Reduction::kMeanWithSampleWeight:
            if (weights.any()) return weights.total();
            [[fallthrough]];
        default: return static_cast<double>(loss.values_per_item() ? lists.n_items() : lists.count());
    }
}

}  // namespace rankgrad
