// The sums of one node of a label tree whose items are in the order of the scores (lambda_tree.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "engine/data/label_splits.hpp"
#include "engine/lambda/lambda_tree.hpp"
#include "engine/lambda/small_sum.hpp"

namespace rankgrad {

/// The bins of the items of a list: all of one grid, or those of clusters (engine/data/sparse_bins.hpp).
struct ListBins {
    const double* place = nullptr;  ///< of each item
    double per_width = 1;           ///< one over the width of a bin
    bool side_by_side = true;
};

constexpr std::int32_t kChunkItems = 32;
/// Chunks whose pairs are summed in one call: whole calls are in a batch.
constexpr std::size_t kChunksPerCall = SmallSum::kMostItems / kChunkItems;

/// Items are known by their place in label order.
class NodeSums {
public:
    /// Without a team all is done by the calling thread.
    NodeSums(const LambdaTreeKernels& kernels, const RankedList& list, const ListBins& bins, LambdaTreeScratch& scratch,
             Team* team)
        : sums_of_(kernels), mode_(kernels.mode), list_(list), bins_(bins), s_(scratch), team_(team) {}

    /// The pairs between the items [begin, middle) and [middle, end), given by descending score. `room` is as long.
    void node(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end, std::int32_t* room);
    /// All pairs of the levels [first, last), one by one.
    void leaf(std::int32_t first, std::int32_t last);

private:
    /// The two groups of a node, and its items in the order of the scans.
    struct Groups {
        const std::int32_t* item;
        std::int32_t begin, middle, end;
        bool along_vector = false;

        std::int32_t n() const { return end - begin; }
    };
    /// What a scan's `load` needs.
    struct Loader {
        NodeSums& sums;
        const Groups& groups;
        ScanNumbers& numbers;
        double* out[2];
    };

    double bins_between(std::int32_t above, std::int32_t below) const;
    std::int32_t chunk_end(const std::int32_t* item, std::int32_t first, std::int32_t n) const;
    void cut(std::int32_t* item, std::int32_t middle, std::int32_t n);
    void find_chunks(const Groups& groups, std::int32_t batch, std::vector<ScanChunk>& chunks) const;
    static void load(ScanJob& job, std::int32_t batch);
    void set_numbers(ScanJob& job, const Groups& groups, std::int32_t first, std::int32_t end, ScanNumbers& numbers);
    void set_order(ScanJob& job, const Groups& groups, ScanNumbers& numbers);
    int gain_factors(const Groups& groups, std::int32_t first, std::int32_t end, double* factor) const;
    void scan(const Groups& groups, double* first_out, double* second_out);
    void add_sums(const Groups& groups, const double* first, const double* second);
    void add_along_vector(const Groups& groups, const double* all, const double* of_vector);
    void inside_chunks(const Groups& groups);
    void sum_chunks(const std::int32_t* item, const ScanChunk* chunk, std::size_t n) const;

    void run(std::int64_t n_parts, const std::function<void(std::int64_t)>& body);
    /// Calls body(k) for all k in [0, n), on the team's threads.
    template <class Body> void for_items(std::int32_t n, Body body);

    const LambdaTreeKernels& sums_of_;
    const PairMode mode_;
    const RankedList& list_;
    const ListBins& bins_;
    LambdaTreeScratch& s_;
    Team* team_;
};

}  // namespace rankgrad
