// A block of columns against rows of any levels, in register tiles: the inner loops of the direct sums.
//
// Four rows at a time share each load of a column. A row's sums stay in registers; the columns' sums stay in a small block on
// the stack until the next block begins. Both are flushed to double before a lane has added more than 64 terms in T.
//
// With a pair weight each pair's loss is multiplied by it.
#pragma once

#include "kernels/pair_losses.hpp"
#include "kernels/pair_weights.hpp"

namespace rankgrad {
namespace {

constexpr int kTileRows = 4;
constexpr int kPanelRows = 64;       // rows, of any levels, per column flush
constexpr int kBlockRegisters = 64;  // registers of columns per block

template <class Loss, class T, PairMode mode, bool weighted, class Weight> class PairTiles {
    using V = Lanes<T>;
    using D = Lanes<double>;
    using WeightItem = typename Weight::template Item<V>;
    static constexpr bool with_value = mode == kValue || mode == kValueGrad;
    static constexpr bool with_slope = mode != kValue;
    static constexpr bool with_curvature = mode == kGradHess || mode == kGradPositiveHess;
    /// The same pair the other way round has the same loss: both items are rows.
    static constexpr bool both_rows = Loss::all_pairs;
    static constexpr bool column_values = both_rows && with_value;
    static constexpr bool by_row = weighted && !both_rows;  ///< sums are multiplied by the weight of their row
    /// Slopes that are -1 or 0 are counted as integers: exact, and a CPU adds more of those at a time. The sum of phi(m) = 1 - m over
    /// the pairs that count then follows from the counts: each item's share is that of 1 - m_i as a row, of m_i as a column.
    static constexpr bool counted =
        Loss::counted && with_slope && mode != kHessVector && !weighted && !Weight::any && V::count > 1;
    static constexpr bool value_by_pair = with_value && !counted;
    using Slope = typename Either<counted, typename V::Mask, V>::type;
    /// Two rows can share a division: 1/a = b/(ab), 1/b = a/(ab). That pays where a division is slow, as in double; with a pair
    /// weight there are too few registers for it.
    static constexpr bool share_divisions = sizeof(T) == sizeof(double) && !Weight::any;

    const PairJob<T>& job_;
    Loss loss_;
    V column_value_[column_values ? kBlockRegisters : 1];
    Slope column_slope_[with_slope ? kBlockRegisters : 1];
    V column_curvature_[with_curvature ? kBlockRegisters : 1];
    std::int32_t block_ = 0;    // first column of the open block
    int slots_ = 0, rows_ = 0;  // registers of it that are in use, and rows that added to them
    double origin_ = 0;         // a score that others are counted from, so that a shift of all changes nothing

    struct Row {
        V operand, weight, label, vector, value, curvature;
        Slope slope;
        WeightItem pair;
    };

    static RANKGRAD_INLINE V as_lanes(Slope slope) {
        if constexpr (counted) return converted<T>(slope);
        else return slope;
    }

    /// phi and its derivatives of a row with one register of columns.
    template <bool factored> RANKGRAD_INLINE Jet<V> evaluate(const Row& row, V column, V label) const {
        if constexpr (factored) {
            const V u = row.operand * column;
            return loss_.eval_factored(u, V(1) / (V(1) + u));
        } else {
            return loss_.eval(row.operand - column, Loss::uses_label_gap ? row.label - label : V(0));
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
    template <bool factored> RANKGRAD_INLINE void multiply(const Row& row, std::int32_t column, Jet<V>& jet) const {
        const V weight = Weight::weight(row.pair, Weight::template columns<V>(job_, column));
        const V both = both_rows ? weight * (row.weight + V::load(job_.weight + column)) : weight;
        jet.value = weight * (factored ? loss_.flush(jet.value) : jet.value);
        jet.slope = both * jet.slope;
        jet.curvature = both * jet.curvature;
        jet.positive_curvature = both * jet.positive_curvature;
    }

    /// One register of columns against `n_rows` rows.
    template <int n_rows, bool factored, bool partial>
    RANKGRAD_INLINE void step(Row (&rows)[n_rows], std::int32_t column, int slot, typename V::Mask inside) {
        const V operand = V::load(job_.column + column);
        const V label = Loss::uses_label_gap ? V::load(job_.label + column) : V(0);
        const V vector = mode == kHessVector ? V::load(job_.vector + column) : V(0);
        Slope slope_sum = with_slope ? column_slope_[slot] : Slope{};
        V curvature_sum = with_curvature ? column_curvature_[slot] : V(0);
        Jet<V> jets[n_rows];
        // Row by row, so that few registers are in use at a time.
        for (int r = 0; r < n_rows; ++r) {
            Row& row = rows[r];
            Jet<V>& jet = jets[r];
            if constexpr (share_divisions && factored && n_rows % 2 == 0) {
                if (r % 2 == 0) evaluate_two(rows + r, operand, jets + r);
            } else {
                jet = evaluate<factored>(row, operand, label);
            }
            if constexpr (Weight::any) multiply<factored>(row, column, jet);
            if constexpr (partial) jet = only_where(inside, jet);
            if constexpr (column_values) column_value_[slot] += jet.value;
            if constexpr (mode == kHessVector) jet.slope = jet.curvature * (row.vector - vector);
            if constexpr (mode == kGradPositiveHess) jet.curvature = jet.positive_curvature;
            if constexpr (value_by_pair)
                row.value = factored && !Weight::any ? loss_.add(row.value, jet.value) : row.value + jet.value;
            if constexpr (counted) {
                const Slope active = loss_.active(row.operand - operand) & inside;
                row.slope += active;
                slope_sum += active;
            } else if constexpr (with_slope) {
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

    template <int n_rows, bool factored>
    RANKGRAD_INLINE void tile(std::int32_t first_row, std::int32_t column, std::int32_t column_end) {
        Row rows[n_rows];
        for (int r = 0; r < n_rows; ++r) {
            const std::int32_t i = first_row + r;
            rows[r].operand = V(job_.row[i]);
            rows[r].weight = weighted ? V(job_.weight[i]) : V(1);
            rows[r].label = Loss::uses_label_gap ? V(job_.label[i]) : V(0);
            rows[r].vector = mode == kHessVector ? V(job_.vector[i]) : V(0);
            rows[r].value = rows[r].curvature = V(0);
            rows[r].slope = Slope{};
            rows[r].pair = Weight::template row<V>(job_, i);
        }
        int slot = 0;
        for (; column + V::count <= column_end; column += V::count, ++slot)
            step<n_rows, factored, false>(rows, column, slot, first_lanes<T>(V::count));
        if (column < column_end) step<n_rows, factored, true>(rows, column, slot, first_lanes<T>(column_end - column));
        add_rows<n_rows, factored>(rows, first_row);
    }

    /// The rows' sums over their lanes, into the job's.
    template <int n_rows, bool factored> RANKGRAD_INLINE void add_rows(const Row (&rows)[n_rows], std::int32_t first) {
        V value[n_rows], slope[n_rows], curvature[n_rows];
        for (int r = 0; r < n_rows; ++r) {
            value[r] = factored && !Weight::any ? loss_.flush(rows[r].value) : rows[r].value;
            slope[r] = as_lanes(rows[r].slope);
            curvature[r] = rows[r].curvature;
        }
        if constexpr (value_by_pair) add_sums(job_.value + first, value);
        if constexpr (counted && with_value) return add_counts(first, slope);
        if constexpr (with_slope) add_by_row(job_.grad, first, slope);
        if constexpr (with_curvature) add_by_row(job_.hess, first, curvature);
    }

    /// The slopes of rows, and what they say of the value.
    template <int n_rows> RANKGRAD_INLINE void add_counts(std::int32_t first, const V (&slope)[n_rows]) {
        double total[n_rows] = {};
        add_sums(total, slope);
        const T* score = job_.row + first;
        double *grad = job_.grad + first, *value = job_.value + first;
        int r = 0;
        for (; r + D::count <= n_rows; r += D::count) {
            const D counts = D::load(total + r);
            (D::load(grad + r) + counts).store(grad + r);
            (D::load(value + r) - counts * (D(1) - (load_doubles(score + r) - D(origin_)))).store(value + r);
        }
        for (; r < n_rows; ++r) {
            grad[r] += total[r];
            value[r] -= total[r] * (1 - (static_cast<double>(score[r]) - origin_));
        }
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

public:
    explicit PairTiles(const PairJob<T>& job) : job_(job) {
        loss_.set(job.parameters);
        if constexpr (counted) origin_ = static_cast<double>(job.row[0]);
    }

    /// Columns of a block.
    std::int32_t width() const {
        return (job_.terms_per_flush < kBlockRegisters ? job_.terms_per_flush : kBlockRegisters) * V::count;
    }
    void open(std::int32_t column) { block_ = column; }

    /// Rows against the columns of the open block, up to `column_end`.
    template <bool factored> void strip(std::int32_t row, std::int32_t row_end, std::int32_t column_end) {
        // The safe path of a loss with a factored form is rare and long: one row at a time is enough for it.
        constexpr int tile_rows = Loss::factored && !factored ? 1 : kTileRows;
        const int slots = (column_end - block_ + V::count - 1) / V::count;
        while (row < row_end) {
            if (rows_ > kPanelRows - tile_rows) flush();
            for (; slots_ < slots; ++slots_) {
                if constexpr (column_values) column_value_[slots_] = V(0);
                if constexpr (with_slope) column_slope_[slots_] = Slope{};
                if constexpr (with_curvature) column_curvature_[slots_] = V(0);
            }
            const std::int32_t fit = (kPanelRows - rows_) / tile_rows * tile_rows;
            const std::int32_t end = row_end - row < fit ? row_end : row + fit;
            rows_ += end - row;
            for (; row + tile_rows <= end; row += tile_rows) tile<tile_rows, factored>(row, block_, column_end);
            for (; row < end; ++row) tile<1, factored>(row, block_, column_end);
        }
    }

    /// Adds what the rows have given to the columns of the block; to be called before another is opened.
    void flush() {
        for (int s = 0; s < slots_; ++s) {
            const std::int32_t column = block_ + s * V::count;
            if constexpr (column_values) add_to(job_.value + column, column_value_[s]);
            // A row's slope is with respect to s_i; s_j moves the margin the other way.
            if constexpr (with_slope) add_to(job_.grad + column, -as_lanes(column_slope_[s]));
            if constexpr (counted && with_value) {
                T count[V::count];
                (-as_lanes(column_slope_[s])).store(count);
                double* value = job_.value + column;
                for (int l = 0; l < V::count; l += D::count) {
                    const D offset = load_doubles(job_.column + column + l) - D(origin_);
                    multiply_add(load_doubles(count + l), offset, D::load(value + l)).store(value + l);
                }
            }
            if constexpr (with_curvature) add_to(job_.hess + column, column_curvature_[s]);
        }
        slots_ = rows_ = 0;
    }
};

}  // namespace
}  // namespace rankgrad
