// This instruction set's near-linear sums: an entry per pairwise loss, empty for a loss that has none.
#include "kernels/expansion/block_pass.hpp"
#include "kernels/isa.hpp"

namespace rankgrad {
namespace {

template <class Loss, PairMode mode, int nodes> void sum(const PairJob<double>& job) {
    constexpr PairMode instance = mode == kGradPositiveHess ? kGradHess : mode;  // of as many functions
    block_pass<instance, nodes>(job, mode, RANKGRAD_OF_ISA(direct_kernels).losses[index_of<Loss>(PairLosses())]);
}

template <class Loss, int nodes> constexpr ExpansionKernels expansion_kernels() {
    if constexpr (!Loss::expandable) {
        return {};
    } else {
        using Tables = ExpansionTables<nodes>;
        return {nodes,
                Tables::width,
                sizeof(Tables) / sizeof(double),
                8 * nodes,
                &fill_tables<Loss, nodes>,
                {&sum<Loss, kValue, nodes>, &sum<Loss, kValueGrad, nodes>, &sum<Loss, kGradHess, nodes>,
                 &sum<Loss, kGradPositiveHess, nodes>, &sum<Loss, kHessVector, nodes>}};
    }
}
template <class... Losses> constexpr ExpansionFamily expansion_family(List<Losses...>) {
    return {{{expansion_kernels<Losses, 8>(), expansion_kernels<Losses, 16>()}...}};
}

}  // namespace

const ExpansionFamily RANKGRAD_OF_ISA(expansion_kernels) = expansion_family(PairLosses());

}  // namespace rankgrad
