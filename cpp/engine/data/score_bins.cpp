// Tables are made once per process and loss; bins side by side, or only those that are not empty.
#include "engine/data/score_bins.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/data/cost_model.hpp"

namespace rankgrad {
namespace {

constexpr double kPi = 3.14159265358979323846;

}  // namespace

void take_off_origin(double* x, std::int32_t n) {
    const auto [low, high] = std::minmax_element(x, x + n);
    const double origin = exact_origin(*low, *high);
    for (std::int32_t k = 0; origin != 0 && k < n; ++k) x[k] -= origin;
}

void mark_bins(Expansion& e, std::int64_t moment_doubles) {
    for (std::int32_t b = 0; b < e.n_bins; ++b) {
        const double items = e.bins[b * moment_doubles];
        e.marks[b] = items > 1 ? kFilledBin : items > 0 ? kNoSourceOfItsOwn : kEmptyBin;
        e.marks[e.n_bins + b] = items > 0;
    }
}

/// Bins that share a slot are one: there are at least twice as many slots.
double count_bins(const double* score, std::int32_t n, double width) {
    constexpr int kSlotBits = 12;
    std::array<std::uint8_t, 1 << kSlotBits> taken{};
    for (std::int32_t k = 0; k < n; ++k) {
        const double bin = std::floor(score[k] / width);
        std::uint64_t bits;
        std::memcpy(&bits, &bin, sizeof bits);
        taken[bits * 0x9E3779B97F4A7C15 >> (64 - kSlotBits)] = 1;
    }
    const auto count = std::count(taken.begin(), taken.end(), std::uint8_t{1});
    return static_cast<std::size_t>(count) > taken.size() / 2 ? n : static_cast<double>(count);
}

const double* expansion_tables(const ExpansionKernels& kernels) {
    static std::mutex mutex;
    static std::map<const ExpansionKernels*, std::vector<double>> all;
    const std::lock_guard<std::mutex> lock(mutex);
    std::vector<double>& tables = all[&kernels];
    if (tables.empty()) {
        const int n = kernels.nodes;
        std::vector<double> cosine;
        for (int k = 0; k < n; ++k)
            for (int m = 0; m < n; ++m) cosine.push_back(std::cos(k * (m + 0.5) * kPi / n));
        std::vector<double> filled(static_cast<std::size_t>(kernels.table_doubles));
        kernels.fill(cosine.data(), filled.data());
        tables = std::move(filled);
    }
    return tables.data();
}

const double* cached_tables(ExpansionScratch& scratch, const ExpansionKernels& kernels) {
    if (scratch.kernels != &kernels) {
        scratch.tables = expansion_tables(kernels);
        scratch.kernels = &kernels;
    }
    return scratch.tables;
}

void attach_memory(ExpansionScratch& scratch, const ExpansionKernels& kernels, Expansion& e, std::int64_t passes) {
    const auto n_bins = static_cast<std::size_t>(passes * e.n_bins);
    const std::size_t doubles = n_bins * static_cast<std::size_t>(kernels.doubles_per_bin);
    scratch.bins.resize(std::max(scratch.bins.size(), doubles));
    scratch.marks.resize(std::max(scratch.marks.size(), 2 * n_bins));
    std::fill_n(scratch.bins.data(), doubles, 0.0);
    std::fill_n(scratch.marks.data(), 2 * n_bins, 0);
    e.tables = cached_tables(scratch, kernels);
    e.bins = scratch.bins.data();
    e.marks = scratch.marks.data();
}

Expansion make_bins(const ExpansionKernels& kernels, const double* score, std::int32_t n, double low, double high,
                    double unit, ExpansionScratch& scratch, SortScratch<double>& sort, const Team& team) {
    Expansion e;
    const double width = kernels.bin_width * unit;
    if (bins_side_by_side(kernels, 0, (high - low) / unit, n)) {
        e.grid = make_grid(low, width);
        e.n_bins = bin_place(e.grid, high).bin + 1;
    } else {
        ScoreBins& bins = scratch.score_bins;
        find_bins(score, n, low, high, width, bins, sort, team);
        e.n_bins = static_cast<std::int32_t>(bins.step.size());
        e.step = bins.step.data();
        e.bin = bins.bin.data();
        e.place = bins.place.data();
    }
    return e;
}

}  // namespace rankgrad
