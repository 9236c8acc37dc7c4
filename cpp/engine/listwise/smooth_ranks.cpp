// The driver of both kinds of sums. Rows are cut into parts, and bins into ranges, that depend on the list only.
#include "engine/listwise/smooth_ranks.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "engine/listwise/smooth_rank_segments.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {
namespace {

/// Rows and bins of a part of the near-linear sums. Parts of rows begin at a register.
constexpr std::int32_t kRowsPerPart = 1 << 15, kBinsPerPart = 1 << 11;

std::int64_t parts_of(std::int64_t n, std::int64_t size) { return (n + size - 1) / size; }

/// Calls step(job) for all rows, `rows` of them at a time.
template <class Step> void by_rows(const ListJob<double>& job, std::int32_t rows, const Team& team, Step step) {
    team.run(parts_of(job.n, rows), [&](std::int64_t part) {
        ListJob<double> own = job;
        own.row_begin = static_cast<std::int32_t>(part * rows);
        own.row_end = std::min(job.n - own.row_begin, rows) + own.row_begin;
        step(own);
    });
}

double metric(const RankKernels& loss, const ListJob<double>& job, Buffer<double>& value, const Team& team) {
    if (!loss.metric_by_rows) return loss.metric(job);
    value.assign(static_cast<std::size_t>(parts_of(job.n, kRowsPerPart)), 0.0);
    by_rows(job, kRowsPerPart, team, [&](const ListJob<double>& rows) {
        value[static_cast<std::size_t>(rows.row_begin / kRowsPerPart)] = loss.metric(rows);
    });
    return std::accumulate(value.begin(), value.end(), 0.0);
}

double direct_sums(const RankKernels& loss, ListJob<double> job, PairMode mode, SmoothRankScratch& scratch,
                   const Team& team) {
    const auto n = static_cast<std::size_t>(job.n);
    job.factored = (job.high - job.low) * job.per_temperature <= kSmoothRankRange;
    job.work[kRowOperand] = job.work[kColumnOperand] = job.score;
    if (job.factored) {
        job.work[kRowOperand] = padded(scratch.row, n);
        job.work[kColumnOperand] = padded(scratch.column, n);
        kernels().double_exponentials(job.score, job.n, 0.5 * job.high + 0.5 * job.low, job.per_temperature,
                                      job.work[kRowOperand], job.work[kColumnOperand]);
    }
    const auto rows = static_cast<std::int32_t>(std::max(64.0, std::min<double>(job.n, kPairsPerCall / job.n)));
    by_rows(job, rows, team, loss.ranks[mode == kHessVector]);
    const double value = metric(loss, job, scratch.value, team);
    if (mode != kValue) by_rows(job, rows, team, loss.slopes[mode]);
    return value;
}

class BinnedSums {
public:
    BinnedSums(const ExpansionKernels& kernels, const ListJob<double>& job, SmoothRankScratch& scratch,
               const Team& team)
        : job_(job), scratch_(scratch), team_(team) {
        ExpansionScratch& own = scratch.expansion;
        e_ = make_bins(kernels, job.score, job.n, job.low, job.high, 1 / job.per_temperature, own, scratch.sort, team);
        e_.tables = cached_tables(own, kernels);
        own.marks.resize(std::max(own.marks.size(), 2 * static_cast<std::size_t>(e_.n_bins)));
        e_.marks = own.marks.data();
    }

    void run(const SmoothRankSum* sum) {
        for (; sum->moments != nullptr; ++sum) {
            add_moments(*sum);
            mark_bins(e_, sum->moment_doubles);
            team_.run(parts_of(e_.n_bins, kBinsPerPart), [&](std::int64_t part) {
                const auto begin = static_cast<std::int32_t>(part * kBinsPerPart);
                sum->near(e_, begin, std::min(e_.n_bins - begin, kBinsPerPart) + begin);
            });
            sum->far(e_);
            by_rows(job_, kRowsPerPart, team_, [&](const ListJob<double>& rows) { sum->results(rows, e_); });
        }
    }

private:
    /// Several parts share a table where private ones would take more than two doubles for an item.
    void add_moments(const SmoothRankSum& sum) {
        const std::int64_t table = std::int64_t{e_.n_bins} * sum.moment_doubles, n_bins = e_.n_bins;
        const std::int64_t n_parts = parts_of(job_.n, kRowsPerPart);
        const std::int64_t tables = std::clamp<std::int64_t>(2 * std::int64_t{job_.n} / table, 1, n_parts);
        Buffer<double>& bins = scratch_.expansion.bins;
        bins.resize(std::max(bins.size(), static_cast<std::size_t>(n_bins * sum.bin_doubles)));
        e_.bins = zeroed(bins, static_cast<std::size_t>(table));
        double* others = zeroed(scratch_.moments, static_cast<std::size_t>((tables - 1) * table));
        team_.run(tables, [&](std::int64_t t) {
            Expansion e = e_;
            if (t > 0) e.bins = others + (t - 1) * table;
            ListJob<double> rows = job_;
            rows.row_begin = static_cast<std::int32_t>(t * n_parts / tables * kRowsPerPart);
            rows.row_end =
                static_cast<std::int32_t>(std::min<std::int64_t>(job_.n, (t + 1) * n_parts / tables * kRowsPerPart));
            sum.moments(rows, e);
        });
        for (std::int64_t t = 1; t < tables; ++t, others += table)
            for (std::int64_t k = 0; k < table; ++k) e_.bins[k] += others[k];
    }

    const ListJob<double>& job_;
    SmoothRankScratch& scratch_;
    Team team_;
    Expansion e_;
};

/// Bins of so many that their memory is more than the items'; and more than what is little.
bool needs_segments(const ExpansionKernels& kernels, const SmoothRankSum& sum, std::int32_t n, double range) {
    constexpr double kLittle = 1 << 17;
    return std::min<double>(n, expansion_bins(kernels, 0, range)) * sum.bin_doubles > std::max<double>(kLittle, n);
}

/// A list in the order of its scores while the sums are made. Little memory is taken: that of results serves before
/// there are any.
class InOrder {
public:
    InOrder(ListJob<double>& job, double* vector, SmoothRankScratch& scratch, const Team& team)
        : job_(job), n_(static_cast<std::size_t>(job.n)) {
        SortScratch<double>& sort = scratch.sort;
        const Sortable<double> sorted{job.grad, padded(sort.index, n_)};
        Dealt<double>* room = sort.room(n_);
        radix_argsort<double>({job.score}, job.n, job.low, job.high, sorted, room, sort.count, team);
        index_ = sorted.index;
        room_ = sort.dealt.data();
        std::copy_n(job.grad, n_, job.score);
        if (vector != nullptr) permute(vector, room_, vector);
        double* target = room_ + n_ + kPadding;
        for (std::size_t k = 0; k < n_; ++k) target[k] = job.target[index_[k]];
        job.target = target;
        job.work[kCurvature] = room_;  // until the end, where it is room again
    }
    /// Back to the items' own order.
    void end() {
        for (double* x : {job_.grad, job_.hess}) {
            for (std::size_t k = 0; x != nullptr && k < n_; ++k) room_[index_[k]] = x[k];
            if (x != nullptr) std::copy_n(room_, n_, x);
        }
    }

private:
    void permute(const double* from, double* room, double* to) const {
        for (std::size_t k = 0; k < n_; ++k) room[k] = from[index_[k]];
        std::copy_n(room, n_, to);
    }

    ListJob<double>& job_;
    const std::size_t n_;
    std::int32_t* index_;
    double* room_;
};

template <class Sums> double sum_all(Sums& sums, const RankKernels& loss, const SmoothRankKernels& binned,
                                     const ListJob<double>& job, PairMode mode, Buffer<double>& value,
                                     const Team& team) {
    sums.run(binned.ranks[mode == kHessVector]);
    const double total = metric(loss, job, value, team);
    sums.run(binned.slopes[mode]);
    return total;
}

}  // namespace

double smooth_rank_sums(const RankKernels& loss, ListJob<double> job, PairMode mode, double* vector, Choice choice,
                        bool is_float, SmoothRankScratch& scratch, const Team& team) {
    const SmoothRankKernels& binned = kernels().smooth_ranks->of[is_float ? 0 : 1];
    const double range = (job.high - job.low) * job.per_temperature;
    const auto own_curvature = [&] {
        job.work[kCurvature] = padded(scratch.curvature, static_cast<std::size_t>(job.n) + 1);
    };
    if (!smooth_ranks_by_expansion(choice, *binned.expansion, job.n, range)) {
        own_curvature();
        return direct_sums(loss, job, mode, scratch, team);
    }
    if (mode == kHessVector) take_off_origin(vector, job.n);
    const SmoothRankSum& widest = binned.slopes[mode == kValue ? kValueGrad : mode][0];
    if (!needs_segments(*binned.expansion, widest, job.n, range)) {
        own_curvature();
        BinnedSums sums(*binned.expansion, job, scratch, team);
        return sum_all(sums, loss, binned, job, mode, scratch.value, team);
    }
    InOrder order(job, mode == kHessVector ? vector : nullptr, scratch, team);
    SegmentedSums sums(*binned.expansion, job, team);
    const double value = sum_all(sums, loss, binned, job, mode, scratch.value, team);
    order.end();
    return value;
}

}  // namespace rankgrad
