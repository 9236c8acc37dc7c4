// The label tree with counts.
#include "engine/partner_counts.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <vector>

#include "engine/call.hpp"
#include "engine/item_tiles.hpp"
#include "engine/label_tree.hpp"
#include "engine/workspace.hpp"

namespace rankgrad {
namespace {

template <class N> class CountTree final : public LabelTree<N> {
    using Tree = LabelTree<N>;
    static constexpr std::int32_t kLeafItems = Tree::kMostLeafItems;

public:
    CountTree(const PairLossKernels& loss, PairMode mode, const PartnerCountJob<N>& job, SortScratch<N>& scratch,
              Team team)
        : Tree(job.level_begin, job.n_levels, kLeafItems, scratch, team), job_(job), counts_(counts_of<N>(loss)),
          with_value_(with_value(mode)) {
        const std::int32_t n = job.level_begin[job.n_levels];
        for (std::int32_t* count : {job.slope, job.partners})  // else the root's merge writes them first
            if (count != nullptr && n <= kLeafItems) std::fill_n(count, n, 0);
    }

private:
    double merge(const MergedItems<N>& items) override {
        CountJob<N> job;
        static_cast<MergedItems<N>&>(job) = items;
        job.slope = job_.slope;
        job.partners = job_.partners;
        job.with_value = with_value_;
        const std::ptrdiff_t size = items.end - items.begin;
        job.first = size == job_.level_begin[job_.n_levels];  // the root's, before all others
        const std::int64_t n = Tree::count_pieces(size);
        std::vector<MergePiece> many(n == 1 ? 0 : static_cast<std::size_t>(n));
        MergePiece one, *const pieces = n == 1 ? &one : many.data();
        counts_.cut(job, pieces, n);
        const auto count = [&](std::int64_t k) { counts_.count(job, pieces[k % n], k >= n); };
        if (n == 1) {
            counts_.walk(job, one);
            count(0);
            count(1);
        } else {
            this->team_.run(n, [&](std::int64_t k) { counts_.walk(job, pieces[k]); });
            // One group after the other, so that two threads do not write to the same lines of the cache.
            this->team_.run(2 * n, count);
        }
        return counts_.value(pieces, n);
    }

    double sum_directly(std::int32_t begin, const std::int32_t* level_begin, std::int32_t n_levels) override {
        std::int32_t slope[kLeafItems + kPadding] = {}, partners[kLeafItems + kPadding] = {};
        const std::int32_t n = level_begin[n_levels];
        PartnerCountJob<N> job;
        job.score = job_.score + begin;
        job.level_begin = level_begin;
        job.n_levels = n_levels;
        job.row_end = n;
        job.slope = slope;
        job.partners = job_.partners == nullptr ? nullptr : partners;
        job.in_double = true;  // as merges compare scores
        const std::int64_t pairs = counts_.count_directly(job);
        for (std::int32_t k = 0; job_.slope != nullptr && k < n; ++k) job_.slope[begin + k] += slope[k];
        for (std::int32_t k = 0; job_.partners != nullptr && k < n; ++k) job_.partners[begin + k] += partners[k];
        return with_value_ ? counts_.value_directly(job.score, slope, n, pairs) : 0;
    }

    const PartnerCountJob<N>& job_;
    const CountKernels<N>& counts_;
    bool with_value_;
};

}  // namespace

template <class N> double count_by_merges(const PairLossKernels& loss, PairMode mode, const PartnerCountJob<N>& job,
                                          double low, double high, SortScratch<N>& scratch, Team team) {
    return CountTree<N>(loss, mode, job, scratch, team).run(job.score, low, high);
}

template <class N>
std::int64_t count_pair_by_pair(const PairLossKernels& loss, const PartnerCountJob<N>& job, Team team) {
    for (std::int32_t* count : {job.slope, job.partners})
        if (count != nullptr) std::fill_n(count, job.row_end, 0);
    if (job.row_end < kLeastTiledItems) return counts_of<N>(loss).count_directly(job);
    std::atomic<std::int64_t> pairs{0};
    run_tiles(team, job, [&](const PartnerCountJob<N>& part) { pairs += counts_of<N>(loss).count_directly(part); });
    return pairs;
}

template double count_by_merges(const PairLossKernels&, PairMode, const PartnerCountJob<float>&, double, double,
                                SortScratch<float>&, Team);
template double count_by_merges(const PairLossKernels&, PairMode, const PartnerCountJob<double>&, double, double,
                                SortScratch<double>&, Team);
template std::int64_t count_pair_by_pair(const PairLossKernels&, const PartnerCountJob<float>&, Team);
template std::int64_t count_pair_by_pair(const PairLossKernels&, const PartnerCountJob<double>&, Team);

}  // namespace rankgrad
