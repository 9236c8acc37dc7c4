// A label tree whose nodes are in the order of the scores: a node is a range of levels, split near half of its items into a
// lower and an upper group, whose pairs a scan sums; with an expansion all but those inside a chunk of neighbours, which are
// summed one by one. The pairs inside the groups are the children's, and small nodes are summed directly. So gains may take
// any number of values, at O(n log n) for all distinct ones.
#include "engine/rank_tree.hpp"

#include <algorithm>
#include <cstddef>

#include "engine/expansion_sums.hpp"
#include "engine/label_tree.hpp"
#include "engine/rank_nodes.hpp"

namespace rankgrad {
namespace {

/// Items of a node that is summed directly.
constexpr std::int32_t kLeafItems = 128;
/// Items of a node between two looks at the interrupt flag.
constexpr std::int32_t kItemsPerLook = 1 << 14;

class RankTree {
public:
    RankTree(const RankTreeKernels& kernels, const RankedList& list, RankTreeScratch& s, Team team)
        : list_(list), s_(s), team_(team), nodes_(kernels, list, s) {
        const auto n = static_cast<std::size_t>(list.level_begin[list.n_levels]);
        for (std::vector<std::int32_t>& items : s.item) items.resize(std::max(items.size(), n));
        std::copy_n(list.by_rank, n, s.item[0].begin());
    }

    /// Levels [first, last), whose items are in item[at]. Recursion takes the smaller half.
    void descend(int at, std::int32_t first, std::int32_t last) {
        while (last - first > 1 && !stops(first, last)) {
            const std::int32_t begin = list_.level_begin[first], end = list_.level_begin[last];
            std::int32_t *items = s_.item[at].data() + begin, *room = s_.item[at ^ 1].data() + begin;
            if (end - begin <= kLeafItems) return nodes_.leaf(first, last, room);
            const std::int32_t split = split_level(list_.level_begin, first, last), middle = list_.level_begin[split];
            nodes_.node(items, begin, middle, end, room);
            partition(at, begin, middle, end);
            at ^= 1;
            if (middle - begin < end - middle) {
                descend(at, first, split);
                first = split;
            } else {
                descend(at, split, last);
                last = split;
            }
        }
    }

private:
    bool stops(std::int32_t first, std::int32_t last) {
        return list_.level_begin[last] - list_.level_begin[first] >= kItemsPerLook && team_.stopped();
    }
    void partition(int at, std::int32_t begin, std::int32_t middle, std::int32_t end) {
        const std::vector<std::int32_t>& from = s_.item[at];
        std::vector<std::int32_t>& to = s_.item[at ^ 1];
        std::int32_t low = begin, high = middle;
        for (std::int32_t k = begin; k < end; ++k) {
            const bool is_low = from[k] < middle;
            to[is_low ? low : high] = from[k];
            low += is_low;
            high += !is_low;
        }
    }

    const RankedList& list_;
    RankTreeScratch& s_;
    Team team_;
    RankNodes nodes_;
};

}  // namespace

void rank_tree_sums(const RankTreeKernels& kernels, const RankedList& list, RankTreeScratch& scratch, Team team) {
    if (kernels.mode == kHessVector) centre(list.vector, list.level_begin[list.n_levels]);
    RankTree(kernels, list, scratch, team).descend(0, 0, list.n_levels);
}

}  // namespace rankgrad
