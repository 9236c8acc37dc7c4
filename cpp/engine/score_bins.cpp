// Bins in the order of the scores: a new one begins where the number changes.
#include "engine/score_bins.hpp"

#include <cmath>
#include <cstddef>

#include "engine/workspace.hpp"

namespace rankgrad {

void find_bins(const double* score, std::int32_t n, double low, double high, double per_unit, ScoreBins& bins,
               SortScratch<double>& sort, const Team& team) {
    const auto size = static_cast<std::size_t>(n);
    const Sortable<double> sorted = sort.sorted(size);
    radix_argsort<double>({score}, n, low, high, sorted, sort.room(size), sort.count, team);
    padded(bins.bin, size);
    bins.grid.clear();
    for (std::int32_t k = 0; k < n; ++k) {
        const double cell = std::floor(sorted.number[k] * per_unit);
        if (bins.grid.empty() || bins.grid.back() != cell) bins.grid.push_back(cell);
        bins.bin[static_cast<std::size_t>(sorted.index[k])] = static_cast<std::int32_t>(bins.grid.size()) - 1;
    }
}

}  // namespace rankgrad
