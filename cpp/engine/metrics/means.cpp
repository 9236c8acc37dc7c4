// Sums are taken in a scale that brings the numbers near 1, so that a mean is finite where its numbers are.
#include "engine/metrics/means.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/data/gains.hpp"

namespace rankgrad {
namespace {

constexpr std::int64_t kRows = 1 << 14;  ///< looked at between two questions whether to stop

/// Calls body(row, weight) for the rows that count.
template <class Body> void for_rows(const double* weights, std::int64_t n_rows, InterruptCheck check, Body body) {
    parallel_for((n_rows + kRows - 1) / kRows, 1, check, [&](std::int64_t part, Worker&) {
        for (std::int64_t row = part * kRows; row < std::min(n_rows, (part + 1) * kRows); ++row) {
            const double weight = weights == nullptr ? 1.0 : weights[row];
            if (weight != 0.0) body(row, weight);
        }
    });
}

double finite_size(double x) { return std::isfinite(x) ? std::abs(x) : 0.0; }

}  // namespace

void weighted_means(const double* values, const double* weights, std::int64_t n_rows, std::int64_t n_columns,
                    bool skip_nan, InterruptCheck check, double* means) {
    for (std::int64_t column = 0; column < n_columns; ++column) {
        double largest = 0.0, heaviest = 0.0;
        for_rows(weights, n_rows, check, [&](std::int64_t row, double weight) {
            largest = std::max(largest, finite_size(values[row * n_columns + column]));
            heaviest = std::max(heaviest, weight);
        });
        const double scale = unit_scale(largest), weight_scale = unit_scale(heaviest);
        BlockSum sum, total;
        for_rows(weights, n_rows, check, [&](std::int64_t row, double weight) {
            const double value = values[row * n_columns + column];
            if (skip_nan && std::isnan(value)) return;
            sum.add(weight * weight_scale * (value * scale));
            total.add(weight * weight_scale);
        });
        means[column] = total.sum() > 0.0 ? sum.sum() / total.sum() / scale : std::numeric_limits<double>::quiet_NaN();
    }
}

void list_means(const double* x, const Lists& lists, double* means) {
    for (std::int64_t l = 0; l < lists.count(); ++l) {
        double largest = 0.0;
        for (std::int64_t i = lists.begin(l); i < lists.end(l); ++i) largest = std::max(largest, finite_size(x[i]));
        const double scale = unit_scale(largest);
        BlockSum sum;
        for (std::int64_t i = lists.begin(l); i < lists.end(l); ++i) sum.add(x[i] * scale);
        const auto size = static_cast<double>(lists.end(l) - lists.begin(l));
        means[l] = size > 0.0 ? sum.sum() / size / scale : 0.0;
    }
}

}  // namespace rankgrad
