// The label tree with running sums: for weights, for values of single items, and for the squared hinge.
#include "engine/sorted/sorted_sums.hpp"

#include <cstddef>
#include <cstdint>

#include "engine/sorted/label_tree.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {
namespace {

bool all_same(const double* x, std::int32_t n) {
    double differing = 0;
    for (std::int32_t k = 0; k < n; ++k) differing += x[k] != x[0] ? 1.0 : 0.0;
    return differing == 0;
}

/// Sums go to the arrays of the job.
struct Nothing {
    void operator+=(Nothing) {}
};

class SumTree final : public LabelTree<double, Nothing> {
    static constexpr std::int32_t kLeafItems = 64;

public:
    SumTree(const PairLossKernels& loss, PairMode mode, const PairJob<double>& job, bool has_weights,
            SortScratch<double>& scratch, const Team& team)
        : LabelTree(job.level_begin, job.n_levels, kLeafItems, scratch, team), job_(job),
          direct_(loss.double_sum[mode]) {
        const std::int32_t n = job.level_begin[job.n_levels];
        const bool weighted = mode != kValue && has_weights && !all_same(job.weight, n);
        merge_ = loss.merge_sum[mode][weighted];
    }

private:
    Nothing merge(const MergedItems<double>& items, const Carried&, bool, bool) override {
        MergeJob job;
        static_cast<MergedItems<double>&>(job) = items;
        job.unit = job_.parameters.unit;
        job.weight = job_.weight;
        job.vector = job_.vector;
        job.value = job_.value;
        job.grad = job_.grad;
        job.hess = job_.hess;
        const std::int64_t n = count_pieces(items.end - items.begin);
        if (n == 1) {
            MergePiece all;
            merge_.cut(job, &all, 1);
            merge_.walk(job, all);
            merge_.sums(job, all);
            return {};
        }
        pieces_.resize(static_cast<std::size_t>(n));
        MergePiece* pieces = pieces_.data();
        merge_.cut(job, pieces, n);
        team_.run(n, [&](std::int64_t k) {
            merge_.walk(job, pieces[k]);
            merge_.totals(job, pieces, n, k);
        });
        merge_.chain(job, pieces, n);
        team_.run(n, [&](std::int64_t k) { merge_.sums(job, pieces[k]); });
        return {};
    }

    void take(const std::int32_t*, const Carried&, std::ptrdiff_t, std::ptrdiff_t) override {}  // it carries nothing

    Nothing sum_directly(std::int32_t begin, const std::int32_t* level_begin, std::int32_t n_levels) override {
        PairJob<double> job = job_;
        job.row += begin;
        job.column += begin;
        if (job.weight != nullptr) job.weight += begin;
        if (job.vector != nullptr) job.vector += begin;
        for (double** sums : {&job.value, &job.grad, &job.hess})
            if (*sums != nullptr) *sums += begin;
        job.level_begin = level_begin;
        job.n_levels = n_levels;
        job.row_begin = 0;
        job.row_end = level_begin[n_levels];
        direct_(job);
        return {};
    }

    const PairJob<double>& job_;
    PairSum<double> direct_;
    MergeSums merge_{};
    std::vector<MergePiece> pieces_;
};

}  // namespace

void sorted_sums(GatheredList& list) {
    const PairJob<double> job = list.score_job();
    SumTree(list.loss, list.mode, job, list.has_weights, list.memory.sort, list.team).run(job.row, list.low, list.high);
}

}  // namespace rankgrad
