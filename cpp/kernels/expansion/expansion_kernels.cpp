// The near-linear sums of a level: an entry per pairwise loss, empty for a loss that has none.
#include "kernels/expansion/block_pass.hpp"
#include "kernels/isa.hpp"

namespace rankgrad {
namespace {

template <class Loss, int nodes> constexpr ExpansionKernels expansion_kernels() {
    if constexpr (!Loss::expandable) {
        return {};
    } else {
        using Tables = ExpansionTables<nodes>;
        return {nodes,
                Tables::width,
                sizeof(Tables) / sizeof(double),
                8 * nodes,
                &ExpansionFill<Loss, nodes>::call,
                {&expansion_sum<Loss, kValue, nodes>, &expansion_sum<Loss, kValueGrad, nodes>,
                 &expansion_sum<Loss, kGradHess, nodes>, &expansion_sum<Loss, kGradPositiveHess, nodes>,
                 &expansion_sum<Loss, kHessVector, nodes>}};
    }
}
template <class... Losses> constexpr ExpansionFamily expansion_family(List<Losses...>) {
    return {{{expansion_kernels<Losses, 8>(), expansion_kernels<Losses, 16>()}...}};
}

}  // namespace

const ExpansionFamily RANKGRAD_OF_ISA(expansion_kernels) = expansion_family(PairLosses());

}  // namespace rankgrad
