// The label tree with counts.
#include "engine/partner_counts.hpp"

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "engine/call.hpp"
#include "engine/label_tree.hpp"
#include "engine/workspace.hpp"

namespace rankgrad {
namespace {

template <class N> const MergeCounts<N>& counts_of(const CountFamily& family) {
    if constexpr (std::is_same_v<N, float>) return family.of_float;
    else return family.of_double;
}

template <class N> class CountTree final : public LabelTree<N> {
    using Tree = LabelTree<N>;

public:
    CountTree(const PairLossKernels& loss, PairMode mode, const PartnerCountJob<N>& job, SortScratch<N>& scratch,
              Team team)
        : Tree(job.level_begin, job.n_levels, scratch, team), job_(job), counts_(counts_of<N>(*loss.merge_counts)),
          direct_(loss.double_sum[mode]), with_value_(with_value(mode)) {
        const std::int32_t n = job.level_begin[job.n_levels];
        for (std::int32_t* count : {job.slope, job.partners})  // else the root's merge writes them first
            if (count != nullptr && n <= Tree::kLeafItems) std::fill_n(count, n, 0);
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

    /// Pair by pair; the sums of so few ones are whole numbers.
    double sum_directly(std::int32_t begin, const std::int32_t* level_begin, std::int32_t n_levels) override {
        constexpr std::size_t room = Tree::kLeafItems + kPadding;
        double score[room] = {}, weight[room], value[room] = {}, grad[room] = {}, hess[room] = {};
        const std::int32_t n = level_begin[n_levels];
        std::copy_n(job_.score + begin, n, score);
        std::fill_n(weight, room, 1.0);
        PairJob<double> job;
        job.row = job.column = score;
        job.weight = weight;
        job.level_begin = level_begin;
        job.n_levels = n_levels;
        job.row_end = n;
        job.value = value;
        job.grad = grad;
        job.hess = hess;
        direct_(job);
        for (std::int32_t k = 0; job_.slope != nullptr && k < n; ++k)
            job_.slope[begin + k] += static_cast<std::int32_t>(grad[k]);
        for (std::int32_t k = 0; job_.partners != nullptr && k < n; ++k)
            job_.partners[begin + k] += static_cast<std::int32_t>(hess[k]);
        double total = 0;
        for (std::int32_t k = 0; k < n; ++k) total += value[k];
        return total;
    }

    const PartnerCountJob<N>& job_;
    const MergeCounts<N>& counts_;
    PairSum<double> direct_;
    bool with_value_;
};

}  // namespace

template <class N> double count_partners(const PairLossKernels& loss, PairMode mode, const PartnerCountJob<N>& job,
                                         SortScratch<N>& scratch, Team team) {
    return CountTree<N>(loss, mode, job, scratch, team).run(job.score, job.low, job.high);
}

template double count_partners(const PairLossKernels&, PairMode, const PartnerCountJob<float>&, SortScratch<float>&,
                               Team);
template double count_partners(const PairLossKernels&, PairMode, const PartnerCountJob<double>&, SortScratch<double>&,
                               Team);

}  // namespace rankgrad
