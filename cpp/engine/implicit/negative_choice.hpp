// The choice of one negative per positive: the largest, or the first that violates its ideal difference.
#pragma once

#include <limits>

#include "engine/implicit/pair_filler.hpp"

namespace rankgrad {

/// Chooses for the positives of a block; differences are computed in C.
template <class T, class C> class NegativeChoice {
public:
    NegativeChoice(const ImplicitLoss& loss, const ImplicitCall<T>& call, const PairFiller<T, C>& filler)
        : choice_(loss.choice), call_(call), filler_(filler) {}

    /// Whether the choice looks at all negatives, and so tells of bad ones.
    static bool sees_all(const ImplicitLoss& loss, const ImplicitCall<T>& call) {
        return loss.choice == Counted::kLargest && call.lists == nullptr;
    }

    /// row[i] = which negative of positive begin + i, counted from 0; -1 if there is none. False if a bad one was seen.
    bool in_rows(std::int64_t begin, std::int64_t end, Pairs<C>& pairs, T* row, Worker& worker) const {
        const std::int64_t n = end - begin, rows = call_.n_rows, stride = call_.n_positives;
        const T* negative = call_.negative + begin;
        if (choice_ == Counted::kLargest) {
            T largest[kBlock];
            bool usable = true;
            std::fill_n(largest, n, -std::numeric_limits<T>::infinity());
            std::fill_n(row, n, T(-1));
            constexpr std::int64_t step = 8;
            for (std::int64_t k = 0; k < rows && !worker.stopped(); k += step)
                usable &= implicit_kernels<T>().largest_in_columns(
                    negative + k * stride, stride, std::min(step, rows - k), n, static_cast<T>(k), largest, row);
            std::copy_n(largest, n, pairs.negative);
            return usable;
        }
        C first[kBlock];
        std::fill_n(first, n, C(-1));
        filler_.fill_each(pairs, begin, end);
        bool left = true;
        for (std::int64_t k = 0; k < rows && left && !worker.stopped(); ++k) {
            filler_.set_ideals(pairs, begin, end, k * stride + begin);
            left = implicit_kernels<C>().violations_in_row(pairs.positive, as(negative + k * stride, n, pairs.negative),
                                                           pairs.ideal, pairs.ideal_rest, n, static_cast<C>(k), first);
        }
        std::transform(first, first + n, row, [](C k) { return static_cast<T>(k); });
        return true;
    }

    /// Which of the ragged negatives of positive b, -1 if there is none.
    std::int64_t in_list(std::int64_t b, Pairs<C>& pairs) const {
        const std::int64_t at = call_.lists->begin(b), n = call_.lists->end(b) - at;
        const T* negative = call_.negative + at;
        if (choice_ == Counted::kLargest) return n == 0 ? -1 : implicit_kernels<T>().largest_in_list(negative, n);
        for (std::int64_t k = 0; k < n; k += kBlock) {
            const std::int64_t length = std::min(kBlock, n - k);
            filler_.fill(pairs, b, 0, length);
            if (filler_.has_credit()) filler_.subtract_credit(pairs, call_.ideal.negative_items + at + k, length);
            const std::int64_t found = implicit_kernels<C>().violation_in_list(
                pairs.positive[0], as(negative + k, length, pairs.negative), pairs.ideal, pairs.ideal_rest, length);
            if (found >= 0) return k + found;
        }
        return -1;
    }

private:
    Counted choice_;
    const ImplicitCall<T>& call_;
    const PairFiller<T, C>& filler_;
};

}  // namespace rankgrad
