// The pairs that count as rectangles, and the kernels' operands.
#include "engine/lambda/lambda_direct.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/data/operands.hpp"
#include "engine/data/tiles.hpp"

namespace rankgrad {
namespace {

/// The arrays of a list and the numbers that its pair weights are made of, in one order of the items.
struct Arrays {
    SumArrays list;
    const double *gain, *discount, *rank;
};

/// Rows of at most kPairsPerCall pairs, so that a kernel call ends soon.
void add_rectangle(PairRectangle r, std::vector<PairRectangle>& out) {
    const std::int32_t columns = r.column_end - r.column_begin;
    if (columns <= 0) return;
    const auto rows = static_cast<std::int32_t>(std::max(64.0, kPairsPerCall / columns));
    for (std::int32_t row = r.row_begin; row < r.row_end; row += std::min(rows, r.row_end - row))
        out.push_back({row, row + std::min(rows, r.row_end - row), r.column_begin, r.column_end});
}

/// Each level with all lower ones, as far as they are in the tile.
void all_pairs(const std::int32_t* level_begin, std::int32_t n_levels, const PairRectangle& tile,
               std::vector<PairRectangle>& out) {
    out.clear();
    const std::int32_t* level = std::upper_bound(level_begin, level_begin + n_levels, tile.row_begin) - 1;
    for (; level < level_begin + n_levels && *level < tile.row_end; ++level)
        add_rectangle({std::max(level[0], tile.row_begin), std::min(level[1], tile.row_end), tile.column_begin,
                       std::min(level[0], tile.column_end)},
                      out);
}

/// The best items by score first, then the others, each in label order. No pairs of two others.
void truncated_pairs(const std::int32_t* level_begin, std::int32_t n_levels, std::int32_t best, LambdaMemory& w) {
    const std::int32_t n = level_begin[n_levels];
    w.order.assign(static_cast<std::size_t>(n), 0);
    Buffer<std::int32_t>& order = w.order;
    for (std::int32_t r = 0; r < best; ++r) order[static_cast<std::size_t>(w.by_rank[static_cast<std::size_t>(r)])] = 1;
    w.places.resize(static_cast<std::size_t>(n));
    std::int32_t top = 0, other = best;
    w.rectangles.clear();
    for (std::int32_t q = 0; q < n_levels; ++q) {
        const std::int32_t lower_top = top, lower_other = other;
        for (std::int32_t k = level_begin[q]; k < level_begin[q + 1]; ++k)
            w.places[static_cast<std::size_t>(order[static_cast<std::size_t>(k)] != 0 ? top++ : other++)] = k;
        add_rectangle({lower_top, top, 0, lower_top}, w.rectangles);
        add_rectangle({lower_top, top, best, lower_other}, w.rectangles);
        add_rectangle({lower_other, other, 0, lower_top}, w.rectangles);
    }
    order.swap(w.places);
}

/// The arrays in the order of `w.order`, sums at 0; arrays that are null stay so.
Arrays arrange(const Arrays& from, LambdaMemory& w) {
    const std::size_t n = w.order.size();
    int next = 0;
    const auto copy = [&](const double* x) -> const double* {
        if (x == nullptr) return nullptr;
        double* out = zeroed(w.arranged[next++], n);
        for (std::size_t k = 0; k < n; ++k) out[k] = x[w.order[k]];
        return out;
    };
    const auto empty = [&](const double* x) { return x == nullptr ? nullptr : zeroed(w.arranged[next++], n); };
    const SumArrays& x = from.list;
    SumArrays list{nullptr,       copy(x.score),  copy(x.weight), copy(x.vector),
                   copy(x.label), empty(x.value), empty(x.grad),  empty(x.hess)};
    return {list, copy(from.gain), copy(from.discount), copy(from.rank)};
}
void add_back(const SumArrays& from, const SumArrays& to, const Buffer<std::int32_t>& order) {
    for (const auto& [sums, out] : {std::pair{from.value, to.value}, {from.grad, to.grad}, {from.hess, to.hess}})
        for (std::size_t k = 0; out != nullptr && k < order.size(); ++k) out[order[k]] += sums[k];
}

/// As few calls as there are lots of kPairsPerCall pairs.
template <class P>
void run_rectangles(PairSum<P> kernel, PairJob<P> job, const std::vector<PairRectangle>& all, const Team& team) {
    for (std::size_t first = 0; first < all.size() && !team.stopped(); first += job.n_rectangles) {
        double pairs = 0;
        job.rectangles = all.data() + first;
        job.n_rectangles = 0;
        do {
            const PairRectangle& r = job.rectangles[job.n_rectangles++];
            pairs += static_cast<double>(r.row_end - r.row_begin) * (r.column_end - r.column_begin);
        } while (pairs < kPairsPerCall && first + static_cast<std::size_t>(job.n_rectangles) < all.size());
        kernel(job);
    }
}

/// All pairs of a list of n items, long ones in tiles side by side.
template <class P> void run_all(PairSum<P> kernel, const PairJob<P>& job, const std::int32_t* level_begin,
                                std::int32_t n_levels, std::vector<PairRectangle>& rectangles, const Team& team) {
    const std::int32_t n = level_begin[n_levels];
    if (n < kLeastTiledItems) {
        all_pairs(level_begin, n_levels, {0, n, 0, n}, rectangles);
        return run_rectangles(kernel, job, rectangles, team);
    }
    for_tiles(team, n, [&](const PairRectangle& tile) {
        std::vector<PairRectangle> of_tile;
        all_pairs(level_begin, n_levels, tile, of_tile);
        if (of_tile.empty()) return;
        PairJob<P> part = job;
        part.rectangles = of_tile.data();
        part.n_rectangles = static_cast<std::int32_t>(of_tile.size());
        kernel(part);
    });
}

/// A discount in two parts, so that those of neighbouring ranks differ by as many digits in float as others.
void set_weights(PairJob<float>& job, const Arrays& a, std::size_t n, LambdaMemory& w) {
    float* discount = converted(a.discount, n, 0, w.float_discount);
    float* rest = padded(w.float_rest, n);
    for (std::size_t k = 0; k < n; ++k) rest[k] = static_cast<float>(a.discount[k] - static_cast<double>(discount[k]));
    job.discount = discount;
    job.discount_rest = rest;
    job.gain = converted(a.gain, n, 0, w.float_gain);
    job.rank = converted(a.rank, n, 0, w.float_rank);
    job.pair_weights = w.weight->of_float;
}
void set_weights(PairJob<double>& job, const Arrays& a, std::size_t, LambdaMemory& w) {
    job.discount = a.discount;
    job.discount_rest = w.no_rest.data();
    job.gain = a.gain;
    job.rank = a.rank;
    job.pair_weights = w.weight->of_double;
}

}  // namespace

void sum_pair_by_pair(GatheredList& list, const LambdaPairKernels& kernels, const PairWeights& weights,
                      LambdaMemory& w) {
    const std::int32_t n = list.n();
    const bool truncated = weights.truncates(n);
    list.scores();
    const Arrays whole{list.arrays(), weights.gain(list.list), w.discount.data(), w.rank.data()};
    Arrays a = whole;
    if (truncated) {
        truncated_pairs(list.level_begin(), list.n_levels(), static_cast<std::int32_t>(weights.truncation()), w);
        a = arrange(whole, w);
    }
    const auto sum = [&](auto kernel, auto job) {
        job.weight_constant = weights.constant();
        set_weights(job, a, static_cast<std::size_t>(n), w);
        if (truncated) run_rectangles(kernel, job, w.rectangles, list.team);
        else run_all(kernel, job, list.level_begin(), list.n_levels(), w.rectangles, list.team);
    };
    const PairSum<float> float_sum = kernels.float_sum[list.mode];
    if (list.is_float && float_sum != nullptr && weights.fit_float() && fits_float(list, true))
        sum(float_sum, pair_job<float>(list, a.list, true));
    else sum(kernels.double_sum[list.mode], pair_job<double>(list, a.list, true));
    if (truncated) add_back(a.list, whole.list, w.order);
}

}  // namespace rankgrad
