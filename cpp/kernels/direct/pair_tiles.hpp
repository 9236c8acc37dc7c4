// A block of columns against rows of any levels, in register tiles: the inner loops of the direct sums.
//
// Four rows at a time share each load of a column. A row's sums stay in registers; the columns' sums stay in a small block on
// the stack until the next block begins. Both are flushed to double before a lane has added more than 64 terms in T.
//
// With a pair weight each pair's loss is multiplied by it.
#pragma once

#include "kernels/simd/lane_sums.hpp"
#include "kernels/direct/label_strips.hpp"
#include "kernels/losses/pair_losses.hpp"
#include "kernels/losses/pair_weights.hpp"

namespace rankgrad {
namespace {

constexpr int kTileRows = 4;
constexpr int kPanelRows = 64;       // rows, of any levels, per column flush
constexpr int kBlockRegisters = 64;  // registers of columns per block

template <class Loss, class T, PairMode mode, bool weighted, class Weight, bool factored> class PairTiles {
    using V = Lanes<T>;
    using WeightItem = typename Weight::template Item<V>;
    static constexpr bool with_value = mode == kValue || mode == kValueGrad;
    static constexpr bool with_slope = mode != kValue;
    static constexpr bool with_curvature = mode == kGradHess || mode == kGradPositiveHess;
    /// The same pair the other way round has the same loss: both items are rows.
    static constexpr bool both_rows = Loss::all_pairs;
    static constexpr bool column_values = both_rows && with_value;
    static constexpr bool by_row = weighted && !both_rows;  ///< sums are multiplied by the weight of their row
    /// Two rows can share a division: 1/a = b/(ab), 1/b = a/(ab). That pays where a division is slow, as in double; with a pair
    /// weight there are too few registers for it.
    static constexpr bool share_divisions = sizeof(T) == sizeof(double) && !Weight::any;
    /// Where values and slopes may be infinite, a weight of zero says that the pair does not count. Other losses are given scores
    /// in a unit in which nothing overflows.
    static constexpr bool may_overflow = Loss::degree == 0 && sizeof(T) == sizeof(double) && !factored;

    const PairJob<T>& job_;
    Loss loss_;
    const V per_unit_;
    V column_value_[column_values ? kBlockRegisters : 1];
    V column_slope_[with_slope ? kBlockRegisters : 1];
    V column_curvature_[with_curvature ? kBlockRegisters : 1];
    std::int32_t block_ = 0, block_end_ = 0;  // columns of the open block that rows have met
    int rows_ = 0;                            // and how many rows

    struct Row {
        V operand, weight, label, vector, value, slope, curvature;
        WeightItem pair;
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

    /// The jet times the pair weight. Where both items are rows, the weights of both are multiplied in here.
    RANKGRAD_INLINE void multiply(const Row& row, std::int32_t column, Jet<V>& jet) const {
        const V weight = Weight::weight(row.pair, Weight::template columns<V>(job_, column));
        const V both = both_rows ? weight * (row.weight + V::load(job_.weight + column)) : weight;
        if constexpr (may_overflow) jet = only_where(abs(weight) > V(0), jet);
        jet.value = weight * (factored ? loss_.flush(jet.value) : jet.value);
        jet.slope = both * jet.slope;
        jet.curvature = both * jet.curvature;
        jet.positive_curvature = both * jet.positive_curvature;
    }

    /// Leaves the values, which are multiplied by the weight of the row later.
    static RANKGRAD_INLINE void keep_weighted(typename V::Mask counts, Jet<V>& jet) {
        jet.slope = select(counts, jet.slope, V(0));
        jet.curvature = select(counts, jet.curvature, V(0));
        jet.positive_curvature = select(counts, jet.positive_curvature, V(0));
    }

    /// One register of columns against `n_rows` rows; partial: each with its own lanes of it.
    template <int n_rows, bool partial> RANKGRAD_INLINE void step(Row (&rows)[n_rows], std::int32_t column, int slot,
                                                                  const typename V::Mask (&inside)[n_rows]) {
        const V operand = V::load(job_.column + column);
        const V label = Loss::uses_label_gap ? V::load(job_.label + column) : V(0);
        const V vector = mode == kHessVector ? V::load(job_.vector + column) : V(0);
        V slope_sum = with_slope ? column_slope_[slot] : V(0);
        V curvature_sum = with_curvature ? column_curvature_[slot] : V(0);
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
            if constexpr (Weight::any) multiply(row, column, jet);
            if constexpr (partial) jet = only_where(inside[r], jet);
            if constexpr (may_overflow && by_row) keep_weighted(abs(row.weight) > V(0), jet);
            if constexpr (column_values) column_value_[slot] += jet.value;
            if constexpr (mode == kHessVector) jet.slope = jet.curvature * (row.vector - vector);
            if constexpr (mode == kGradPositiveHess) jet.curvature = jet.positive_curvature;
            if constexpr (with_value)
                row.value = factored && !Weight::any ? loss_.add(row.value, jet.value) : row.value + jet.value;
            if constexpr (with_slope) {
                row.slope += jet.slope;
                slope_sum = by_row ? multiply_add(row.weight, jet.slope, slope_sum) : slope_sum + jet.slope;
            }
            if constexpr (with_curvature) {
                row.curvature += jet.curvature;
                curvature_sum =
                    by_row ? multiply_add(row.weight, jet.curvature, curvature_sum) : curvature_sum + jet.curvature;
            }
        }
        if constexpr (with_slope) column_slope_[slot] = slope_sum;
        if constexpr (with_curvature) column_curvature_[slot] = curvature_sum;
    }

    template <int n_rows> RANKGRAD_INLINE void tile(std::int32_t first_row, const RowColumns& columns) {
        Row rows[n_rows];
        for (int r = 0; r < n_rows; ++r) {
            const std::int32_t i = first_row + r;
            rows[r].operand = V(job_.row[i]);
            rows[r].weight = weighted ? V(job_.weight[i]) : V(1);
            rows[r].label = Loss::uses_label_gap ? V(job_.label[i]) : V(0);
            rows[r].vector = mode == kHessVector ? V(job_.vector[i]) : V(0);
            rows[r].value = rows[r].slope = rows[r].curvature = V(0);
            rows[r].pair = Weight::template row<V>(job_, i);
        }
        typename V::Mask inside[n_rows];
        const int whole = (columns.end(first_row) - block_) / V::count;  // registers that all rows take all lanes of
        for (int slot = 0; slot < whole; ++slot) step<n_rows, false>(rows, block_ + slot * V::count, slot, inside);
        for (int slot = whole, end = slots_to(columns.end(first_row + n_rows - 1)); slot < end; ++slot) {
            const std::int32_t column = block_ + slot * V::count;
            columns.template find_lanes<T>(first_row, n_rows, column, inside);
            step<n_rows, true>(rows, column, slot, inside);
        }
        add_rows(rows, first_row);
    }

    /// The rows' sums over their lanes, into the job's.
    template <int n_rows> RANKGRAD_INLINE void add_rows(const Row (&rows)[n_rows], std::int32_t first) {
        V value[n_rows], slope[n_rows], curvature[n_rows];
        for (int r = 0; r < n_rows; ++r) {
            value[r] = factored && !Weight::any ? loss_.flush(rows[r].value) : rows[r].value;
            slope[r] = rows[r].slope;
            curvature[r] = rows[r].curvature;
        }
        if constexpr (with_value) add_sums(job_.value + first, value);
        if constexpr (with_slope) add_by_row(job_.grad, first, slope);
        if constexpr (with_curvature) add_by_row(job_.hess, first, curvature);
    }

    template <int n_rows>
    RANKGRAD_INLINE void add_by_row(double* out, std::int32_t first, const V (&rows)[n_rows]) const {
        if constexpr (by_row) {
            for (int r = 0; r < n_rows; ++r)
                out[first + r] += static_cast<double>(job_.weight[first + r]) * sum(rows[r]);
        } else {
            add_sums(out + first, rows);
        }
    }

    /// Registers of the open block up to a column.
    int slots_to(std::int32_t column) const { return (column - block_ + V::count - 1) / V::count; }

public:
    explicit PairTiles(const PairJob<T>& job) : job_(job), per_unit_(1 / job.parameters.unit) {
        loss_.set(job.parameters);
    }

    /// Columns of a block.
    std::int32_t width() const {
        return (job_.terms_per_flush < kBlockRegisters ? job_.terms_per_flush : kBlockRegisters) * V::count;
    }
    void open(std::int32_t column) { block_ = block_end_ = column; }

    /// Rows against the columns of the open block, each up to its own end.
    void strip(std::int32_t row, std::int32_t row_end, const RowColumns& columns) {
        // The safe path of a loss with a factored form is rare and long: one row at a time is enough for it.
        constexpr int tile_rows = Loss::factored && !factored ? 1 : kTileRows;
        while (row < row_end) {
            if (rows_ > kPanelRows - tile_rows) flush();
            const std::int32_t column_end = columns.end(row_end - 1);
            for (int slot = slots_to(block_end_); slot < slots_to(column_end); ++slot) {
                if constexpr (column_values) column_value_[slot] = V(0);
                if constexpr (with_slope) column_slope_[slot] = V(0);
                if constexpr (with_curvature) column_curvature_[slot] = V(0);
            }
            if (block_end_ < column_end) block_end_ = column_end;
            const std::int32_t fit = (kPanelRows - rows_) / tile_rows * tile_rows;
            const std::int32_t end = row_end - row < fit ? row_end : row + fit;
            rows_ += end - row;
            for (; row + tile_rows <= end; row += tile_rows) tile<tile_rows>(row, columns);
            for (; row < end; ++row) tile<1>(row, columns);
        }
    }

    /// Adds what the rows have given to the columns of the block, and to no others, which may be another thread's; to be called
    /// before another block is opened.
    void flush() {
        int slot = 0;
        for (std::int32_t column = block_; column < block_end_; column += V::count, ++slot) {
            const int lanes = block_end_ - column < V::count ? block_end_ - column : V::count;
            if constexpr (column_values) add_to(job_.value + column, column_value_[slot], lanes);
            // A row's slope is with respect to s_i; s_j moves the margin the other way.
            if constexpr (with_slope) add_to(job_.grad + column, -column_slope_[slot], lanes);
            if constexpr (with_curvature) add_to(job_.hess + column, column_curvature_[slot], lanes);
        }
        block_end_ = block_;
        rows_ = 0;
    }
};

}  // namespace
}  // namespace rankgrad
