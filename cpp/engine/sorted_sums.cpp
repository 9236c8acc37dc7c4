// The label tree. The items are sorted by score once. A node of the tree is a range of label levels, its items in the order
// of the scores; it is split at the level boundary nearest to half of its items, by a stable partition, so its two groups
// are in order again. The pairs between the groups are one merge (merge_sums.hpp); the pairs inside them are the
// children's. Groups of a few items are summed directly. Balancing by items makes the cost O(n (1 + H)), H the entropy of
// the labels, and at most O(n log n), whatever the ties [cf. Joachims, 2006; Airola, Pahikkala & Salakoski, 2011].
#include "engine/sorted_sums.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/label_tree.hpp"
#include "engine/workspace.hpp"

namespace rankgrad {
namespace {

/// Items of a node that is summed directly.
constexpr std::int32_t kLeafItems = 64;

bool all_same(const double* x, std::int32_t n) {
    double differing = 0;
    for (std::int32_t k = 0; k < n; ++k) differing += x[k] != x[0] ? 1.0 : 0.0;
    return differing == 0;
}

/// Items of a node that all threads work on together; a smaller one is left to one of them, with all below it.
constexpr std::int32_t kSharedItems = 1 << 16;
/// Items of a part of a partition, or of a piece of a merge.
constexpr std::int32_t kPieceItems = 1 << 15;

class LabelTree {
public:
    LabelTree(const PairLossKernels& loss, PairMode mode, const PairJob<double>& job, bool has_weights,
              SortScratch& scratch, Team team)
        : job_(job), team_(team), direct_(loss.double_sum[mode]) {
        const std::int32_t n = job.level_begin[job.n_levels];
        const bool weighted = mode != kValue && has_weights && !all_same(job.weight, n);
        merge_ = loss.merge_sum[mode][weighted];
        for (int k = 0; k < 2; ++k) place_[k] = scratch.place(k, static_cast<std::size_t>(n));
    }

    void run(double low, double high, std::vector<std::uint32_t>& count) {
        const std::int32_t n = job_.level_begin[job_.n_levels];
        if (n <= kLeafItems) return sum_directly(0, job_.n_levels);
        radix_argsort(job_.row, n, low, high, place_[0], place_[1], count, team_);
        descend(0, 0, job_.n_levels, true);
        std::stable_sort(left_.begin(), left_.end(), [](const Node& a, const Node& b) { return a.items > b.items; });
        team_.run(static_cast<std::int64_t>(left_.size()), [&](std::int64_t k) {
            const Node& node = left_[static_cast<std::size_t>(k)];
            descend(node.at, node.first, node.last, false);
        });
    }

private:
    struct Node {
        int at;
        std::int32_t first, last, items;
    };

    /// All pairs of the levels [first, last), whose items are in place_[at]. Recursion takes the smaller half, so it is never
    /// deeper than log2(n). A shared tree keeps its small nodes for later.
    void descend(int at, std::int32_t first, std::int32_t last, bool shared) {
        while (last - first > 1) {
            const std::int32_t begin = job_.level_begin[first], end = job_.level_begin[last];
            if (shared && end - begin < kSharedItems) return left_.push_back({at, first, last, end - begin});
            if (end - begin <= kLeafItems) return sum_directly(first, last);
            if (shared && team_.stopped()) return;
            const std::int32_t split = split_level(job_.level_begin, first, last), middle = job_.level_begin[split];
            partition(at, begin, middle, end);
            at ^= 1;
            merge(at, begin, middle, end);
            if (middle - begin < end - middle) {
                descend(at, first, split, shared);
                first = split;
            } else {
                descend(at, split, last, shared);
                last = split;
            }
        }
    }

    /// Items before `middle` in label order go to the front, the others behind them, both still in the order of the scores.
    void partition(int at, std::int32_t begin, std::int32_t middle, std::int32_t end) {
        const std::int32_t n = end - begin;
        if (n < kSharedItems) return partition_part(at, begin, end, middle, begin, middle);
        const std::int32_t n_parts = n / kPieceItems;
        const auto part_begin = [&](std::int64_t k) { return begin + static_cast<std::int32_t>(k * n / n_parts); };
        std::vector<std::int32_t> low(static_cast<std::size_t>(n_parts) + 1, begin);  // first slot of each part
        team_.run(n_parts, [&](std::int64_t k) {
            const std::int32_t* item = place_[at].index;
            low[static_cast<std::size_t>(k) + 1] = static_cast<std::int32_t>(std::count_if(
                item + part_begin(k), item + part_begin(k + 1), [&](std::int32_t i) { return i < middle; }));
        });
        for (std::size_t k = 1; k < low.size(); ++k) low[k] += low[k - 1];
        team_.run(n_parts, [&](std::int64_t k) {
            const std::int32_t from = part_begin(k), first_low = low[static_cast<std::size_t>(k)];
            partition_part(at, from, part_begin(k + 1), middle, first_low,
                           middle + (from - begin) - (first_low - begin));
        });
    }
    void partition_part(int at, std::int32_t begin, std::int32_t end, std::int32_t middle, std::int32_t low,
                        std::int32_t high) const {
        const Sortable from = place_[at], to = place_[at ^ 1];
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

    /// The node's items are in place_[at]; where they came from is free.
    void merge(int at, std::int32_t begin, std::int32_t middle, std::int32_t end) {
        MergeJob job;
        job.score = place_[at].number;
        job.item = place_[at].index;
        job.begin = begin;
        job.middle = middle;
        job.end = end;
        job.reach = place_[at ^ 1].index;
        job.weight = job_.weight;
        job.vector = job_.vector;
        job.value = job_.value;
        job.grad = job_.grad;
        job.hess = job_.hess;
        if (end - begin < kSharedItems) {
            MergePiece all;
            merge_.cut(job, &all, 1);
            merge_.walk(job, all);
            return merge_.sums(job, all);
        }
        const std::int64_t n = (end - begin) / kPieceItems;
        pieces_.resize(static_cast<std::size_t>(n));
        MergePiece* pieces = pieces_.data();
        merge_.cut(job, pieces, n);
        team_.run(n, [&](std::int64_t k) {
            merge_.walk(job, pieces[k]);
            merge_.totals(job, pieces, n, k);
        });
        merge_.chain(job, pieces, n);
        team_.run(n, [&](std::int64_t k) { merge_.sums(job, pieces[k]); });
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
    MergeSums merge_{};
    Sortable place_[2];
    std::vector<Node> left_;
    std::vector<MergePiece> pieces_;
};

}  // namespace

void sorted_sums(const PairLossKernels& loss, PairMode mode, const PairJob<double>& job, double low, double high,
                 bool has_weights, SortScratch& scratch, Team team) {
    LabelTree(loss, mode, job, has_weights, scratch, team).run(low, high, scratch.count);
}

}  // namespace rankgrad
