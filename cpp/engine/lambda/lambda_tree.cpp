// A label tree whose nodes are in the order of the scores: a node is a range of levels, split near half of its items
// into a lower and an upper group, whose pairs a scan sums; with an expansion all but those inside a chunk of
// neighbours, which are summed one by one. The pairs inside the groups are the children's, and small nodes are summed
// directly. So gains may take any number of values, at O(n log n) for all distinct ones.
#include "engine/lambda/lambda_tree.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "engine/data/cost_model.hpp"
#include "engine/data/label_splits.hpp"
#include "engine/data/score_bins.hpp"
#include "engine/lambda/node_sums.hpp"

namespace rankgrad {
namespace {

/// What is left to do of a list: the pairs of the levels [first, last), whose items are in item_[at].
struct Branch {
    int at;
    std::int32_t first, last, items;
};

class LambdaTree {
public:
    LambdaTree(const LambdaTreeKernels& kernels, const RankedList& list, LambdaTreeScratch& s, const Team& team)
        : kernels_(kernels), list_(list), s_(s), team_(team),
          item_{list.by_rank, padded(s.item, static_cast<std::size_t>(list.level_begin[list.n_levels]))} {
        if (kernels.expansion != nullptr) find_places();
    }

    void run() {
        const Branch all = branch(0, 0, list_.n_levels);
        if (all.items < kSharedItems) return descend(NodeSums(kernels_, list_, bins_, s_, nullptr), all, nullptr);
        std::vector<Branch> left;
        descend(NodeSums(kernels_, list_, bins_, s_, &team_), all, &left);
        std::stable_sort(left.begin(), left.end(), [](const Branch& a, const Branch& b) { return a.items > b.items; });
        team_.run(static_cast<std::int64_t>(left.size()), [&](std::int64_t k) {
            LambdaTreeScratch own;
            descend(NodeSums(kernels_, list_, bins_, own, nullptr), left[static_cast<std::size_t>(k)], nullptr);
        });
    }

private:
    /// Where the items are in their bins, whose numbers nodes do not need.
    void find_places() {
        const std::int32_t n = list_.level_begin[list_.n_levels];
        double* place = padded(s_.place, static_cast<std::size_t>(n));
        bins_.place = place;
        const double width = kernels_.expansion->bin_width * list_.unit;
        bins_.per_width = 1 / width;
        bins_.side_by_side = bins_side_by_side(*kernels_.expansion, 0, (list_.high - list_.low) / list_.unit, n);
        if (bins_.side_by_side) {
            const BinGrid grid = make_grid(list_.low, width);
            for (std::int32_t k = 0; k < n; ++k) place[k] = bin_place(grid, list_.score[k]).place;
            return;
        }
        BinWalk walk(width);
        for (std::int32_t r = n - 1; r >= 0; --r) {
            const std::int32_t k = item_[0][r];
            walk.next(list_.score[k]);
            place[k] = walk.place();
        }
    }

    Branch branch(int at, std::int32_t first, std::int32_t last) const {
        return {at, first, last, list_.level_begin[last] - list_.level_begin[first]};
    }

    /// Recursion takes the smaller half. With `left`, small branches are put there.
    void descend(NodeSums nodes, Branch b, std::vector<Branch>* left) {
        while (b.last - b.first > 1) {
            if (left != nullptr && b.items < kSharedItems) return left->push_back(b);
            if (left != nullptr && team_.stopped()) return;
            const std::int32_t begin = list_.level_begin[b.first], end = list_.level_begin[b.last];
            if (end - begin <= kMostLeafItems) return nodes.leaf(b.first, b.last);
            const std::int32_t split = split_level(list_.level_begin, b.first, b.last),
                               middle = list_.level_begin[split];
            nodes.node(item_[b.at] + begin, begin, middle, end, item_[b.at ^ 1] + begin);
            partition(b.at, begin, middle, end);
            Branch lower = branch(b.at ^ 1, b.first, split), upper = branch(b.at ^ 1, split, b.last);
            if (lower.items > upper.items) std::swap(lower, upper);
            descend(nodes, lower, left);
            b = upper;
        }
    }

    void partition(int at, std::int32_t begin, std::int32_t middle, std::int32_t end) {
        const std::int32_t* from = item_[at];
        std::int32_t* to = item_[at ^ 1];
        std::int32_t low = begin, high = middle;
        for (std::int32_t k = begin; k < end; ++k) {
            const bool is_low = from[k] < middle;
            to[is_low ? low : high] = from[k];
            low += is_low;
            high += !is_low;
        }
    }

    const LambdaTreeKernels& kernels_;
    const RankedList& list_;
    LambdaTreeScratch& s_;
    Team team_;
    std::int32_t* const item_[2];
    ListBins bins_;
};

}  // namespace

void lambda_tree_sums(const LambdaTreeKernels& kernels, const RankedList& list, LambdaTreeScratch& scratch,
                      const Team& team) {
    if (kernels.mode == kHessVector) take_off_origin(list.vector, list.level_begin[list.n_levels]);
    LambdaTree(kernels, list, scratch, team).run();
}

}  // namespace rankgrad
