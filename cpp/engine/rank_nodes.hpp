// The sums of one node of a label tree whose items are in the order of the scores (rank_tree.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/rank_tree.hpp"

namespace rankgrad {

/// Items are known by their place in label order.
class RankNodes {
public:
    RankNodes(const RankTreeKernels& kernels, const RankedList& list, RankTreeScratch& scratch)
        : sums_of_(kernels), mode_(kernels.mode), list_(list), s_(scratch) {}

    /// The pairs between the items [begin, middle) and [middle, end), given by descending score. `room` is as long.
    void node(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end, std::int32_t* room);
    /// All pairs of the levels [first, last), one by one.
    void leaf(std::int32_t first, std::int32_t last, std::int32_t* room);

private:
    void cut(std::int32_t* item, std::int32_t middle, std::int32_t n);
    void set_places(RankScanJob& job, const std::int32_t* item, std::int32_t n);
    void set_order(RankScanJob& job, const std::int32_t* item, std::int32_t middle, std::int32_t n);
    void between_groups(RankScanJob& job, const std::int32_t* item, std::int32_t begin, std::int32_t middle,
                        std::int32_t end);
    int gain_factors(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end,
                     double* factor) const;
    void add_sums(const std::int32_t* item, std::int32_t middle, std::int32_t n) const;
    void along_vector(RankScanJob job, const std::int32_t* item, std::int32_t middle, std::int32_t n);
    void inside_chunks(const std::int32_t* item, std::int32_t n);
    void sum_directly(const std::int32_t* item, std::int32_t n);
    void set_operands(PairJob<double>& job, std::size_t n);

    const RankTreeKernels& sums_of_;
    const PairMode mode_;
    const RankedList& list_;
    RankTreeScratch& s_;
};

}  // namespace rankgrad
