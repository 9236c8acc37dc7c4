// What the engine and the kernels share about direct sums over pairs.
#pragma once

#include <cstdint>

#include "kernels/contract/modes.hpp"

namespace rankgrad {

struct Expansion;

/// The range of scores, in units, whose factored form e^-z_i e^z_j fits a double: so does (1 + e^range)^2.
constexpr double kDoubleRange = 340;
/// (1 + e^range)^n fits a double for this logarithm of it.
constexpr double kDoubleProduct = 705;
/// Rows that share each load of a column.
constexpr int kTileRows = 4;
/// Terms a lane may add in T before it is flushed to double.
constexpr std::int32_t kTermsPerFlush = 64;

namespace {

/// How many factors 1 + e^m, m <= range, keep a product's logarithm below log_limit: 1 to `most`.
inline std::int32_t product_terms(double range, double log_limit, std::int32_t most) {
    const double terms = log_limit / (range + 0.7);
    return terms < 1 ? 1 : terms > most ? most : static_cast<std::int32_t>(terms);
}

}  // namespace

/// Each of some rows is paired with each of some columns.
struct PairRectangle {
    std::int32_t row_begin, row_end, column_begin, column_end;
};

/// A range of rows of one list, its items ordered by label, lowest first. Row i is paired with every item of a lower
/// level. T is the type of the arithmetic on pairs; sums are kept in double.
template <class T> struct PairJob {
    /// Row operands: scores or, in factored form, e^-z, z = score / unit. Readable one register past n, as the columns.
    const T* row = nullptr;
    const T* column = nullptr;  ///< column operands: scores, or e^z in factored form
    const T* weight = nullptr;  ///< row weights; null: ones, but for closed forms
    const T* label = nullptr;   ///< labels, for losses that use the label gap
    const T* vector = nullptr;  ///< for kHessVector
    /// With a pair weight, what it is made of: see WeightItem in losses/pair_weights.hpp.
    const T *gain = nullptr, *discount = nullptr, *discount_rest = nullptr, *rank = nullptr;
    double weight_constant = 0;
    /// Its numbers for a rectangle of at most kTileRows rows, `stride` apart, columns to the end of a register.
    void (*pair_weights)(const PairJob&, const PairRectangle&, T* out, std::int32_t stride) = nullptr;
    const PairRectangle* rectangles = nullptr;  ///< with a pair weight: the pairs, instead of levels and rows
    std::int32_t n_rectangles = 0;
    const std::int32_t* level_begin = nullptr;  ///< first item of each level, then n
    std::int32_t n_levels = 0;
    std::int32_t row_begin = 0, row_end = 0;
    std::int32_t column_begin = 0, column_end = INT32_MAX;  ///< direct sums only: some of the columns
    std::int32_t terms_per_flush = kTermsPerFlush;
    bool factored = false;
    LossParameters parameters;             ///< the scores are in its unit
    const Expansion* expansion = nullptr;  ///< for the near-linear sums, which take whole blocks instead of rows
    double* value = nullptr;               ///< per row, added to; of direct sums may be null, as grad
    double* grad = nullptr;                ///< per item, added to; only items of the job's pairs are written
    double* hess = nullptr;
};

template <class T> using PairSum = void (*)(const PairJob<T>&);

}  // namespace rankgrad
