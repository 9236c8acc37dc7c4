// Each part is kept as a sum of terms that are at most 1, and the exponent of its largest one.
#include "engine/direct/overflowed_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/runtime/isa_dispatch.hpp"

namespace rankgrad {
namespace {

/// Sums of w e^((x - top) / unit) and of w v e^((x - top) / unit).
struct ScaledSums {
    double top = -std::numeric_limits<double>::infinity(), plain = 0, vector = 0;

    void add(double x, double unit, double w, double v) {
        if (w == 0) return;
        if (x > top) {
            const double shrink = std::exp((top - x) / unit);
            plain *= shrink;
            vector *= shrink;
            top = x;
        }
        const double term = w * std::exp((x - top) / unit);
        plain += term;
        vector += term * v;
    }
};

/// a e^x + b e^y
double sum_of_exponentials(double a, double x, double b, double y) {
    if (a == 0 && b == 0) return 0;
    if (a == 0) x = y;
    if (b == 0) y = x;
    const double top = std::max(x, y), half = std::exp(0.5 * top);
    const double sum = a * std::exp(x - top) + b * std::exp(y - top);
    return sum == 0 ? 0 : sum * half * half;
}

class OverflowedSums {
public:
    /// Without pair weights the parts of a level's items differ by a factor only.
    OverflowedSums(const GatheredList& list, bool pair_weighted)
        : list_(list), a_(list.arrays()), levels_(static_cast<std::size_t>(list.n_levels())), lower_(levels_ + 1),
          higher_(levels_ + 1) {
        if (pair_weighted) return;
        const std::int32_t* begin = list.level_begin();
        for (std::size_t q = 0; q < levels_; ++q) {
            lower_[q + 1] = lower_[q];
            for (std::int32_t j = begin[q]; j < begin[q + 1]; ++j) add_lower(lower_[q + 1], j, 1);
        }
        for (std::size_t q = levels_; q-- > 0;) {
            higher_[q] = higher_[q + 1];
            for (std::int32_t i = begin[q]; i < begin[q + 1]; ++i) add_higher(higher_[q], i, 1);
        }
    }

    bool is_lost(std::int32_t k) const { return is_lost(a_.grad, k) || is_lost(a_.hess, k); }

    /// All sums of an item that are not finite; `weight`: of its pairs with all items, null for ones.
    void mend(std::int32_t k, const double* weight) const {
        const std::int32_t* begin = list_.level_begin();
        const auto q = static_cast<std::size_t>(std::upper_bound(begin, begin + levels_, k) - begin - 1);
        ScaledSums lower = lower_[q], higher = higher_[q + 1];
        for (std::int32_t j = 0; weight != nullptr && j < begin[q]; ++j) add_lower(lower, j, weight[j]);
        for (std::int32_t i = begin[q + 1]; weight != nullptr && i < list_.n(); ++i) add_higher(higher, i, weight[i]);
        const double w = a_.weight[k], x = (lower.top - a_.score[k]) / unit(), y = (a_.score[k] + higher.top) / unit();
        if (list_.mode == kHessVector) {
            const double v = a_.vector[k];
            a_.grad[k] =
                sum_of_exponentials(w * (v * lower.plain - lower.vector), x, v * higher.plain - higher.vector, y);
            return;
        }
        if (is_lost(a_.grad, k)) a_.grad[k] = sum_of_exponentials(-w * lower.plain, x, higher.plain, y);
        if (is_lost(a_.hess, k)) a_.hess[k] = sum_of_exponentials(w * lower.plain, x, higher.plain, y);
    }

private:
    static bool is_lost(const double* sums, std::int32_t k) { return sums != nullptr && !std::isfinite(sums[k]); }
    double unit() const { return list_.unit.unit(); }
    double vector(std::int32_t k) const { return a_.vector == nullptr ? 0 : a_.vector[k]; }
    void add_lower(ScaledSums& sums, std::int32_t j, double weight) const {
        sums.add(a_.score[j], unit(), weight, vector(j));
    }
    void add_higher(ScaledSums& sums, std::int32_t i, double weight) const {
        sums.add(-a_.score[i], unit(), weight * a_.weight[i], vector(i));
    }

    const GatheredList& list_;
    const SumArrays a_;
    const std::size_t levels_;
    std::vector<ScaledSums> lower_, higher_;  ///< of the levels below q, and from q on
};

}  // namespace

void mend_overflowed_sums(const GatheredList& list, const PairWeightsOf& weights_of) {
    constexpr std::size_t kItems = 16;  // of a part: between two looks at the interrupt flag
    const SumArrays a = list.arrays();
    const auto fits = [&](const double* sums) { return sums == nullptr || kernels().double_finite(sums, list.n()); };
    if (fits(a.grad) && fits(a.hess)) return;
    const OverflowedSums sums(list, static_cast<bool>(weights_of));
    std::vector<std::int32_t> lost;
    for (std::int32_t k = 0; k < list.n(); ++k)
        if (sums.is_lost(k)) lost.push_back(k);
    list.team.run(static_cast<std::int64_t>((lost.size() + kItems - 1) / kItems), [&](std::int64_t part) {
        std::vector<double> weight(weights_of ? static_cast<std::size_t>(list.n()) + kPadding : 0);
        const std::size_t first = static_cast<std::size_t>(part) * kItems;
        for (std::size_t m = first; m < std::min(first + kItems, lost.size()); ++m) {
            if (weights_of) weights_of(lost[m], weight.data());
            sums.mend(lost[m], weights_of ? weight.data() : nullptr);
        }
    });
}

}  // namespace rankgrad
