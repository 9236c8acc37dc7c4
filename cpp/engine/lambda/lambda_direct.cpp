// Direct sums with pair weights: the pairs that count as rectangles, and the kernels' operands.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/direct/tiles.hpp"
#include "engine/pairwise/pairwise.hpp"

namespace rankgrad {
namespace {

/// The arrays that a direct sum reads and adds to, in one order of the items.
struct Arrays {
    const double *score, *weight, *vector, *gain, *discount, *label;
    double *value, *grad, *hess;
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

/// The best items by score come first, then the others, each in label order; pairs of two others are left out.
void truncated_pairs(const std::int32_t* level_begin, std::int32_t n_levels, std::int32_t best, WeightedScratch& w) {
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
Arrays arrange(const Arrays& from, WeightedScratch& w) {
    const std::size_t n = w.order.size();
    int next = 0;
    const auto copy = [&](const double* x) -> const double* {
        if (x == nullptr) return nullptr;
        double* out = zeroed(w.arranged[next++], n);
        for (std::size_t k = 0; k < n; ++k) out[k] = x[w.order[k]];
        return out;
    };
    const auto empty = [&](const double* x) { return x == nullptr ? nullptr : zeroed(w.arranged[next++], n); };
    return {copy(from.score), copy(from.weight), copy(from.vector), copy(from.gain), copy(from.discount),
            copy(from.label), empty(from.value), empty(from.grad),  empty(from.hess)};
}
void add_back(const Arrays& from, const Arrays& to, const Buffer<std::int32_t>& order) {
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

/// What jobs in float and in double have in common.
template <class P> PairJob<P> job_of(const Arrays& a, const LossParameters& parameters, double constant) {
    PairJob<P> job;
    job.value = a.value;
    job.grad = a.grad;
    job.hess = a.hess;
    job.parameters = parameters;
    job.discount_constant = constant;
    return job;
}

PairJob<float> in_float(const Arrays& a, std::size_t n, bool factored, const PairLossKernels& loss, PairJob<float> job,
                        PairwiseScratch& s) {
    if (factored) {
        float* row = padded(s.float_row, n);
        float* column = padded(s.float_column, n);
        kernels().float_exponentials(a.score, static_cast<std::int64_t>(n), 0.5 * s.low + 0.5 * s.high,
                                     1 / s.unit.unit(), row, column);
        job.row = row;
        job.column = column;
    } else {
        job.row = job.column = converted(a.score, n, 0, s.float_row);
    }
    WeightedScratch& w = s.weighted;
    float* discount = converted(a.discount, n, 0, w.float_discount);
    float* rest = padded(w.float_rest, n);
    for (std::size_t k = 0; k < n; ++k) rest[k] = static_cast<float>(a.discount[k] - static_cast<double>(discount[k]));
    job.discount = discount;
    job.discount_rest = rest;
    job.gain = converted(a.gain, n, 0, w.float_gain);
    job.weight = converted(a.weight, n, 0, s.float_weight);
    if (loss.uses_label_gap) job.label = converted(a.label, n, 0, s.float_label);
    if (a.vector != nullptr) job.vector = converted(a.vector, n, 0, s.float_vector);
    return job;
}

PairJob<double> in_double(const Arrays& a, std::size_t n, bool factored, const PairLossKernels& loss,
                          PairJob<double> job, PairwiseScratch& s) {
    job.row = job.column = a.score;
    if (factored) {
        double* row = padded(s.row, n);
        double* column = padded(s.column, n);
        kernels().double_exponentials(a.score, static_cast<std::int64_t>(n), 0.5 * s.low + 0.5 * s.high,
                                      1 / s.unit.unit(), row, column);
        job.row = row;
        job.column = column;
        job.factored = true;
    }
    job.discount = a.discount;
    job.discount_rest = zeroed(s.weighted.no_rest, n);
    job.gain = a.gain;
    job.weight = a.weight;
    job.vector = a.vector;
    if (loss.uses_label_gap) job.label = converted(a.label, n, 0, s.label);
    return job;
}

}  // namespace

template <class T>
void Pairwise::sum_weighted_directly(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    const WeightedPairKernels& weighted = kernels().weighted->losses[loss_index_];
    const std::int32_t n = plan_.size(list);
    const bool truncated = weights_.truncation() > 0 && weights_.truncation() < n;
    WeightedScratch& w = s.weighted;
    const Arrays whole{s.score.data(),
                       s.weight.data(),
                       call.mode == kHessVector ? s.vector.data() : nullptr,
                       weights_.gain(list),
                       w.discount.data(),
                       loss.uses_label_gap ? plan_.label_gap(list) : nullptr,
                       with_value(call.mode) ? s.value.data() : nullptr,
                       call.mode == kValue ? nullptr : s.grad.data(),
                       with_hess(call.mode) ? s.hess.data() : nullptr};
    Arrays a = whole;
    if (truncated) {
        truncated_pairs(plan_.level_begin(list), plan_.n_levels(list), static_cast<std::int32_t>(weights_.truncation()),
                        w);
        a = arrange(whole, w);
    }
    const auto run_pairs = [&](auto kernel, const auto& job) {
        if (truncated) run_rectangles(kernel, job, w.rectangles, team);
        else run_all(kernel, job, plan_.level_begin(list), plan_.n_levels(list), w.rectangles, team);
    };
    const bool factored = loss.factored[call.mode];
    const PairSum<float> float_sum = weighted.float_sum[kGapProduct][call.mode];
    const auto size = static_cast<std::size_t>(n);
    if (std::is_same_v<T, float> && float_sum != nullptr && weights_.fit_float() && fits_float(call, s, size, true)) {
        const auto job = job_of<float>(a, parameters(s), weights_.constant());
        run_pairs(float_sum, in_float(a, size, factored, loss, job, s));
    } else {
        const auto job = job_of<double>(a, parameters(s), weights_.constant());
        run_pairs(weighted.double_sum[kGapProduct][call.mode],
                  in_double(a, size, factored && range(s) <= kDoubleRange, loss, job, s));
    }
    if (truncated) add_back(a, whole, w.order);
}

template void Pairwise::sum_weighted_directly(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template void Pairwise::sum_weighted_directly(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;

}  // namespace rankgrad
