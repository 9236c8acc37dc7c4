// This instruction set's pairwise losses: direct sums and closed forms, and pointers to what other units compile:
// merges of sorted items (sorted/sorted_kernels.cpp) and near-linear sums (expansion/expansion_kernels.cpp).
#include "kernels/isa.hpp"
#include "kernels/direct/closed_forms.hpp"
#include "kernels/direct/direct_sum.hpp"

namespace rankgrad {
namespace {

template <class T, class Sums> constexpr void fill(PairSum<T> (&to)[kPairModes], const Sums& sums) {
    for (int mode = 0; mode < kPairModes; ++mode) to[mode] = sums[mode];
}
/// Of losses whose curvature is positive.
template <template <PairMode> class Sum> constexpr PairSum<double> kClosedForm[kPairModes] = {
    &Sum<kValue>::call, &Sum<kValueGrad>::call, &Sum<kGradHess>::call, &Sum<kGradHess>::call, &Sum<kHessVector>::call};

template <class Loss> constexpr PairLossKernels pair_loss_kernels() {
    constexpr int index = index_of<Loss>(PairLosses());
    PairLossKernels kernels{};
    kernels.name = Loss::name;
    kernels.parameters = Loss::parameters;
    kernels.log_product = Loss::log_product;
    kernels.uses_label_gap = Loss::uses_label_gap;
    kernels.all_pairs = Loss::all_pairs;
    kernels.exponential = Loss::exponential;
    kernels.degree = Loss::degree;
    for (int mode = 0; mode < kPairModes; ++mode)
        kernels.factored[mode] = factored_in<Loss>(static_cast<PairMode>(mode));
    if constexpr (!Loss::all_pairs) {
        fill(kernels.float_sum, DirectPairSum<Loss, float>::of_mode);
        fill(kernels.double_sum, DirectPairSum<Loss, double>::of_mode);
    }
    if constexpr (Loss::all_pairs) fill(kernels.moment_sum, kClosedForm<SquaredErrorSum>);
    if constexpr (Loss::exponential) fill(kernels.moment_sum, kClosedForm<ExponentialSum>);
    if constexpr (Loss::hinge_power > 0) kernels.merge_sum = RANKGRAD_OF_ISA(sorted_kernels).losses[index];
    if constexpr (Loss::hinge_power == 1) kernels.counts = &RANKGRAD_OF_ISA(sorted_kernels).counts;
    if constexpr (Loss::expandable) kernels.expansion = RANKGRAD_OF_ISA(expansion_kernels).losses[index];
    return kernels;
}

template <class Losses> struct PairLossTable;
template <class... Losses> struct PairLossTable<List<Losses...>> {
    static constexpr PairLossKernels entries[] = {pair_loss_kernels<Losses>()...};
};

}  // namespace

const PairFamily RANKGRAD_OF_ISA(direct_kernels) = {kPairLosses, PairLossTable<PairLosses>::entries};

}  // namespace rankgrad
