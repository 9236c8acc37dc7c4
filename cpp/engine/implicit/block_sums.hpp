// The sums of a block of positives: choose a negative for each (or take every one), sum the formula over the pairs in
// the kernels, put the results where they belong.
#pragma once

#include <limits>
#include <vector>

#include "engine/implicit/negative_choice.hpp"

namespace rankgrad {

constexpr std::int64_t kRowsPerFlush = 64;  ///< additions in the type of the pairs before they go to double

/// Computes in C: in the type of the scores, or carefully in double.
template <class T, class C> class BlockSums {
public:
    BlockSums(const ImplicitLoss& loss, const ImplicitCall<T>& call, const std::vector<double>& rank_weights,
              double unit, bool careful)
        : loss_(loss), call_(call), rank_weights_(rank_weights), filler_(loss, call, unit), careful_(careful) {}

    const PairFiller<T, C>& filler() const { return filler_; }

    /// Sums of each positive; careful ones of the value are weighted. False if the formula cannot compute a pair, or,
    /// of careful sums, if a negative is NaN or infinity.
    bool sum(bool narrow, std::int64_t begin, std::int64_t end, Sums& sums, Worker& worker) const {
        Pairs<C> pairs;
        pairs.narrow = narrow;
        std::fill_n(sums.value, end - begin, 0.0);
        std::fill_n(sums.slope, end - begin, 0.0);
        std::fill_n(sums.curvature, end - begin, 0.0);
        filler_.clear(pairs, call_.lists == nullptr ? end - begin : 0);
        if (loss_.choice != Counted::kEvery) return chosen(begin, end, pairs, sums, worker);
        if (call_.lists == nullptr) return rows(begin, end, pairs, sums, worker);
        return lists(begin, end, pairs, sums, worker);
    }

private:
    /// Sums over pairs whose negatives and results are where the kernel finds them.
    bool call_kernel(Pairs<C>& pairs, const C* negative, std::int64_t n, C* grad, C* hess,
                     std::int64_t rows = 1) const {
        ImplicitPairs<C> job;
        job.positive = pairs.positive;
        job.negative = negative;
        job.ideal = pairs.ideal;
        job.ideal_rest = pairs.ideal_rest;
        job.rank_weight = loss_.kernels().ranked ? pairs.rank_weight : nullptr;
        job.weight = pairs.weight;
        job.factor = pairs.factor;
        job.square_factor = pairs.square_factor;
        job.n = n;
        job.rows = rows;
        job.stride = call_.n_positives;
        std::copy_n(loss_.parameters, kMostParameters, job.parameters);
        job.square = loss_.square ? 1.0 : 0.0;
        job.value = pairs.value;
        job.slope = pairs.slope;
        job.curvature = pairs.curvature;
        job.grad_negative = call_.mode == kValue ? nullptr : grad;
        job.hess_negative = hess;
        const ImplicitLossKernels& formula = loss_.kernels();
        if constexpr (std::is_same_v<C, float>) {
            return formula.float_sums[pairs.narrow].mode[call_.mode](job);
        } else {
            return careful_ ? formula.careful_sum(job) : formula.double_sums[pairs.narrow].mode[call_.mode](job);
        }
    }

    /// The same for the caller's arrays. Careful sums take one row, from where there is room for whole registers.
    bool sum(Pairs<C>& pairs, const T* negative, std::int64_t n, T* grad, T* hess, std::int64_t rows = 1) const {
        if constexpr (std::is_same_v<T, C>)
            if (!careful_) return call_kernel(pairs, negative, n, grad, hess, rows);
        std::copy_n(negative, n, pairs.negative);
        const bool usable = sum_copies(pairs, n);
        narrow(pairs.grad, call_.mode == kValue ? 0 : n, grad);
        narrow(pairs.hess, call_.mode == kGradHess ? n : 0, hess);
        return usable;
    }
    bool sum_copies(Pairs<C>& pairs, std::int64_t n) const {
        std::fill_n(pairs.negative + n, kPadding, -std::numeric_limits<C>::infinity());
        return call_kernel(pairs, pairs.negative, n, pairs.grad, pairs.hess);
    }
    static void narrow(const C* x, std::int64_t n, T* out) {
        std::transform(x, x + n, out, [](C y) { return static_cast<T>(y); });
    }

    /// Every negative of (K, B): the positives of the block against one row at a time.
    bool rows(std::int64_t begin, std::int64_t end, Pairs<C>& pairs, Sums& sums, Worker& worker) const {
        const std::int64_t n = end - begin;
        bool usable = true;
        filler_.fill_each(pairs, begin, end);
        for (std::int64_t k = 0; k < call_.n_rows && !worker.stopped();) {
            const std::int64_t stop = std::min(k + kRowsPerFlush, call_.n_rows);
            while (k < stop) {
                const std::int64_t at = k * call_.n_positives + begin;
                // Credit is a matter of each pair.
                const std::int64_t count = filler_.has_credit() || careful_ ? 1 : stop - k;
                filler_.set_ideals(pairs, begin, end, at);
                usable &= sum(pairs, call_.negative + at, n, shifted(call_.grad_negative, at),
                              shifted(call_.hess_negative, at), count);
                k += count;
            }
            flush(call_.mode, sums, pairs, n);
        }
        return usable;
    }

    static T* shifted(T* x, std::int64_t by) { return x == nullptr ? nullptr : x + by; }

    /// Every negative of ragged lists: runs of kBlock negatives, whatever positives they belong to.
    bool lists(std::int64_t begin, std::int64_t end, Pairs<C>& pairs, Sums& sums, Worker& worker) const {
        const Lists& all = *call_.lists;
        std::int64_t first = begin;
        bool usable = true;
        for (std::int64_t at = all.begin(begin); at < all.end(end - 1) && !worker.stopped();) {
            const std::int64_t stop = std::min(at + kBlock, all.end(end - 1));
            while (all.end(first) <= at) ++first;
            std::int64_t last = first;
            for (; last < end && all.begin(last) < stop; ++last) {
                const std::int64_t from = std::max(all.begin(last), at), to = std::min(all.end(last), stop);
                filler_.fill(pairs, last, from - at, to - from);
            }
            if (filler_.has_credit()) filler_.subtract_credit(pairs, call_.ideal.negative_items + at, stop - at);
            usable &= sum(pairs, call_.negative + at, stop - at, shifted(call_.grad_negative, at),
                          shifted(call_.hess_negative, at));
            for (std::int64_t b = first; b < last; ++b) {
                const std::int64_t from = std::max(all.begin(b), at) - at, n = std::min(all.end(b), stop) - at - from;
                sums.value[b - begin] += total(pairs.value + from, n);
                sums.slope[b - begin] += total(pairs.slope + from, n);
                sums.curvature[b - begin] += total(pairs.curvature + from, n);
            }
            for (C* x : {pairs.value, pairs.slope, pairs.curvature}) std::fill_n(x, stop - at, C(0));
            at = stop;
        }
        return usable;
    }

    std::int64_t place(std::int64_t b, std::int64_t k) const {
        return call_.lists == nullptr ? k * call_.n_positives + b : call_.lists->begin(b) + k;
    }

    /// One negative per positive, or none: the pair's results, and 0 for all other negatives.
    bool chosen(std::int64_t begin, std::int64_t end, Pairs<C>& pairs, Sums& sums, Worker& worker) const {
        const std::int64_t n = end - begin;
        const NegativeChoice<T, C> choice(loss_, call_, filler_);
        std::int64_t chosen[kBlock];
        T row[kBlock];
        bool usable = true;
        if (call_.lists == nullptr) {
            usable = choice.in_rows(begin, end, pairs, row, worker);
            std::transform(row, row + n, chosen, [](T k) { return static_cast<std::int64_t>(k); });
        } else {
            for (std::int64_t i = 0; i < n; ++i) chosen[i] = choice.in_list(begin + i, pairs);
        }
        fill_chosen(begin, end, chosen, pairs);
        usable &= sum_copies(pairs, n);
        flush(call_.mode, sums, pairs, n);
        const auto put = [&](const C* x, T* out) {
            T room[kBlock];
            const T* narrowed = as(x, n, room);
            if (call_.lists != nullptr) put_in_lists(begin, end, chosen, narrowed, out);
            else implicit_kernels<T>().put_in_rows(narrowed, row, call_.n_positives, call_.n_rows, n, out + begin);
        };
        if (call_.mode != kValue) put(pairs.grad, call_.grad_negative);
        if (call_.mode == kGradHess) put(pairs.hess, call_.hess_negative);
        return usable;
    }

    void fill_chosen(std::int64_t begin, std::int64_t end, const std::int64_t* chosen, Pairs<C>& pairs) const {
        filler_.fill_each(pairs, begin, end);
        const bool known = NegativeChoice<T, C>::sees_all(loss_, call_);  // left there by the choice
        for (std::int64_t i = 0; i < end - begin; ++i) {
            const bool any = chosen[i] >= 0;
            const std::int64_t at = any ? place(begin + i, chosen[i]) : 0;
            if (!known)
                pairs.negative[i] = any ? static_cast<C>(call_.negative[at]) : -std::numeric_limits<C>::infinity();
            if (any && !rank_weights_.empty())
                pairs.rank_weight[i] = static_cast<C>(rank_weights_[static_cast<std::size_t>(chosen[i])]);
            if (filler_.has_credit())
                pairs.negative_item[i] = any ? call_.ideal.negative_items[at] : pairs.positive_item[i];
        }
        if (filler_.has_credit()) filler_.subtract_credit(pairs, pairs.negative_item, end - begin);
    }

    void put_in_lists(std::int64_t begin, std::int64_t end, const std::int64_t* chosen, const T* x, T* out) const {
        std::fill(out + call_.lists->begin(begin), out + call_.lists->end(end - 1), T(0));
        for (std::int64_t b = begin; b < end; ++b)
            if (chosen[b - begin] >= 0) out[place(b, chosen[b - begin])] = x[b - begin];
    }

    const ImplicitLoss& loss_;
    const ImplicitCall<T>& call_;
    const std::vector<double>& rank_weights_;  // of the first, second, ... negative tried
    PairFiller<T, C> filler_;
    bool careful_;
};

}  // namespace rankgrad
