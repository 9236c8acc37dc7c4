// Operands in float are exact copies of numbers that were float, but for exponentials; those of double are the gathered
// numbers.
#include "engine/data/operands.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "engine/data/cost_model.hpp"
#include "engine/runtime/isa_dispatch.hpp"

namespace rankgrad {
namespace {

/// Squares of margins fit float up to here, and other numbers in these bounds stay normal when they are multiplied with
/// them.
constexpr double kFloatMargin = 1e15, kLeastFloat = 1e-20, kMostFloat = 1e20;
/// Margins of exponentials in float are accurate up to here.
constexpr double kFloatExponent = 8;

void exponentials(const double* x, std::int64_t n, double centre, double per_unit, float* row, float* column) {
    kernels().float_exponentials(x, n, centre, per_unit, row, column);
}
void exponentials(const double* x, std::int64_t n, double centre, double per_unit, double* row, double* column) {
    kernels().double_exponentials(x, n, centre, per_unit, row, column);
}

OperandMemory<float>& operands(ListMemory& memory, float) { return memory.in_float; }
OperandMemory<double>& operands(ListMemory& memory, double) { return memory.in_double; }

/// The numbers themselves, or as floats.
const double* as(const double* x, std::size_t, Buffer<double>&) { return x; }
const float* as(const double* x, std::size_t n, Buffer<float>& buffer) { return converted(x, n, 0, buffer); }

const float* in_type(const float* x, float) { return x; }
const double* in_type(const float*, double) { return nullptr; }

bool all_fit(const Buffer<double>& x, std::int32_t n) {
    bool bad = false;  // without a branch
    for (std::size_t k = 0; k < static_cast<std::size_t>(n); ++k) {
        const double size = std::abs(x[k]);
        bad |= (size < kLeastFloat && size != 0) | !(size <= kMostFloat);
    }
    return !bad;
}

}  // namespace

bool fits_float(const GatheredList& list, bool weighted) {
    const PairLossKernels& loss = list.loss;
    const double most = loss.factored[list.mode] ? kFloatRange : loss.degree == 0 ? kFloatExponent : kFloatMargin;
    if (!(list.range() <= most) || std::max(-list.low, list.high) > kFloatScore) return false;
    if (loss.uses_label_gap && !list.plan.labels_fit_float()) return false;
    return (!weighted || !list.has_weights || all_fit(list.memory.weight, list.n())) &&
           (list.mode != kHessVector || all_fit(list.memory.vector, list.n()));
}

template <class P> PairJob<P> pair_job(GatheredList& list, const SumArrays& arrays, bool weighted) {
    constexpr bool is_float = std::is_same_v<P, float>;
    OperandMemory<P>& memory = operands(list.memory, P());
    const auto n = static_cast<std::size_t>(list.n());
    PairJob<P> job;
    job.level_begin = list.level_begin();
    job.n_levels = list.n_levels();
    job.row_end = list.n();
    job.parameters = list.parameters;
    job.value = arrays.value;
    job.grad = arrays.grad;
    job.hess = arrays.hess;
    const bool factored = list.loss.factored[list.mode] && (is_float || list.range() <= kDoubleRange);
    const bool takes_floats = is_float && !factored && arrays.float_score != nullptr;
    if (arrays.float_score != nullptr && !takes_floats) list.scores();
    if (factored) {
        P *row = padded(memory.row, n), *column = padded(memory.column, n);
        exponentials(arrays.score, list.n(), list.middle(), 1 / list.unit.unit(), row, column);
        job.row = row;
        job.column = column;
        job.factored = true;
    } else {
        job.row = job.column = takes_floats ? in_type(arrays.float_score, P()) : as(arrays.score, n, memory.row);
    }
    if (weighted) job.weight = as(arrays.weight, n, memory.weight);
    if (arrays.label != nullptr) job.label = converted(arrays.label, n, 0, memory.label);
    if (arrays.vector != nullptr) job.vector = as(arrays.vector, n, memory.vector);
    return job;
}

template PairJob<float> pair_job(GatheredList&, const SumArrays&, bool);
template PairJob<double> pair_job(GatheredList&, const SumArrays&, bool);

}  // namespace rankgrad
