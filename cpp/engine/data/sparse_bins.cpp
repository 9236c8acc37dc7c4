// Bins in the order of the scores: a new one begins where the number changes.
#include "engine/data/sparse_bins.hpp"

#include <cstddef>

#include "engine/runtime/memory.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {
void BinWalk::next(double x) {
    const double gap = first_ ? 0 : x - score_;
    const bool begins = first_ || gap > kWideGap * width_;
    const BinPlace before = at_;
    if (begins) grid_ = make_grid(x, width_);
    at_ = bin_place(grid_, x);
    step_ = begins ? gap / width_ + 0.5 * (1 + before.place) : at_.bin - before.bin;  // from where that bin begins
    score_ = x;
    first_ = false;
}

void find_bins(const double* score, std::int32_t n, double low, double high, double width, ScoreBins& bins,
               SortScratch<double>& sort, const Team& team) {
    const auto size = static_cast<std::size_t>(n);
    const Sortable<double> sorted = sort.sorted(size);
    radix_argsort<double>({score}, n, low, high, sorted, sort.room(size), sort.count, team);
    padded(bins.bin, size);
    padded(bins.place, size);
    bins.step.clear();
    BinWalk walk(width);
    for (std::int32_t k = 0; k < n; ++k) {
        walk.next(sorted.number[k]);
        if (walk.step() > 0) bins.step.push_back(walk.step());
        const auto item = static_cast<std::size_t>(sorted.index[k]);
        bins.bin[item] = static_cast<std::int32_t>(bins.step.size()) - 1;
        bins.place[item] = walk.place();
    }
}

}  // namespace rankgrad
