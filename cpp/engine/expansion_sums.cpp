// The driver of the near-linear sums: tables once per process, the blocks of a list, the calls of both passes.
#include "engine/expansion_sums.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <mutex>

#include "engine/cost_model.hpp"

namespace rankgrad {
namespace {

/// Items of the blocks of one kernel call, between two looks at the interrupt flag.
constexpr std::int32_t kItemsPerCall = 1 << 16;
constexpr double kPi = 3.14159265358979323846;

/// The tables of a loss at an instruction-set level; they stay for the life of the process.
const double* tables_of(const ExpansionKernels& kernels) {
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

/// A level of `run` items or more is a block; smaller ones join until they are as many together.
void cut_blocks(const PairJob<double>& job, std::int32_t run, std::vector<std::int32_t>& blocks) {
    blocks.assign(1, 0);
    for (std::int32_t q = 0; q < job.n_levels; ++q) {
        const bool large = job.level_begin[q + 1] - job.level_begin[q] >= run;
        if (large && blocks.back() < q) blocks.push_back(q);
        if (large || job.level_begin[q + 1] - job.level_begin[blocks.back()] >= run) blocks.push_back(q + 1);
    }
    if (blocks.back() < job.n_levels) blocks.push_back(job.n_levels);
}

/// Calls the kernel for all blocks of a pass, in its order, some blocks at a time.
void pass(const ExpansionKernels& kernels, PairMode mode, const PairJob<double>& job, Expansion& e, Team team) {
    const auto items = [&](std::int32_t begin, std::int32_t end) {
        return job.level_begin[e.block[end]] - job.level_begin[e.block[begin]];
    };
    e.block_begin = e.backward ? e.n_blocks : 0;
    e.block_end = e.block_begin;
    while ((e.backward ? e.block_begin > 0 : e.block_end < e.n_blocks) && !team.stopped()) {
        if (e.backward) {
            e.block_end = e.block_begin--;
            while (e.block_begin > 0 && items(e.block_begin - 1, e.block_end) <= kItemsPerCall) --e.block_begin;
        } else {
            e.block_begin = e.block_end++;
            while (e.block_end < e.n_blocks && items(e.block_begin, e.block_end + 1) <= kItemsPerCall) ++e.block_end;
        }
        kernels.sum[mode](job);
    }
}

/// Only differences of the vector matter, and small numbers lose less.
void centre(double* x, std::int32_t n) {
    double mean = 0;
    for (std::int32_t k = 0; k < n; ++k) mean += x[k] / n;
    for (std::int32_t k = 0; k < n; ++k) x[k] -= mean;
}

}  // namespace

void lend(ExpansionScratch& scratch, const ExpansionKernels& kernels, Expansion& e) {
    if (scratch.kernels != &kernels) {
        scratch.tables = tables_of(kernels);
        scratch.kernels = &kernels;
    }
    const auto n_bins = static_cast<std::size_t>(e.n_bins);
    const std::size_t doubles = n_bins * static_cast<std::size_t>(kernels.doubles_per_bin);
    scratch.bins.resize(std::max(scratch.bins.size(), doubles));
    scratch.marks.resize(std::max(scratch.marks.size(), 2 * n_bins));
    std::fill_n(scratch.bins.data(), doubles, 0.0);
    std::fill_n(scratch.marks.data(), 2 * n_bins, 0);
    e.tables = scratch.tables;
    e.bins = scratch.bins.data();
    e.marks = scratch.marks.data();
}

void expansion_sums(const ExpansionKernels& kernels, PairMode mode, PairJob<double> job, double* vector, double low,
                    double high, ExpansionScratch& scratch, Team team) {
    const double bins = expansion_bins(kernels, low, high);
    Expansion e;
    e.n_bins = static_cast<std::int32_t>(bins);
    e.low = low;
    cut_blocks(job, run_items(kernels, bins), scratch.blocks);
    e.block = scratch.blocks.data();
    e.n_blocks = static_cast<std::int32_t>(scratch.blocks.size()) - 1;
    if (mode == kHessVector) centre(vector, job.level_begin[job.n_levels]);
    job.vector = vector;
    job.expansion = &e;
    for (const bool backward : {false, true}) {
        if (backward && mode == kValue) continue;
        lend(scratch, kernels, e);
        e.backward = backward;
        pass(kernels, mode, job, e, team);
    }
}

}  // namespace rankgrad
