// The sums of one node: the scan between its two groups, the pairs inside chunks, and small nodes pair by pair.
#include "engine/lambda/node_sums.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/data/score_bins.hpp"
#include "engine/lambda/small_sum.hpp"
#include "engine/runtime/parts.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {
namespace {

constexpr std::int32_t kChunkItems = 32;
/// Chunks whose pairs are summed in one call, and in one part.
constexpr std::size_t kBatchChunks = SmallSum::kMostItems / kChunkItems, kPartChunks = 1024;

}  // namespace

void NodeSums::run(std::int64_t n_parts, const std::function<void(std::int64_t)>& body) {
    if (team_ != nullptr) return team_->run(n_parts, body);
    for (std::int64_t part = 0; part < n_parts; ++part) body(part);
}
template <class Body> void NodeSums::for_items(std::int32_t n, Body body) {
    run(count_parts(n), [&](std::int64_t part) {
        const auto end = static_cast<std::int32_t>(part_begin(n, part + 1));
        for (auto k = static_cast<std::int32_t>(part_begin(n, part)); k < end; ++k) body(k);
    });
}

/// Cuts the items of a node into chunks, the lower group's items of each first.
void NodeSums::cut(std::int32_t* item, std::int32_t middle, std::int32_t n) {
    const auto bin_of = [&](std::int32_t k) { return bin_place(grid_, list_.score[item[k]]).bin; };
    s_.chunks.clear();
    for (std::int32_t k = 0; k < n; k = s_.chunks.back().end) {
        ScanChunk chunk{k, k, k + 1, bin_of(k), list_.discount[item[k]], 0};
        while (chunk.end < n && chunk.end < k + kChunkItems && bin_of(chunk.end) == chunk.bin) ++chunk.end;
        chunk.worst = list_.discount[item[chunk.end - 1]];
        const auto is_lower = [&](std::int32_t i) { return i < middle; };
        chunk.middle = static_cast<std::int32_t>(std::partition(item + k, item + chunk.end, is_lower) - item);
        s_.chunks.push_back(chunk);
    }
}

void NodeSums::node(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end,
                    std::int32_t* room) {
    ScanJob job;
    if (sums_of_.expansion != nullptr) {
        std::copy_n(item, end - begin, room);
        cut(room, middle, end - begin);
        item = room;
        inside_chunks(item);
        set_places(job, item, end - begin);
    } else {
        set_order(job, item, middle, end - begin);
    }
    between_groups(job, item, begin, middle, end);
}

void NodeSums::set_places(ScanJob& job, const std::int32_t* item, std::int32_t n) {
    double* place = padded(s_.place, static_cast<std::size_t>(n));
    run(static_cast<std::int64_t>((s_.chunks.size() + kPartChunks - 1) / kPartChunks), [&](std::int64_t part) {
        const auto first = static_cast<std::size_t>(part) * kPartChunks;
        for (std::size_t q = first; q < std::min(s_.chunks.size(), first + kPartChunks); ++q) {
            const ScanChunk& chunk = s_.chunks[q];
            for (std::int32_t k = chunk.begin; k < chunk.end; ++k)
                place[k] = bin_place(grid_, list_.score[item[k]]).place;
        }
    });
    if (s_.expansion != sums_of_.expansion) s_.tables = expansion_tables(*sums_of_.expansion);
    s_.expansion = sums_of_.expansion;
    job.tables = s_.tables;
    job.chunks = s_.chunks.data();
    job.n_chunks = static_cast<std::int32_t>(s_.chunks.size());
    job.place = place;
}
/// Scores without their origin: powers of them lose less.
void NodeSums::set_order(ScanJob& job, const std::int32_t* item, std::int32_t middle, std::int32_t n) {
    double* score = padded(s_.place, static_cast<std::size_t>(n));
    std::uint8_t* upper = padded(s_.upper, static_cast<std::size_t>(n));
    const double origin = exact_origin(list_.low, list_.high);
    for_items(n, [&](std::int32_t k) {
        score[k] = list_.score[item[k]] - origin;
        upper[k] = item[k] >= middle;
    });
    job.score = score;
    job.upper = upper;
    job.n = n;
    job.unit = list_.unit;
}

void NodeSums::between_groups(ScanJob& job, const std::int32_t* item, std::int32_t begin, std::int32_t middle,
                              std::int32_t end) {
    const std::int32_t n = end - begin;
    const auto size = static_cast<std::size_t>(n);
    double* const strength = padded(s_.strength, 2 * size + kPadding);
    double *const factor = strength + size + kPadding, *const discount = padded(s_.discount, size);
    for_items(n, [&](std::int32_t k) {
        discount[k] = list_.discount[item[k]];
        strength[k] = item[k] < middle ? 1.0 : list_.weight[item[k]];
    });
    job.gains = gain_factors(item, begin, middle, end, factor);
    job.mode = mode_;
    job.ranked = list_.ranked;
    job.strength = strength;
    job.factor = factor;
    job.discount = discount;
    for (int f = 0; f < 2; ++f) job.out[f] = zeroed(s_.out[f], size);
    scan(job);
    if (mode_ == kHessVector) along_vector(job, item, middle, n);
    else add_sums(item, middle, n);
}

/// Each group's sums by a thread of its own. Values are those of the upper group.
void NodeSums::scan(ScanJob job) {
    run(mode_ == kValue ? 1 : 2, [&](std::int64_t part) {
        ScanJob of_group = job;
        of_group.lower = part == 1;
        sums_of_.scan(of_group);
    });
}

/// |g_i - g_j| as a product of factors where one group has one gain, else as a sum (see ScanJob).
int NodeSums::gain_factors(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end,
                           double* factor) {
    const double *gain = list_.gain, highest_lower = gain[middle - 1], lowest_upper = gain[middle];
    const bool one_upper = lowest_upper == gain[end - 1], one_lower = highest_lower == gain[begin];
    for_items(end - begin, [&](std::int32_t k) {
        const bool lower = item[k] < middle;
        const double between = one_upper ? lowest_upper : highest_lower;
        const double distance = lower ? between - gain[item[k]] : gain[item[k]] - between;
        const bool single = one_upper ? !lower : one_lower && lower;
        factor[k] = single ? 1.0 : distance;
    });
    return one_upper || one_lower ? 1 : 2;
}

void NodeSums::add_sums(const std::int32_t* item, std::int32_t middle, std::int32_t n) {
    const double *first = s_.out[0].data(), *second = s_.out[1].data();
    const bool with_value = mode_ == kValue || mode_ == kValueGrad;
    const double* slope = mode_ == kValueGrad ? second : first;
    for_items(n, [&](std::int32_t k) {
        const std::int32_t i = item[k];
        const bool row = i >= middle;
        if (with_value && row) list_.value[i] += first[k];
        if (mode_ == kValue) return;
        list_.grad[i] += row ? list_.weight[i] * slope[k] : -slope[k];
        if (!with_value) list_.hess[i] += row ? list_.weight[i] * second[k] : second[k];
    });
}

/// sum_j w K (v_i - v_j) = v_i sum_j w K - sum_j w v_j K.
void NodeSums::along_vector(ScanJob job, const std::int32_t* item, std::int32_t middle, std::int32_t n) {
    double* strength = s_.strength.data();
    for (std::int32_t k = 0; k < n; ++k) strength[k] *= list_.vector[item[k]];
    job.out[0] = s_.out[1].data();
    scan(job);
    for (std::int32_t k = 0; k < n; ++k) {
        const std::int32_t i = item[k];
        const double sum = list_.vector[i] * s_.out[0][k] - s_.out[1][k];
        list_.grad[i] += i >= middle ? list_.weight[i] * sum : sum;
    }
}

void NodeSums::inside_chunks(const std::int32_t* item) {
    run(static_cast<std::int64_t>((s_.chunks.size() + kPartChunks - 1) / kPartChunks), [&](std::int64_t part) {
        const auto first = static_cast<std::size_t>(part) * kPartChunks;
        const std::size_t end = std::min(s_.chunks.size(), first + kPartChunks);
        for (std::size_t q = first; q < end; q += kBatchChunks) sum_chunks(item, q, std::min(end, q + kBatchChunks));
    });
}
void NodeSums::sum_chunks(const std::int32_t* item, std::size_t first, std::size_t last) const {
    const std::int32_t begin = s_.chunks[first].begin, end = s_.chunks[last - 1].end;
    SmallSum few(sums_of_, list_, item + begin, end - begin);
    for (std::size_t q = first; q < last; ++q) {
        const ScanChunk& chunk = s_.chunks[q];
        if (chunk.begin < chunk.middle && chunk.middle < chunk.end)
            few.add_pairs({chunk.middle - begin, chunk.end - begin, chunk.begin - begin, chunk.middle - begin});
        const double origin = list_.score[item[chunk.begin]];  // chunks have nothing to do with each other
        for (std::int32_t k = chunk.begin; k < chunk.end; ++k)
            few.score[static_cast<std::size_t>(k - begin)] = list_.score[item[k]] - origin;
    }
    few.sum();
}

void NodeSums::leaf(std::int32_t first, std::int32_t last) {
    const std::int32_t begin = list_.level_begin[first], n = list_.level_begin[last] - begin;
    std::array<std::int32_t, kMostLeafItems> item;
    std::iota(item.begin(), item.begin() + n, begin);
    SmallSum few(sums_of_, list_, item.data(), n);
    for (std::int32_t q = first + 1; q < last; ++q)
        few.add_pairs(
            {list_.level_begin[q] - begin, list_.level_begin[q + 1] - begin, 0, list_.level_begin[q] - begin});
    std::copy_n(list_.score + begin, n, few.score.begin());
    few.sum();
}

}  // namespace rankgrad
