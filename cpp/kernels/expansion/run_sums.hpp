// The pairs inside the runs of small levels of a near-linear sum (block_pass.hpp): each run is summed directly, as a
// list of its own.
#pragma once

#include "kernels/contract/kernel_table.hpp"
#include "kernels/simd/vector_math.hpp"

namespace rankgrad {
namespace {

class RunSums {
    using V = Lanes<double>;
    static constexpr int room = kMostRunItems + 8;  // and one register

    const PairLossKernels& loss_;
    const PairMode mode_;
    double row_[room], column_[room];
    std::int32_t level_begin_[kMostRunItems + 1];

    void factors(const double* score, std::int32_t n, PairJob<double>& run) {
        const double per_unit = 1 / run.parameters.unit;
        double low = score[0], high = score[0];
        for (std::int32_t k = 1; k < n; ++k) {
            low = score[k] < low ? score[k] : low;
            high = score[k] > high ? score[k] : high;
        }
        const double range = (high - low) * per_unit;
        run.factored = range <= kDoubleRange;
        if (!run.factored) return;
        for (std::int32_t k = 0; k < n; k += V::count) {
            const V e = exp((V::load(score + k) - V(0.5 * low + 0.5 * high)) * V(per_unit));
            e.store(column_ + k);
            (V(1) / e).store(row_ + k);
        }
        run.row = row_;
        run.column = column_;
        if (loss_.log_product) run.terms_per_flush = product_terms(range, kDoubleProduct, kTermsPerFlush);
    }

public:
    RunSums(const PairLossKernels& loss, PairMode mode) : loss_(loss), mode_(mode) {}

    void run(const PairJob<double>& job, std::int32_t level, std::int32_t level_end) {
        const std::int32_t first = job.level_begin[level];
        PairJob<double> run = job;
        run.n_levels = level_end - level;
        for (std::int32_t q = 0; q <= run.n_levels; ++q) level_begin_[q] = job.level_begin[level + q] - first;
        run.level_begin = level_begin_;
        run.row_begin = 0;
        run.row_end = level_begin_[run.n_levels];
        run.row = run.column = job.row + first;
        run.weight = job.weight == nullptr ? nullptr : job.weight + first;
        run.vector = mode_ == kHessVector ? job.vector + first : nullptr;
        run.value = with_value(mode_) ? job.value + first : nullptr;
        run.grad = mode_ == kValue ? nullptr : job.grad + first;
        run.hess = with_hess(mode_) ? job.hess + first : nullptr;
        if (loss_.factored[mode_]) factors(job.row + first, run.row_end, run);
        loss_.double_sum[mode_](run);
    }
};

}  // namespace
}  // namespace rankgrad
