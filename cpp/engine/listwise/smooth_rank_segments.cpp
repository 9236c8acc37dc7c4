// Two passes carry the far fields from segment to segment; then each segment is a list of its own but for them.
#include "engine/listwise/smooth_rank_segments.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "engine/runtime/memory.hpp"

namespace rankgrad {
namespace {

/// A segment ends when it has so many bins or items; and the bins on either side that may be near to it.
constexpr std::int32_t kSegmentBins = 512, kSegmentItems = 1 << 14, kNearBins = 4;

}  // namespace

/// What is known of the bins and the items of a segment.
struct SegmentedSums::Local {
    Buffer<std::int32_t> bin, marks;
    Buffer<double> place, bins;
    std::vector<double> step;
    Buffer<double> out[4];
    Expansion e;
};

SegmentedSums::SegmentedSums(const ExpansionKernels& kernels, const ListJob<double>& job, const Team& team)
    : kernels_(kernels), job_(job), team_(team) {
    cut();
}

void SegmentedSums::cut() {
    struct Begin {
        std::int32_t item;
        BinWalk walk;
    };
    BinWalk walk(kernels_.bin_width / job_.per_temperature);
    std::array<Begin, kNearBins> last{Begin{0, walk}, {0, walk}, {0, walk}, {0, walk}};
    std::int32_t bin = 0;
    std::size_t near_done = 0;  // segments whose near_end is known
    for (std::int32_t k = 0; k < job_.n; ++k) {
        const BinWalk before = walk;
        walk.next(job_.score[k]);
        if (walk.step() == 0) continue;
        const RankSegment* open = segments_.empty() ? nullptr : &segments_.back();
        const std::int32_t open_bins = open == nullptr ? 0 : bin - open->first_bin - open->near_bins;
        if (open == nullptr || open_bins >= kSegmentBins || k - open->begin >= kSegmentItems) {
            if (open != nullptr) {
                segments_.back().end = k;
                segments_.back().bins = open_bins;
            }
            const std::int32_t near = std::min(bin, kNearBins);
            const Begin& begin =
                near == 0 ? Begin{k, before} : last[static_cast<std::size_t>((bin - near) % kNearBins)];
            segments_.push_back({begin.item, k, job_.n, job_.n, bin - near, near, 0, begin.walk});
        }
        while (near_done + 1 < segments_.size() && bin >= segments_[near_done].first_bin +
                                                              segments_[near_done].near_bins +
                                                              segments_[near_done].bins + kNearBins)
            segments_[near_done++].near_end = k;
        last[static_cast<std::size_t>(bin % kNearBins)] = {k, before};
        ++bin;
    }
    segments_.back().bins = bin - segments_.back().first_bin - segments_.back().near_bins;
}

/// The job with its items counted from another one.
ListJob<double> SegmentedSums::from(std::int32_t item) const {
    ListJob<double> job = job_;
    job.score += item;
    if (job.vector != nullptr) job.vector += item;
    for (int a : {kRank, kSlope, kCurvature, kRankChange})
        if (job.work[a] != nullptr) job.work[a] += item;
    job.grad += item;
    if (job.hess != nullptr) job.hess += item;
    job.row_begin = 0;
    return job;
}

/// Densities of the bins of a segment, and of those near to it.
void SegmentedSums::load(const RankSegment& segment, const SmoothRankSum& sum, Local& local) const {
    const std::int32_t n = segment.near_end - segment.near_begin;
    const auto size = static_cast<std::size_t>(n);
    padded(local.bin, size);
    padded(local.place, size);
    local.step.clear();
    BinWalk walk = segment.walk;
    for (std::int32_t k = 0; k < n; ++k) {
        walk.next(job_.score[segment.near_begin + k]);
        if (walk.step() > 0) local.step.push_back(walk.step());
        local.bin[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(local.step.size()) - 1;
        local.place[static_cast<std::size_t>(k)] = walk.place();
    }
    Expansion& e = local.e;
    e.tables = expansion_tables(kernels_);
    e.n_bins = static_cast<std::int32_t>(local.step.size());
    e.step = local.step.data();
    e.bin = local.bin.data();
    e.place = local.place.data();
    e.own_begin = segment.near_bins;
    e.own_end = segment.near_bins + segment.bins;
    e.first_bin = segment.first_bin;
    e.bins = zeroed(local.bins, static_cast<std::size_t>(std::int64_t{e.n_bins} * sum.bin_doubles));
    e.marks = padded(local.marks, 2 * static_cast<std::size_t>(e.n_bins));
    ListJob<double> rows = from(segment.near_begin);
    rows.row_end = n;
    sum.moments(rows, e);
    mark_bins(e, sum.moment_doubles);
}

void SegmentedSums::carry(const SmoothRankSum& sum, bool downwards) {
    const std::size_t n = segments_.size(), length = static_cast<std::size_t>(sum.carried_doubles);
    double* carried = carried_[downwards].data();
    Local local;
    for (std::size_t k = 0; k + 1 < n && !team_.stopped(); ++k) {
        const std::size_t at = downwards ? n - 1 - k : k;
        load(segments_[at], sum, local);
        const double* came = k == 0 ? nullptr : carried + at * length;
        local.e.backward = downwards;
        (downwards ? local.e.above : local.e.below) = came;
        local.e.carried = carried + (downwards ? at - 1 : at + 1) * length;
        sum.carry(local.e);
    }
}

/// Kernels write whole registers: to memory of this segment's own.
void SegmentedSums::results(const SmoothRankSum& sum, std::size_t index) const {
    const RankSegment& segment = segments_[index];
    const std::size_t length = static_cast<std::size_t>(sum.carried_doubles);
    Local local;
    load(segment, sum, local);
    if (index > 0) local.e.below = carried_[0].data() + index * length;
    if (index + 1 < segments_.size()) local.e.above = carried_[1].data() + index * length;
    sum.near(local.e, 0, local.e.n_bins);
    sum.far(local.e);
    ListJob<double> rows = from(segment.begin);
    rows.row_end = segment.end - segment.begin;
    local.e.bin += segment.begin - segment.near_begin;
    local.e.place += segment.begin - segment.near_begin;
    double** results[] = {&rows.work[kRank], &rows.work[kRankChange], &rows.grad, &rows.hess};
    double* whole[4];
    for (std::size_t k = 0; k < 4; ++k) {
        whole[k] = *results[k];
        if (whole[k] != nullptr)
            *results[k] =
                std::copy_n(whole[k], rows.row_end, padded(local.out[k], static_cast<std::size_t>(rows.row_end))) -
                rows.row_end;
    }
    sum.results(rows, local.e);
    for (std::size_t k = 0; k < 4; ++k)
        if (whole[k] != nullptr) std::copy_n(*results[k], rows.row_end, whole[k]);
}

void SegmentedSums::run(const SmoothRankSum* sum) {
    for (; sum->moments != nullptr; ++sum) {
        for (Buffer<double>& carried : carried_)
            padded(carried, segments_.size() * static_cast<std::size_t>(sum->carried_doubles));
        team_.run(2, [&](std::int64_t downwards) { carry(*sum, downwards == 1); });
        team_.run(static_cast<std::int64_t>(segments_.size()),
                  [&](std::int64_t k) { results(*sum, static_cast<std::size_t>(k)); });
    }
}

}  // namespace rankgrad
