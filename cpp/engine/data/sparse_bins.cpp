// Bins in the order of the scores: a new one begins where the number changes.
#include "engine/data/sparse_bins.hpp"

#include <cstddef>

#include "engine/runtime/memory.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {
namespace {

/// Widths without a score after which a new grid begins: what is farther away is not a near bin.
constexpr double kWideGap = 6;

}  // namespace

void find_bins(const double* score, std::int32_t n, double low, double high, double width, ScoreBins& bins,
               SortScratch<double>& sort, const Team& team) {
    const auto size = static_cast<std::size_t>(n);
    const Sortable<double> sorted = sort.sorted(size);
    radix_argsort<double>({score}, n, low, high, sorted, sort.room(size), sort.count, team);
    padded(bins.bin, size);
    padded(bins.place, size);
    bins.step.clear();
    BinGrid grid;
    BinPlace at{};
    for (std::int32_t k = 0; k < n; ++k) {
        const double x = sorted.number[k], gap = k == 0 ? 0 : x - sorted.number[k - 1];
        const bool begins = k == 0 || gap > kWideGap * width;
        const BinPlace before = at;
        if (begins) grid = make_grid(x, width);
        at = bin_place(grid, x);
        if (begins) bins.step.push_back(gap / width + 0.5 * (1 + before.place));  // from where the bin before begins
        else if (at.bin != before.bin) bins.step.push_back(at.bin - before.bin);
        const auto item = static_cast<std::size_t>(sorted.index[k]);
        bins.bin[item] = static_cast<std::int32_t>(bins.step.size()) - 1;
        bins.place[item] = at.place;
    }
}

}  // namespace rankgrad
