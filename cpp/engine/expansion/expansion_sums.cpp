// The driver of the near-linear sums: the blocks of a list, the segments of both passes.
#include "engine/expansion/expansion_sums.hpp"

#include <algorithm>
#include <cstddef>

#include "engine/data/cost_model.hpp"

namespace rankgrad {
namespace {

/// Items of a segment: a part of a list for one thread at a time, between two looks at the interrupt flag.
constexpr std::int32_t kItemsPerSegment = 1 << 15;
/// Items of a segment for each bin that it keeps densities of.
constexpr double kItemsPerBin = 64;

/// A level of `run` items or more is a block; smaller ones join until they are as many together.
void cut_blocks(const PairJob<double>& job, std::int32_t run, Buffer<std::int32_t>& blocks) {
    blocks.assign(1, 0);
    for (std::int32_t q = 0; q < job.n_levels; ++q) {
        const bool large = job.level_begin[q + 1] - job.level_begin[q] >= run;
        if (large && blocks.back() < q) blocks.push_back(q);
        if (large || job.level_begin[q + 1] - job.level_begin[blocks.back()] >= run) blocks.push_back(q + 1);
    }
    if (blocks.back() < job.n_levels) blocks.push_back(job.n_levels);
}

/// First block of each segment, then the number of blocks: as many items in each as there may be between two looks at
/// the interrupt flag, and not more segments than their bins are worth the memory.
void cut_segments(const PairJob<double>& job, const Expansion& e, Buffer<std::int32_t>& segments) {
    const double n = job.level_begin[job.n_levels];
    const double most = std::max(1.0, n / (kItemsPerBin * e.n_bins));
    const double items = std::max(static_cast<double>(kItemsPerSegment), n / most);
    segments.assign(1, 0);
    for (std::int32_t b = 1; b < e.n_blocks; ++b)
        if (job.level_begin[e.block[b]] - job.level_begin[e.block[segments.back()]] >= items) segments.push_back(b);
    segments.push_back(e.n_blocks);
}

/// One pass over all blocks. Segments are done side by side: first their densities, then, each from the densities of
/// all before it, their sums.
class Pass {
public:
    Pass(const ExpansionKernels& kernels, PairMode mode, const PairJob<double>& job, const Expansion& e,
         const Buffer<std::int32_t>& segments)
        : kernels_(kernels), mode_(mode), job_(job), e_(e), segments_(segments),
          n_(static_cast<std::int64_t>(segments.size()) - 1) {}

    void run(const Team& team) const {
        if (n_ > 1) {
            team.run(n_ - 1, [&](std::int64_t k) { call(k, k + 1, true); });
            for (std::int64_t k = 1; k < n_; ++k) add_densities(k - 1, k);
        }
        team.run(n_, [&](std::int64_t k) { call(k, k, false); });
    }

private:
    double* bins(std::int64_t memory) const { return e_.bins + memory * kernels_.doubles_per_bin * e_.n_bins; }
    std::int32_t* marks(std::int64_t memory) const { return e_.marks + memory * 2 * e_.n_bins; }

    /// The k-th segment in the order of the pass, with the k-th memory or another.
    void call(std::int64_t k, std::int64_t memory, bool densities_only) const {
        const auto segment = static_cast<std::size_t>(e_.backward ? n_ - 1 - k : k);
        Expansion e = e_;
        e.bins = bins(memory);
        e.marks = marks(memory);
        e.block_begin = segments_[segment];
        e.block_end = segments_[segment + 1];
        e.densities_only = densities_only;
        PairJob<double> job = job_;
        job.expansion = &e;
        kernels_.sum[mode_](job);
    }

    void add_densities(std::int64_t from, std::int64_t to) const {
        const std::int64_t doubles = std::int64_t{e_.n_bins} * kernels_.nodes * (mode_ == kHessVector ? 2 : 1);
        for (std::int64_t i = 0; i < doubles; ++i) bins(to)[i] += bins(from)[i];
        for (std::int32_t b = 0; b < e_.n_bins; ++b) marks(to)[b] |= marks(from)[b];
    }

    const ExpansionKernels& kernels_;
    const PairMode mode_;
    const PairJob<double>& job_;
    const Expansion& e_;
    const Buffer<std::int32_t>& segments_;
    const std::int64_t n_;
};

}  // namespace

void expansion_sums(GatheredList& list, ExpansionScratch& scratch) {
    const ExpansionKernels& kernels = list.loss.expansion[list.is_float ? 0 : 1];
    PairJob<double> job = list.score_job();
    Expansion e = make_bins(kernels, job.row, list.n(), list.low, list.high, list.unit.unit(), scratch,
                            list.memory.sort, list.team);
    cut_blocks(job, run_items(kernels, e.n_bins), scratch.blocks);
    e.block = scratch.blocks.data();
    e.n_blocks = static_cast<std::int32_t>(scratch.blocks.size()) - 1;
    cut_segments(job, e, scratch.segments);
    double* vector = list.memory.vector.data();
    if (list.mode == kHessVector) take_off_origin(vector, list.n());
    job.vector = vector;
    for (const bool backward : {false, true}) {
        if ((backward && list.mode == kValue) || list.team.stopped()) continue;
        attach_memory(scratch, kernels, e, static_cast<std::int64_t>(scratch.segments.size()) - 1);
        e.backward = backward;
        Pass(kernels, list.mode, job, e, scratch.segments).run(list.team);
    }
}

}  // namespace rankgrad
