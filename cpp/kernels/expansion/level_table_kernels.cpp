// This instruction set's sums by label-level tables. A loss enters only through its expansion tables.
#include "kernels/isa.hpp"
#include "kernels/expansion/level_potentials.hpp"
#include "kernels/expansion/level_tables.hpp"

namespace rankgrad {
namespace {

template <class T, PairMode mode, bool weighted> constexpr LevelTableSums<T> sums() {
    constexpr int vectors = mode == kHessVector ? 2 : 1, nodes = kTableNodes<T>;
    return {nodes * vectors * (weighted ? 2 : 1), nodes * kTableOutputs<weighted>,
            &LevelMoments<T, mode == kHessVector, weighted>::call, &LevelPotentials<mode, nodes, weighted>::call,
            &LevelSums<T, mode, weighted>::call};
}
template <class T> constexpr LevelTableKernels<T> level_table_kernels() {
    return {{{sums<T, kValue, false>(), sums<T, kValue, false>()},
             {sums<T, kValueGrad, false>(), sums<T, kValueGrad, true>()},
             {sums<T, kGradHess, false>(), sums<T, kGradHess, true>()},
             {sums<T, kGradPositiveHess, false>(), sums<T, kGradPositiveHess, true>()},
             {sums<T, kHessVector, false>(), sums<T, kHessVector, true>()}}};
}

}  // namespace

const LevelTableFamily RANKGRAD_OF_ISA(level_table_kernels) = {level_table_kernels<float>(),
                                                               level_table_kernels<double>()};

}  // namespace rankgrad
