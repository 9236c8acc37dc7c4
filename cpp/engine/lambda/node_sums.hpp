// The sums of one node of a label tree whose items are in the order of the scores (lambda_tree.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "engine/data/label_splits.hpp"
#include "engine/lambda/lambda_tree.hpp"

namespace rankgrad {

/// Items are known by their place in label order.
class NodeSums {
public:
    /// Without a team all is done by the calling thread.
    NodeSums(const LambdaTreeKernels& kernels, const RankedList& list, LambdaTreeScratch& scratch, Team* team)
        : sums_of_(kernels), mode_(kernels.mode), list_(list), s_(scratch), team_(team) {
        if (kernels.expansion != nullptr) grid_ = make_grid(list.low, kernels.expansion->bin_width * list.unit);
    }

    /// The pairs between the items [begin, middle) and [middle, end), given by descending score. `room` is as long.
    void node(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end, std::int32_t* room);
    /// All pairs of the levels [first, last), one by one.
    void leaf(std::int32_t first, std::int32_t last);

private:
    void cut(std::int32_t* item, std::int32_t middle, std::int32_t n);
    void set_places(ScanJob& job, const std::int32_t* item, std::int32_t n);
    void set_order(ScanJob& job, const std::int32_t* item, std::int32_t middle, std::int32_t n);
    void between_groups(ScanJob& job, const std::int32_t* item, std::int32_t begin, std::int32_t middle,
                        std::int32_t end);
    void scan(ScanJob job);
    int gain_factors(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end,
                     double* factor);
    void add_sums(const std::int32_t* item, std::int32_t middle, std::int32_t n);
    void along_vector(ScanJob job, const std::int32_t* item, std::int32_t middle, std::int32_t n);
    void inside_chunks(const std::int32_t* item);
    void sum_chunks(const std::int32_t* item, std::size_t first, std::size_t last) const;

    void run(std::int64_t n_parts, const std::function<void(std::int64_t)>& body);
    /// Calls body(k) for all k in [0, n), on the team's threads.
    template <class Body> void for_items(std::int32_t n, Body body);

    const LambdaTreeKernels& sums_of_;
    const PairMode mode_;
    const RankedList& list_;
    LambdaTreeScratch& s_;
    Team* team_;
    BinGrid grid_;  ///< of all items of the list
};

}  // namespace rankgrad
