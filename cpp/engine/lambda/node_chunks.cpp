// The chunks and batches of a node: neighbours by score that are in one bin.
#include <algorithm>

#include "engine/data/sparse_bins.hpp"
#include "engine/lambda/node_sums.hpp"

namespace rankgrad {
namespace {

/// A batch ends when it has so many chunks or items.
constexpr std::int32_t kBatchChunks = 2048, kBatchItems = 1 << 14;

}  // namespace

/// Widths from the bin of one item down to that of another: whole ones unless the bins are of different clusters.
double NodeSums::bins_between(std::int32_t above, std::int32_t below) const {
    const double bins =
        (list_.score[above] - list_.score[below]) * bins_.per_width - 0.5 * (bins_.place[above] - bins_.place[below]);
    return bins_.side_by_side || bins < kWideGap ? static_cast<double>(std::int64_t(bins + 0.5)) : bins;
}
/// A chunk is in one bin.
std::int32_t NodeSums::chunk_end(const std::int32_t* item, std::int32_t first, std::int32_t n) const {
    const std::int32_t most = std::min(n, first + kChunkItems);
    std::int32_t end = first + 1;
    while (end < most && bins_between(item[first], item[end]) == 0) ++end;
    return end;
}

/// Puts the lower group's items of each chunk first, and notes where batches begin.
void NodeSums::cut(std::int32_t* item, std::int32_t middle, std::int32_t n) {
    s_.batch.clear();
    s_.batch.push_back(0);
    std::int32_t chunks = 0;
    for (std::int32_t k = 0, end; k < n; k = end, ++chunks) {
        const bool full = chunks >= kBatchChunks || k - s_.batch.back() >= kBatchItems;
        if (full && chunks % std::int32_t{kChunksPerCall} == 0) {
            s_.batch.push_back(k);
            chunks = 0;
        }
        end = chunk_end(item, k, n);
        std::partition(item + k, item + end, [&](std::int32_t i) { return i < middle; });
    }
    s_.batch.push_back(n);
}
/// The chunks of a batch, whose items are counted from its first.
void NodeSums::find_chunks(const Groups& groups, std::int32_t batch, std::vector<ScanChunk>& chunks) const {
    const std::int32_t first = s_.batch[static_cast<std::size_t>(batch)],
                       last = s_.batch[static_cast<std::size_t>(batch) + 1];
    const std::int32_t* item = groups.item;
    chunks.clear();
    for (std::int32_t k = first, end; k < last; k = end) {
        end = chunk_end(item, k, last);
        ScanChunk chunk{k - first, k - first, end - first, k == 0 ? 0 : bins_between(item[k - 1], item[k]), 0, 0};
        while (chunk.middle < chunk.end && item[first + chunk.middle] < groups.middle) ++chunk.middle;
        if (list_.discount != nullptr) {
            const auto by_discount = [&](std::int32_t i, std::int32_t j) {
                return list_.discount[i] < list_.discount[j];
            };
            const auto [worst, best] = std::minmax_element(item + k, item + end, by_discount);
            chunk.best = list_.discount[*best];
            chunk.worst = list_.discount[*worst];
        }
        chunks.push_back(chunk);
    }
}

}  // namespace rankgrad
