// The tree over the label levels of a list. A node is a range of levels; it is split at the level boundary nearest to
// half of its items. The pairs between the groups of a split are one step, the pairs inside them are the children's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/data/label_splits.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/runtime/parallel.hpp"
#include "engine/sorting/argsort.hpp"
#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// The tree with the items of a node in the order of their scores N: the groups of the root are sorted, and a split
/// below is a stable partition, so its groups are in order again. Groups of a few items are summed directly. Balancing
/// by items makes the cost O(n (1 + H)), H the entropy of the labels, and at most O(n log n), whatever the ties [cf.
/// Joachims, 2006; Airola, Pahikkala & Salakoski, 2011].
///
/// What a tree carries goes with the items from node to node, so that a step finds it in the order of the scores, and
/// is taken where the items' way ends. Steps give Sums, which are added in an order that threads do not change.
template <class N, class Sum> class LabelTree {
public:
    /// Nodes of up to `leaf_items`, at most kMostLeafItems, are summed directly.
    LabelTree(const std::int32_t* level_begin, std::int32_t n_levels, std::int32_t leaf_items, SortScratch<N>& scratch,
              const Team& team)
        : team_(team), level_begin_(level_begin), n_levels_(n_levels), n_(level_begin[n_levels]),
          leaf_items_(leaf_items), scratch_(scratch) {
        const auto n = static_cast<std::size_t>(n_);
        place_[0] = scratch.sorted(n);
        place_[1] = scratch.other(n);
    }
    LabelTree(const LabelTree&) = delete;
    LabelTree& operator=(const LabelTree&) = delete;

    /// Does all steps, for scores in label order from `low` to `high`. Gives the sum of what they give.
    Sum run(const N* score, double low, double high) {
        if (n_ <= leaf_items_) return leaf(0, n_levels_);
        const std::int32_t split = split_level(level_begin_, 0, n_levels_), middle = level_begin_[split];
        sort(score, 0, middle, low, high);
        sort(score, middle, n_, low, high);
        if (n_ > kShortItems && team_.stopped()) return {};  // the sorts may not be whole then
        Sum total = merge(merged(0, 0, middle, n_), carried_[0], split == 1, split + 1 == n_levels_);
        total += descend(0, 0, split, true);
        total += descend(0, split, n_levels_, true);
        std::stable_sort(left_.begin(), left_.end(), [](const Node& a, const Node& b) { return a.items > b.items; });
        team_.run(static_cast<std::int64_t>(left_.size()), [&](std::int64_t k) {
            Node& node = left_[static_cast<std::size_t>(k)];
            node.sum = descend(node.at, node.first, node.last, false);
        });
        for (const Node& node : left_) total += node.sum;
        return total;
    }

protected:
    ~LabelTree() = default;

    /// Parts of a partition, or pieces of a merge, of so many items.
    static std::int32_t count_pieces(std::ptrdiff_t items) {
        return items < kSharedItems ? 1 : std::max(2, static_cast<std::int32_t>(items >> 15));
    }

    /// Numbers of the items, in the order that these are in.
    static constexpr int kMostCarried = 2;
    using Carried = std::int32_t* [kMostCarried];

    /// All pairs between the groups of a node. The root's, if it is no leaf, come first. A group of a single level is
    /// final: it is not split again.
    virtual Sum merge(const MergedItems<N>& items, const Carried& carried, bool lower_is_final,
                      bool upper_is_final) = 0;
    /// What the items [begin, end) of a leaf that is not the root have carried, before its pairs.
    virtual void take(const std::int32_t* item, const Carried& carried, std::ptrdiff_t begin, std::ptrdiff_t end) = 0;
    /// All pairs of the items of a leaf, from `begin` in label order on; level_begin, of so many levels, counts from
    /// there.
    virtual Sum sum_directly(std::int32_t begin, const std::int32_t* level_begin, std::int32_t n_levels) = 0;

    Team team_;
    int n_carried_ = 0;
    Carried carried_[2] = {};  ///< room for n numbers each, in both of the places that items are in

private:
    struct Node {
        int at;
        std::int32_t first, last, items;
        Sum sum;
    };

    /// The items of one group of the root go to place_[0] in order, with place_[1] as room.
    void sort(const N* score, std::int32_t begin, std::int32_t end, double low, double high) {
        const Sortable<N> group{place_[0].number + begin, place_[0].index + begin};
        radix_argsort<N>({score + begin, nullptr, begin}, end - begin, low, high, group,
                         scratch_.room(static_cast<std::size_t>(n_)), scratch_.count, team_);
    }

    Sum leaf(std::int32_t first, std::int32_t last) {
        std::int32_t level_begin[kMostLeafItems + 1];
        for (std::int32_t q = first; q <= last; ++q) level_begin[q - first] = level_begin_[q] - level_begin_[first];
        return sum_directly(level_begin_[first], level_begin, last - first);
    }

    MergedItems<N> merged(int at, std::int32_t begin, std::int32_t middle, std::int32_t end) const {
        const Sortable<N>&here = place_[at], &other = place_[at ^ 1];
        return {here.number, here.index, begin, middle, end, other.index, other.number};
    }

    /// All pairs of the levels [first, last), whose items are in place_[at]. Recursion takes the smaller half, so it is
    /// never deeper than log2(n). A shared tree keeps its small nodes for later.
    Sum descend(int at, std::int32_t first, std::int32_t last, bool shared) {
        Sum sum{};
        while (last - first > 1) {
            const std::int32_t begin = level_begin_[first], end = level_begin_[last];
            if (shared && end - begin < kSharedItems) {
                left_.push_back({at, first, last, end - begin, {}});
                return sum;
            }
            if (end - begin <= leaf_items_) {
                take(place_[at].index, carried_[at], begin, end);
                sum += leaf(first, last);
                return sum;
            }
            const std::int32_t split = split_level(level_begin_, first, last), middle = level_begin_[split];
            partition(at, begin, middle, end);
            if (shared && team_.stopped()) return {};  // as the partition may not be whole
            at ^= 1;
            sum += merge(merged(at, begin, middle, end), carried_[at], split == first + 1, split + 1 == last);
            if (middle - begin < end - middle) {
                sum += descend(at, first, split, shared);
                first = split;
            } else {
                sum += descend(at, split, last, shared);
                last = split;
            }
        }
        return sum;
    }

    /// Items before `middle` in label order go to the front, the others behind them, both still in the order of the
    /// scores.
    void partition(int at, std::int32_t begin, std::int32_t middle, std::int32_t end) {
        const std::int32_t n = end - begin;
        const std::int32_t n_parts = count_pieces(n);
        PartitionJob<N> job;
        job.number = place_[at].number;
        job.index = place_[at].index;
        job.number_to = place_[at ^ 1].number;
        job.index_to = place_[at ^ 1].index;
        job.n_carried = n_carried_;
        for (int c = 0; c < n_carried_; ++c) {
            job.carried[c] = carried_[at][c];
            job.carried_to[c] = carried_[at ^ 1][c];
        }
        job.middle = middle;
        const auto move = [job, begin](std::int32_t from, std::int32_t to, std::int32_t low, std::int32_t low_end) {
            PartitionJob<N> part = job;
            part.begin = from;
            part.end = to;
            part.low = low;
            part.low_end = low_end;
            part.high = job.middle + (from - begin) - (low - begin);
            part.high_end = job.middle + (to - begin) - (low_end - begin);
            partition_items(part);
        };
        if (n_parts == 1) return move(begin, end, begin, middle);
        const auto part_begin = [&](std::int64_t k) { return begin + static_cast<std::int32_t>(k * n / n_parts); };
        std::vector<std::int32_t> low(static_cast<std::size_t>(n_parts) + 1, begin);  // first slot of each part
        team_.run(n_parts, [&](std::int64_t k) {
            const std::int32_t* item = place_[at].index;
            low[static_cast<std::size_t>(k) + 1] = static_cast<std::int32_t>(std::count_if(
                item + part_begin(k), item + part_begin(k + 1), [&](std::int32_t i) { return i < middle; }));
        });
        for (std::size_t k = 1; k < low.size(); ++k) low[k] += low[k - 1];
        team_.run(n_parts, [&](std::int64_t k) {
            move(part_begin(k), part_begin(k + 1), low[static_cast<std::size_t>(k)],
                 low[static_cast<std::size_t>(k) + 1]);
        });
    }

    const std::int32_t* level_begin_;
    std::int32_t n_levels_, n_, leaf_items_;
    SortScratch<N>& scratch_;
    Sortable<N> place_[2];
    std::vector<Node> left_;
};

}  // namespace rankgrad
