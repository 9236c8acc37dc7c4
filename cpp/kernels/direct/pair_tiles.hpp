// A block of columns against rows of any levels, in register tiles: the inner loops of the direct sums.
//
// Four rows share each load of a column. A row's sums stay in registers; the columns' sums stay in a small block on the
// stack until the next block begins. Both are flushed to double before a lane has added more than 64 terms in T.
#pragma once

#include "kernels/contract/direct.hpp"
#include "kernels/simd/lane_sums.hpp"
#include "kernels/direct/label_strips.hpp"
#include "kernels/losses/pair_losses.hpp"

namespace rankgrad {
namespace {

#if defined(__SSE2__) && !defined(__AVX2__)
constexpr bool kCompact = true;  // for CPUs made before 2013 the code is small instead of fast: one row at a time
#else
constexpr bool kCompact = false;
#endif

/// `weighted`: sums are multiplied by the weights of their rows, which are 1 if the job has none. `lambda`: and each
/// pair's loss by the weight of the pair.
template <class Loss, class T, PairMode mode, bool weighted, bool lambda, bool factored> class PairTiles {
    using V = Lanes<T>;
    static constexpr bool values = with_value(mode), slopes = mode != kValue, curvatures = with_hess(mode);
    /// The same pair the other way round has the same loss: both items are rows.
    static constexpr bool both_rows = Loss::all_pairs;
    static constexpr bool column_values = both_rows && values;
    static constexpr bool by_row = weighted && !both_rows;
    /// Two rows can share a division: 1/a = b/(ab), 1/b = a/(ab). It pays in double, where divisions are slow; with a
    /// pair weight there are too few registers.
    static constexpr bool share_divisions = sizeof(T) == sizeof(double) && !lambda;
    /// Where values and slopes may be infinite, a pair whose weight is zero is masked out. The scores of other losses
    /// are in a unit in which nothing overflows.
    static constexpr bool may_overflow = Loss::degree == 0 && sizeof(T) == sizeof(double) && !factored;

    const PairJob<T>& job_;
    Loss loss_;
    const V per_unit_;
    const T one_ = 1;
    const T* const weight_;
    const int weight_step_;
    V column_value_[column_values ? kBlockRegisters : 1];
    V column_slope_[slopes ? kBlockRegisters : 1];
    V column_curvature_[curvatures ? kBlockRegisters : 1];
    static constexpr std::int32_t kWidth = kBlockRegisters * V::count;
    T pair_weight_[lambda ? kTileRows * kWidth : 1];
    std::int32_t block_ = 0, block_end_ = 0;  // columns of the open block that have sums
    int rows_ = 0;                            // rows in these sums

    struct Row {
        V operand, weight, label, vector, value, slope, curvature;
    };

    /// phi and its derivatives of a row with one register of columns.
    RANKGRAD_INLINE Jet<V> evaluate(const Row& row, V column, V label) const {
        if constexpr (factored) {
            const V u = row.operand * column;
            return loss_.eval_factored(u, V(1) / (V(1) + u));
        } else {
            const V difference = row.operand - column;
            return loss_.eval(Loss::degree == 0 ? difference * per_unit_ : difference,
                              Loss::uses_label_gap ? row.label - label : V(0));
        }
    }

    /// The same in factored form for two rows, with one division.
    RANKGRAD_INLINE void evaluate_two(const Row* rows, V column, Jet<V>* jets) const {
        const V u = rows[0].operand * column, v = rows[1].operand * column;
        const V p = V(1) + u, q = V(1) + v, inverse = V(1) / (p * q);
        jets[0] = loss_.eval_factored(u, inverse * q);
        jets[1] = loss_.eval_factored(v, inverse * p);
    }

    /// The jet times the pair weight and, where both items are rows, their row weights.
    RANKGRAD_INLINE void multiply(V weight, const Row& row, std::int32_t column, Jet<V>& jet) const {
        const V both = both_rows ? weight * (row.weight + V::load(job_.weight + column)) : weight;
        if constexpr (may_overflow) jet = only_where(abs(weight) > V(0), jet);
        jet.value = weight * (factored ? loss_.flush(jet.value) : jet.value);
        jet.slope = both * jet.slope;
        jet.curvature = both * jet.curvature;
        jet.positive_curvature = both * jet.positive_curvature;
    }

    /// Masks derivatives; values are multiplied by the weight of the row later.
    static RANKGRAD_INLINE void keep_weighted(typename V::Mask counts, Jet<V>& jet) {
        jet.slope = select(counts, jet.slope, V(0));
        jet.curvature = select(counts, jet.curvature, V(0));
        jet.positive_curvature = select(counts, jet.positive_curvature, V(0));
    }

    /// One register of columns against `n_rows` rows; partial: only the lanes `inside` of each row.
    template <int n_rows, bool partial> RANKGRAD_INLINE void step(Row (&rows)[n_rows], std::int32_t column, int slot,
                                                                  const typename V::Mask (&inside)[n_rows]) {
        const V operand = V::load(job_.column + column);
        const V label = Loss::uses_label_gap ? V::load(job_.label + column) : V(0);
        const V vector = mode == kHessVector ? V::load(job_.vector + column) : V(0);
        V slope_sum = slopes ? column_slope_[slot] : V(0);
        V curvature_sum = curvatures ? column_curvature_[slot] : V(0);
        Jet<V> jets[n_rows];
        // Row by row, so that few registers are in use at a time.
        for (int r = 0; r < n_rows; ++r) {
            Row& row = rows[r];
            Jet<V>& jet = jets[r];
            if constexpr (share_divisions && factored && n_rows % 2 == 0) {
                if (r % 2 == 0) evaluate_two(rows + r, operand, jets + r);
            } else {
                jet = evaluate(row, operand, label);
            }
            if constexpr (lambda) multiply(V::load(pair_weight_ + r * kWidth + slot * V::count), row, column, jet);
            if constexpr (partial) jet = only_where(inside[r], jet);
            if constexpr (may_overflow && by_row) keep_weighted(abs(row.weight) > V(0), jet);
            if constexpr (column_values) column_value_[slot] += jet.value;
            if constexpr (mode == kHessVector) jet.slope = jet.curvature * (row.vector - vector);
            if constexpr (mode == kGradPositiveHess) jet.curvature = jet.positive_curvature;
            if constexpr (values)
                row.value = factored && !lambda ? loss_.add(row.value, jet.value) : row.value + jet.value;
            if constexpr (slopes) {
                row.slope += jet.slope;
                slope_sum = by_row ? multiply_add(row.weight, jet.slope, slope_sum) : slope_sum + jet.slope;
            }
            if constexpr (curvatures) {
                row.curvature += jet.curvature;
                curvature_sum =
                    by_row ? multiply_add(row.weight, jet.curvature, curvature_sum) : curvature_sum + jet.curvature;
            }
        }
        if constexpr (slopes) column_slope_[slot] = slope_sum;
        if constexpr (curvatures) column_curvature_[slot] = curvature_sum;
    }

    template <int n_rows> RANKGRAD_INLINE void tile(std::int32_t first_row, const RowColumns& columns) {
        Row rows[n_rows];
        for (int r = 0; r < n_rows; ++r) {
            const std::int32_t i = first_row + r;
            rows[r].operand = V(job_.row[i]);
            rows[r].weight = V(!weighted ? T(1) : lambda ? job_.weight[i] : weight_[weight_step_ * i]);
            rows[r].label = Loss::uses_label_gap ? V(job_.label[i]) : V(0);
            rows[r].vector = mode == kHessVector ? V(job_.vector[i]) : V(0);
            rows[r].value = rows[r].slope = rows[r].curvature = V(0);
        }
        if constexpr (lambda)
            job_.pair_weights(job_, {first_row, first_row + n_rows, block_, columns.end(first_row + n_rows - 1)},
                              pair_weight_, kWidth);
        typename V::Mask inside[n_rows];
        const int whole =
            kCompact ? 0
                     : (columns.end(first_row) - block_) / V::count;  // registers whose lanes all belong to all rows
        for (int slot = 0; slot < whole; ++slot) step<n_rows, false>(rows, block_ + slot * V::count, slot, inside);
        for (int slot = whole, end = slots_to(columns.end(first_row + n_rows - 1)); slot < end; ++slot) {
            const std::int32_t column = block_ + slot * V::count;
            columns.template find_lanes<T>(first_row, n_rows, column, inside);
            step<n_rows, true>(rows, column, slot, inside);
        }
        add_rows(rows, first_row);
    }

    /// Adds the rows' sums over their lanes to the job's.
    template <int n_rows> RANKGRAD_INLINE void add_rows(const Row (&rows)[n_rows], std::int32_t first) {
        V value[n_rows], slope[n_rows], curvature[n_rows];
        for (int r = 0; r < n_rows; ++r) {
            value[r] = factored && !lambda ? loss_.flush(rows[r].value) : rows[r].value;
            slope[r] = rows[r].slope;
            curvature[r] = rows[r].curvature;
        }
        if (values && job_.value != nullptr) add_sums(job_.value + first, value);
        if (slopes && job_.grad != nullptr) add_by_row(job_.grad, first, slope);
        if constexpr (curvatures) add_by_row(job_.hess, first, curvature);
    }

    template <int n_rows>
    RANKGRAD_INLINE void add_by_row(double* out, std::int32_t first, const V (&rows)[n_rows]) const {
        if (!by_row || (!lambda && job_.weight == nullptr)) return add_sums(out + first, rows);
        for (int r = 0; r < n_rows; ++r) out[first + r] += static_cast<double>(job_.weight[first + r]) * sum(rows[r]);
    }

    /// Registers of the open block up to a column.
    int slots_to(std::int32_t column) const { return (column - block_ + V::count - 1) / V::count; }

public:
    explicit PairTiles(const PairJob<T>& job)
        : job_(job), per_unit_(1 / job.parameters.unit), weight_(job.weight == nullptr ? &one_ : job.weight),
          weight_step_(job.weight == nullptr ? 0 : 1) {
        loss_.set(job.parameters);
    }

    /// Columns of a block.
    std::int32_t width() const {
        return (job_.terms_per_flush < kBlockRegisters ? job_.terms_per_flush : kBlockRegisters) * V::count;
    }
    void open(std::int32_t column) { block_ = block_end_ = column; }

    /// Rows against the columns of the open block, each up to its own end.
    void strip(std::int32_t row, std::int32_t row_end, const RowColumns& columns) {
        // The safe form of a loss with a factored form is rare and long: one row at a time.
        constexpr int tile_rows = Loss::factored && !factored ? 1 : kTileRows;
        constexpr int unrolled = !kCompact ? tile_rows : share_divisions && factored ? 2 : 1;
        while (row < row_end) {
            if (rows_ > kPanelRows - tile_rows) flush();
            const std::int32_t column_end = columns.end(row_end - 1);
            for (int slot = slots_to(block_end_); slot < slots_to(column_end); ++slot) {
                if constexpr (column_values) column_value_[slot] = V(0);
                if constexpr (slopes) column_slope_[slot] = V(0);
                if constexpr (curvatures) column_curvature_[slot] = V(0);
            }
            if (block_end_ < column_end) block_end_ = column_end;
            const std::int32_t fit = (kPanelRows - rows_) / tile_rows * tile_rows;
            const std::int32_t end = row_end - row < fit ? row_end : row + fit;
            rows_ += end - row;
            for (; unrolled > 1 && row + tile_rows <= end; row += tile_rows)
                for (int r = 0; r < tile_rows; r += unrolled) tile<unrolled>(row + r, columns);
            for (; row < end; ++row) tile<1>(row, columns);
        }
    }

    /// Adds the sums of the block's columns to the job's; to be called before another block is opened. Other columns
    /// may belong to another thread.
    void flush() {
        int slot = 0;
        for (std::int32_t column = block_; column < block_end_; column += V::count, ++slot) {
            const int lanes = block_end_ - column < V::count ? block_end_ - column : V::count;
            if (column_values && job_.value != nullptr) add_to(job_.value + column, column_value_[slot], lanes);
            // A row's slope is with respect to s_i; s_j moves the margin the other way.
            if (slopes && job_.grad != nullptr) add_to(job_.grad + column, -column_slope_[slot], lanes);
            if constexpr (curvatures) add_to(job_.hess + column, column_curvature_[slot], lanes);
        }
        block_end_ = block_;
        rows_ = 0;
    }
};

}  // namespace
}  // namespace rankgrad
