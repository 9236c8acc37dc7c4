// The choice of one negative per positive: the largest, or the first that violates its ideal difference.
#pragma once

#include <limits>

#include "engine/implicit_pairs.hpp"

namespace rankgrad {

/// Chooses for the positives of a block. Of rows, the choice is in pairs.row, too, and the largest negatives in pairs.negative.
template <class T> class NegativeChoice {
public:
    NegativeChoice(const ImplicitLoss& loss, const ImplicitCall<T>& call, const PairFiller<T>& filler)
        : choice_(loss.choice), call_(call), filler_(filler), kernels_(implicit_kernels<T>()) {}

    /// Whether the choice looks at all negatives, and so tells of bad ones.
    static bool sees_all(const ImplicitLoss& loss, const ImplicitCall<T>& call) {
        return loss.choice == Counted::kLargest && call.lists == nullptr;
    }

    /// choice[i] = which negative of positive begin + i, counted from 0; -1 if there is none. False if a bad one was seen.
    bool choose(std::int64_t begin, std::int64_t end, Pairs<T>& pairs, std::int64_t* choice, Worker& worker) const {
        if (call_.lists == nullptr) return in_rows(begin, end, pairs, choice, worker);
        for (std::int64_t b = begin; b < end; ++b) choice[b - begin] = in_list(b, pairs);
        return true;
    }

private:
    bool in_rows(std::int64_t begin, std::int64_t end, Pairs<T>& pairs, std::int64_t* choice, Worker& worker) const {
        const std::int64_t n = end - begin, rows = call_.n_rows, stride = call_.n_positives;
        const T* negative = call_.negative + begin;
        T* row = pairs.row;
        bool usable = true;
        std::fill_n(row, n, T(-1));
        std::fill_n(pairs.negative, n, -std::numeric_limits<T>::infinity());
        if (choice_ == Counted::kLargest) {
            constexpr std::int64_t step = 8;
            for (std::int64_t k = 0; k < rows && !worker.stopped(); k += step)
                usable &= kernels_.largest_in_columns(negative + k * stride, stride, std::min(step, rows - k), n,
                                                      static_cast<T>(k), pairs.negative, row);
        } else {
            filler_.fill_each(pairs, begin, end);
            bool left = true;
            for (std::int64_t k = 0; k < rows && left && !worker.stopped(); ++k) {
                filler_.set_ideals(pairs, begin, end, k * stride + begin);
                left = kernels_.violations_in_row(pairs.positive, negative + k * stride, pairs.ideal, n,
                                                  static_cast<T>(k), row);
            }
        }
        for (std::int64_t i = 0; i < n; ++i) choice[i] = static_cast<std::int64_t>(row[i]);
        return usable;
    }

    std::int64_t in_list(std::int64_t b, Pairs<T>& pairs) const {
        const std::int64_t at = call_.lists->begin(b), n = call_.lists->end(b) - at;
        if (choice_ == Counted::kLargest) return n == 0 ? -1 : kernels_.largest_in_list(call_.negative + at, n);
        for (std::int64_t k = 0; k < n; k += kBlock) {
            const std::int64_t length = std::min(kBlock, n - k);
            filler_.fill(pairs, b, 0, length);
            if (filler_.has_credit()) filler_.subtract_credit(pairs, call_.ideal.negative_items + at + k, length);
            const std::int64_t found =
                kernels_.violation_in_list(call_.positive[b], call_.negative + at + k, pairs.ideal, length);
            if (found >= 0) return k + found;
        }
        return -1;
    }

    Counted choice_;
    const ImplicitCall<T>& call_;
    const PairFiller<T>& filler_;
    const ImplicitKernels<T>& kernels_;
};

}  // namespace rankgrad
