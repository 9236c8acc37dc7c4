// One list's numbers in label order, ready for any way of summing: gathered once, summed by a wing, scattered once.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/data/evaluation.hpp"
#include "engine/runtime/parts.hpp"
#include "engine/data/score_unit.hpp"
#include "engine/runtime/memory.hpp"
#include "engine/runtime/parallel.hpp"
#include "engine/sorting/argsort.hpp"

namespace rankgrad {

/// Scores, and differences of them, fit float up to here.
constexpr double kFloatScore = 1e37;

/// Operands of the kernels in one type, where they are not the gathered numbers themselves (operands.hpp).
template <class P> struct OperandMemory {
    Buffer<P> row, column, weight, label, vector;
};

/// Memory of one list that any wing may use. Arrays are one register longer than the list.
struct ListMemory {
    Buffer<double> score, weight, vector, value, grad, hess;
    Buffer<float> float_score;
    std::size_t ones = 0;  // weights known to be 1
    std::vector<ItemPart> parts;
    OperandMemory<float> in_float;
    OperandMemory<double> in_double;
    SortScratch<double> sort;
};

/// A pairwise loss as its kernels know it.
struct BoundPairLoss {
    const PairLossKernels& kernels;
    LossParameters parameters;
    ScoreUnit unit;
};

/// What a sum over pairs reads and adds to, one number per item. Null: not wanted in the mode.
struct SumArrays {
    const float* float_score;  ///< where the scores are floats still: `score` is then made by GatheredList::scores
    const double *score, *weight, *vector, *label;
    double *value, *grad, *hess;
};

/// Writes what the pairs of an item with all n items are multiplied by, to the end of a register.
using PairWeightsOf = std::function<void(std::int32_t item, double* with_all)>;

class GatheredList {
public:
    /// Copies the list's numbers in label order, in a unit in which differences of its scores fit, and clears its sums.
    /// `short_in_float`: float32 scores of a short list stay float until someone asks for them in double.
    template <class T> GatheredList(const LossCall<T>& call, const Plan& plan, std::int64_t list, BoundPairLoss bound,
                                    bool short_in_float, ListMemory& memory, const Team& team);

    /// Writes the sums as results of the call, and gives the weighted sum of the values.
    template <class T> double scatter(const LossCall<T>& call);
    /// All results of the list are NaN.
    void set_nan();

    std::int32_t n() const { return plan.size(list); }
    const std::int32_t* level_begin() const { return plan.level_begin(list); }
    std::int32_t n_levels() const { return plan.n_levels(list); }
    /// Of the scores, in margins.
    double range() const { return (high - low) / unit.unit(); }
    double middle() const { return 0.5 * low + 0.5 * high; }
    /// In double: from float the first time that they are asked for.
    const double* scores();
    SumArrays arrays() const;
    /// All rows of the list; the operands are the scores, in double; no weights where items have none of their own.
    PairJob<double> score_job();

    const Plan& plan;
    const std::int64_t list;
    const PairLossKernels& loss;
    LossParameters parameters;
    const PairMode mode;
    const bool is_float;      ///< float32 scores
    const bool has_weights;   ///< items have weights of their own
    const bool row_weighted;  ///< each row's sum matters, not their total alone
    ListMemory& memory;
    const Team& team;
    ScoreUnit unit;
    bool finite = false;       ///< all numbers are
    double low = 0, high = 0;  ///< of the scores, in the unit
    double scale = 1;          ///< left to be multiplied in by scatter

private:
    template <class T> ItemPart gather(const LossCall<T>& call);
    /// Ones where items have none.
    const double* weights() const;

    bool in_float_;  // the scores are in memory.float_score, and not yet in memory.score
};

}  // namespace rankgrad
