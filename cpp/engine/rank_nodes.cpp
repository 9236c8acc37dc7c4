// The sums of one node: the scan between its two groups, the pairs inside chunks, and small nodes pair by pair.
#include "engine/rank_nodes.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/dispatch.hpp"
#include "engine/expansion_sums.hpp"
#include "engine/workspace.hpp"

namespace rankgrad {
namespace {

constexpr std::int32_t kChunkItems = 32;
/// (1 + e^range)^2 must fit a double.
constexpr double kFactoredRange = 340;

double* sums(std::vector<double>& buffer, std::int32_t n) { return zeroed(buffer, static_cast<std::size_t>(n)); }

}  // namespace

/// Cuts the items of a node into chunks, the lower group's items of each first.
void RankNodes::cut(std::int32_t* item, std::int32_t middle, std::int32_t n) {
    const double per_width = 1 / sums_of_.expansion->bin_width;
    const auto bin_of = [&](std::int32_t k) {
        return static_cast<std::int32_t>((list_.score[item[k]] - list_.low) * per_width);
    };
    s_.chunks.clear();
    for (std::int32_t k = 0; k < n; k = s_.chunks.back().end) {
        RankChunk chunk{k, k, k + 1, bin_of(k), list_.discount[item[k]], 0};
        while (chunk.end < n && chunk.end < k + kChunkItems && bin_of(chunk.end) == chunk.bin) ++chunk.end;
        chunk.worst = list_.discount[item[chunk.end - 1]];
        const auto is_lower = [&](std::int32_t i) { return i < middle; };
        chunk.middle = static_cast<std::int32_t>(std::partition(item + k, item + chunk.end, is_lower) - item);
        s_.chunks.push_back(chunk);
    }
}

void RankNodes::node(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end,
                     std::int32_t* room) {
    RankScanJob job;
    if (sums_of_.expansion != nullptr) {
        std::copy_n(item, end - begin, room);
        cut(room, middle, end - begin);
        item = room;
        inside_chunks(item, end - begin);
        set_places(job, item, end - begin);
    } else {
        set_order(job, item, middle, end - begin);
    }
    between_groups(job, item, begin, middle, end);
}

void RankNodes::set_places(RankScanJob& job, const std::int32_t* item, std::int32_t n) {
    double* place = padded(s_.place, static_cast<std::size_t>(n));
    const double per_width = 1 / sums_of_.expansion->bin_width;
    for (const RankChunk& chunk : s_.chunks)
        for (std::int32_t k = chunk.begin; k < chunk.end; ++k)
            place[k] = 2 * ((list_.score[item[k]] - list_.low) * per_width - chunk.bin) - 1;
    if (s_.expansion != sums_of_.expansion) s_.tables = expansion_tables(*sums_of_.expansion);
    s_.expansion = sums_of_.expansion;
    job.tables = s_.tables;
    job.chunks = s_.chunks.data();
    job.n_chunks = static_cast<std::int32_t>(s_.chunks.size());
    job.place = place;
}
/// Scores about the middle of their range: powers of them lose less.
void RankNodes::set_order(RankScanJob& job, const std::int32_t* item, std::int32_t middle, std::int32_t n) {
    double* score = padded(s_.place, static_cast<std::size_t>(n));
    std::uint8_t* upper = padded(s_.upper, static_cast<std::size_t>(n));
    const double centre = 0.5 * list_.low + 0.5 * list_.high;
    for (std::int32_t k = 0; k < n; ++k) score[k] = list_.score[item[k]] - centre;
    for (std::int32_t k = 0; k < n; ++k) upper[k] = item[k] >= middle;
    job.score = score;
    job.upper = upper;
    job.n = n;
}

void RankNodes::between_groups(RankScanJob& job, const std::int32_t* item, std::int32_t begin, std::int32_t middle,
                               std::int32_t end) {
    const std::int32_t n = end - begin;
    const auto size = static_cast<std::size_t>(n);
    double *factor = padded(s_.factor, size), *strength = padded(s_.strength, size);
    double* discount = padded(s_.discount, size);
    for (std::int32_t k = 0; k < n; ++k) discount[k] = list_.discount[item[k]];
    for (std::int32_t k = 0; k < n; ++k) strength[k] = item[k] < middle ? 1.0 : list_.weight[item[k]];
    job.gains = gain_factors(item, begin, middle, end, factor);
    job.mode = mode_;
    job.ranked = list_.ranked;
    job.strength = strength;
    job.factor = factor;
    job.discount = discount;
    for (int f = 0; f < 2; ++f) job.out[f] = sums(s_.out[f], n);
    sums_of_.scan(job);
    if (mode_ == kHessVector) along_vector(job, item, middle, n);
    else add_sums(item, middle, n);
}

/// |g_i - g_j| as a product of factors where one group has one gain, else as a sum (see RankScanJob).
int RankNodes::gain_factors(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end,
                            double* factor) const {
    const double *gain = list_.gain, highest_lower = gain[middle - 1], lowest_upper = gain[middle];
    const bool one_upper = lowest_upper == gain[end - 1], one_lower = highest_lower == gain[begin];
    for (std::int32_t k = 0; k < end - begin; ++k) {
        const bool lower = item[k] < middle;
        const double between = one_upper ? lowest_upper : highest_lower;
        const double distance = lower ? between - gain[item[k]] : gain[item[k]] - between;
        const bool single = one_upper ? !lower : one_lower && lower;
        factor[k] = single ? 1.0 : distance;
    }
    return one_upper || one_lower ? 1 : 2;
}

void RankNodes::add_sums(const std::int32_t* item, std::int32_t middle, std::int32_t n) const {
    const double *first = s_.out[0].data(), *second = s_.out[1].data();
    const bool with_value = mode_ == kValue || mode_ == kValueGrad;
    const double* slope = mode_ == kValueGrad ? second : first;
    for (std::int32_t k = 0; k < n; ++k) {
        const std::int32_t i = item[k];
        const bool row = i >= middle;
        if (with_value && row) list_.value[i] += first[k];
        if (mode_ == kValue) continue;
        list_.grad[i] += row ? list_.weight[i] * slope[k] : -slope[k];
        if (!with_value) list_.hess[i] += row ? list_.weight[i] * second[k] : second[k];
    }
}

/// sum_j w K (v_i - v_j) = v_i sum_j w K - sum_j w v_j K.
void RankNodes::along_vector(RankScanJob job, const std::int32_t* item, std::int32_t middle, std::int32_t n) {
    double* strength = s_.strength.data();
    for (std::int32_t k = 0; k < n; ++k) strength[k] *= list_.vector[item[k]];
    job.out[0] = s_.out[1].data();
    sums_of_.scan(job);
    for (std::int32_t k = 0; k < n; ++k) {
        const std::int32_t i = item[k];
        const double sum = list_.vector[i] * s_.out[0][k] - s_.out[1][k];
        list_.grad[i] += i >= middle ? list_.weight[i] * sum : sum;
    }
}

void RankNodes::inside_chunks(const std::int32_t* item, std::int32_t n) {
    s_.rectangles.clear();
    for (const RankChunk& chunk : s_.chunks)
        if (chunk.begin < chunk.middle && chunk.middle < chunk.end)
            s_.rectangles.push_back({chunk.middle, chunk.end, chunk.begin, chunk.middle});
    double* x = padded(s_.row, static_cast<std::size_t>(n));
    for (const RankChunk& chunk : s_.chunks)
        for (std::int32_t k = chunk.begin; k < chunk.end; ++k)
            x[k] = list_.score[item[k]] - (list_.low + (chunk.bin + 0.5) * sums_of_.expansion->bin_width);
    sum_directly(item, n);
}

void RankNodes::leaf(std::int32_t first, std::int32_t last, std::int32_t* room) {
    const std::int32_t begin = list_.level_begin[first], n = list_.level_begin[last] - begin;
    std::iota(room, room + n, begin);
    s_.rectangles.clear();
    for (std::int32_t q = first + 1; q < last; ++q)
        s_.rectangles.push_back(
            {list_.level_begin[q] - begin, list_.level_begin[q + 1] - begin, 0, list_.level_begin[q] - begin});
    double* x = padded(s_.row, static_cast<std::size_t>(n));
    std::copy_n(list_.score + begin, n, x);
    sum_directly(room, n);
}

/// The pairs of the rectangles; `row` holds the scores.
void RankNodes::sum_directly(const std::int32_t* item, std::int32_t n) {
    if (s_.rectangles.empty()) return;
    const auto size = static_cast<std::size_t>(n);
    const auto gather = [&](const double* from, std::vector<double>& buffer) {
        double* to = zeroed(buffer, size);
        for (std::int32_t k = 0; k < n; ++k) to[k] = from[item[k]];
        return to;
    };
    PairJob<double> job;
    set_operands(job, size);
    job.weight = gather(list_.weight, s_.weight);
    job.gain = gather(list_.gain, s_.gain);
    job.discount = gather(list_.discount, s_.discount);
    job.discount_rest = zeroed(s_.no_rest, size);
    job.discount_constant = list_.ranked ? 0 : 1;
    if (mode_ == kHessVector) job.vector = gather(list_.vector, s_.vector);
    job.value = sums(s_.value, n);
    job.grad = sums(s_.grad, n);
    job.hess = sums(s_.hess, n);
    job.rectangles = s_.rectangles.data();
    job.n_rectangles = static_cast<std::int32_t>(s_.rectangles.size());
    sums_of_.direct(job);
    for (const auto& [from, to] : {std::pair{job.value, list_.value}, {job.grad, list_.grad}, {job.hess, list_.hess}})
        for (std::int32_t k = 0; to != nullptr && k < n; ++k) to[item[k]] += from[k];
}
void RankNodes::set_operands(PairJob<double>& job, std::size_t n) {
    double *row = s_.row.data(), *column = padded(s_.column, n);
    const auto [low, high] = std::minmax_element(row, row + n);
    const double range = *high - *low, middle = 0.5 * *low + 0.5 * *high;
    job.factored = sums_of_.expansion != nullptr && range <= kFactoredRange;  // the hinges take scores
    job.row = job.column = row;
    if (!job.factored) return;
    kernels().double_exponentials(row, static_cast<std::int64_t>(n), middle, row, column);
    job.column = column;
}

}  // namespace rankgrad
