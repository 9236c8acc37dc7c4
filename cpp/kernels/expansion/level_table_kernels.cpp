// This instruction set's sums by label-level tables. A loss enters only through its expansion tables.
#include "kernels/isa.hpp"
#include "kernels/expansion/level_potentials.hpp"
#include "kernels/expansion/level_tables.hpp"

namespace rankgrad {
namespace {

template <class T, PairMode mode, bool weighted> constexpr LevelTableSums<T> sums() {
    constexpr int vectors = mode == kHessVector ? 2 : 1, nodes = kTableNodes<T>;
    constexpr PairMode instance = mode == kGradPositiveHess ? kGradHess : mode;  // items see no difference
    return {nodes * vectors * (weighted ? 2 : 1), nodes * table_outputs(weighted),
            &LevelMoments<T, mode == kHessVector, weighted>::call, &level_potentials<mode, nodes, weighted>,
            &LevelSums<T, instance, weighted>::call};
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
