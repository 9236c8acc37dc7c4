// The label tree. The items are sorted by score once. A node of the tree is a range of label levels, its items in the order
// of the scores; it is split at the level boundary nearest to half of its items, by a stable partition, so its two groups
// are in order again. The pairs between the groups are one merge (merge_sums.hpp); the pairs inside them are the
// children's. Groups of a few items are summed directly. Balancing by items makes the cost O(n (1 + H)), H the entropy of
// the labels, and at most O(n log n), whatever the ties [cf. Joachims, 2006; Airola, Pahikkala & Salakoski, 2011].
#include "engine/sorted_sums.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "engine/workspace.hpp"

namespace rankgrad {
namespace {

/// Items of a node that is summed directly.
constexpr std::int32_t kLeafItems = 64;
/// Items of a node between two looks at the interrupt flag.
constexpr std::int32_t kItemsPerLook = 1 << 14;

bool all_same(const double* x, std::int32_t n) {
    double differing = 0;
    for (std::int32_t k = 0; k < n; ++k) differing += x[k] != x[0] ? 1.0 : 0.0;
    return differing == 0;
}

class LabelTree {
public:
    LabelTree(const PairLossKernels& loss, PairMode mode, const PairJob<double>& job, SortScratch& scratch, Team team)
        : job_(job), team_(team), direct_(loss.double_sum[mode]) {
        const std::int32_t n = job.level_begin[job.n_levels];
        const bool weighted = mode != kValue && !all_same(job.weight, n);
        merge_ = loss.merge_sum[mode][weighted];
        for (int k = 0; k < 2; ++k) {  // one entry before and one behind for sentinels
            padded(scratch.index[k], static_cast<std::size_t>(n) + 2);
            scratch.index[k][0] = scratch.index[k][static_cast<std::size_t>(n) + 1] = 0;
            place_[k] = {padded(scratch.number[k], static_cast<std::size_t>(n) + 2) + 1, scratch.index[k].data() + 1};
        }
        merged_.weight = job.weight;
        merged_.vector = job.vector;
        merged_.value = job.value;
        merged_.grad = job.grad;
        merged_.hess = job.hess;
    }

    void run(std::vector<std::uint32_t>& count) {
        const std::int32_t n = job_.level_begin[job_.n_levels];
        if (n <= kLeafItems) return sum_directly(0, job_.n_levels);
        descend(radix_argsort(job_.row, n, place_, count), 0, job_.n_levels);
    }

private:
    /// All pairs of the levels [first, last), whose items are in place_[at]. Recursion takes the smaller half, so it is never
    /// deeper than log2(n).
    void descend(int at, std::int32_t first, std::int32_t last) {
        while (last - first > 1) {
            const std::int32_t begin = job_.level_begin[first], end = job_.level_begin[last];
            if (end - begin <= kLeafItems) return sum_directly(first, last);
            if (end - begin >= kItemsPerLook && team_.stopped()) return;
            const std::int32_t split = split_level(first, last), middle = job_.level_begin[split];
            partition(at, begin, middle, end);
            at ^= 1;
            merge(at, begin, middle, end);
            if (middle - begin < end - middle) {
                descend(at, first, split);
                first = split;
            } else {
                descend(at, split, last);
                last = split;
            }
        }
    }

    /// The level in (first, last) that begins nearest to the middle of the items.
    std::int32_t split_level(std::int32_t first, std::int32_t last) const {
        const std::int32_t* begin = job_.level_begin;
        const std::int32_t half = begin[first] + (begin[last] - begin[first]) / 2;
        const auto above =
            static_cast<std::int32_t>(std::lower_bound(begin + first + 1, begin + last - 1, half) - begin);
        return above - 1 > first && half - begin[above - 1] < begin[above] - half ? above - 1 : above;
    }

    /// Items before `middle` in label order go to the front, the others behind them, both still in the order of the scores.
    void partition(int at, std::int32_t begin, std::int32_t middle, std::int32_t end) const {
        const Sortable from = place_[at], to = place_[at ^ 1];
        std::int32_t low = begin, high = middle;
        for (std::int32_t k = begin; k < end; ++k) {
            const std::int32_t item = from.index[k];
            const std::int32_t is_low = item < middle;
            const std::int32_t slot = high ^ ((low ^ high) & -is_low);
            to.number[slot] = from.number[k];
            to.index[slot] = item;
            low += is_low;
            high += 1 - is_low;
        }
    }

    void merge(int at, std::int32_t begin, std::int32_t middle, std::int32_t end) {
        double* score = place_[at].number;
        const double before = score[begin - 1], behind = score[end];
        score[begin - 1] = -std::numeric_limits<double>::infinity();
        score[end] = std::numeric_limits<double>::infinity();
        merged_.score = score;
        merged_.item = place_[at].index;
        merged_.begin = begin;
        merged_.middle = middle;
        merged_.end = end;
        merge_(merged_);
        score[begin - 1] = before;
        score[end] = behind;
    }

    void sum_directly(std::int32_t first, std::int32_t last) const {
        const std::int32_t begin = job_.level_begin[first];
        std::int32_t level_begin[kLeafItems + 1];
        for (std::int32_t q = first; q <= last; ++q) level_begin[q - first] = job_.level_begin[q] - begin;
        PairJob<double> job = job_;
        job.row += begin;
        job.column += begin;
        job.weight += begin;
        if (job.vector != nullptr) job.vector += begin;
        for (double** x : {&job.value, &job.grad, &job.hess})
            if (*x != nullptr) *x += begin;
        job.level_begin = level_begin;
        job.n_levels = last - first;
        job.row_begin = 0;
        job.row_end = level_begin[last - first];
        direct_(job);
    }

    const PairJob<double>& job_;
    Team team_;
    PairSum<double> direct_;
    MergeSum merge_ = nullptr;
    MergeJob merged_;
    Sortable place_[2];
};

}  // namespace

void sorted_sums(const PairLossKernels& loss, PairMode mode, const PairJob<double>& job, SortScratch& scratch,
                 Team team) {
    LabelTree(loss, mode, job, scratch, team).run(scratch.count);
}

}  // namespace rankgrad
