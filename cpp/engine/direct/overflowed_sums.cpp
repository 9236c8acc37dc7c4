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
    if (a == 0) x = y;
    if (b == 0) y = x;
    const double top = std::max(x, y), half = std::exp(0.5 * top);
    const double sum = a * std::exp(x - top) + b * std::exp(y - top);
    return sum == 0 ? 0 : sum * half * half;
}

class OverflowedSums {
public:
    OverflowedSums(const GatheredList& list, const PairWeightOf& weight_of)
        : list_(list), a_(list.arrays()), weight_of_(weight_of), levels_(static_cast<std::size_t>(list.n_levels())),
          lower_(levels_ + 1), higher_(levels_ + 1) {
        if (weight_of) return;
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

    /// All sums of an item of level q.
    void mend(std::int32_t k, std::size_t q) const {
        ScaledSums lower = lower_[q], higher = higher_[q + 1];
        for (std::int32_t i = 0; weight_of_ && i < list_.n(); ++i) {
            if (i < list_.level_begin()[q]) add_lower(lower, i, weight_of_(k, i));
            if (i >= list_.level_begin()[q + 1]) add_higher(higher, i, weight_of_(i, k));
        }
        const double w = a_.weight[k], x = (lower.top - a_.score[k]) / unit(), y = (a_.score[k] + higher.top) / unit();
        if (list_.mode == kHessVector) {
            const double v = a_.vector[k];
            a_.grad[k] =
                sum_of_exponentials(w * (v * lower.plain - lower.vector), x, v * higher.plain - higher.vector, y);
            return;
        }
        if (!std::isfinite(a_.grad[k])) a_.grad[k] = sum_of_exponentials(-w * lower.plain, x, higher.plain, y);
        if (a_.hess != nullptr && !std::isfinite(a_.hess[k]))
            a_.hess[k] = sum_of_exponentials(w * lower.plain, x, higher.plain, y);
    }

private:
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
    const PairWeightOf& weight_of_;
    const std::size_t levels_;
    std::vector<ScaledSums> lower_, higher_;  ///< of the levels below q, and from q on
};

}  // namespace

bool has_overflowed_sums(const GatheredList& list) {
    const SumArrays a = list.arrays();
    const auto has = [&](const double* sums) { return sums != nullptr && !kernels().double_finite(sums, list.n()); };
    return has(a.grad) || has(a.hess);
}

void mend_overflowed_sums(const GatheredList& list, const PairWeightOf& weight_of) {
    const SumArrays a = list.arrays();
    const OverflowedSums sums(list, weight_of);
    for (std::size_t q = 0; q < static_cast<std::size_t>(list.n_levels()); ++q)
        for (std::int32_t k = list.level_begin()[q]; k < list.level_begin()[q + 1]; ++k)
            if ((a.grad != nullptr && !std::isfinite(a.grad[k])) || (a.hess != nullptr && !std::isfinite(a.hess[k])))
                sums.mend(k, q);
}

}  // namespace rankgrad
