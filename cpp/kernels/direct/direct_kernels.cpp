// The pairwise losses of one instruction set: direct sums and sums by moments, and what other units compile: sums by merges of sorted
// items (sorted/sorted_kernels.cpp) and near-linear sums (expansion/expansion_kernels.cpp).
#include "kernels/isa.hpp"
#include "kernels/direct/closed_forms.hpp"
#include "kernels/direct/direct_sum.hpp"

namespace rankgrad {
namespace {

template <class Loss, PairMode mode, bool weighted> constexpr PairSum<float> float_sum() {
    if constexpr (Loss::all_pairs) return nullptr;
    else return &DirectPairSum<Loss, float, mode, weighted>::call;
}
template <class Loss, PairMode mode> constexpr PairSum<double> double_sum() {
    if constexpr (Loss::all_pairs) return nullptr;
    else return &DirectPairSum<Loss, double, mode, true>::call;
}
template <class Loss, PairMode mode> constexpr PairSum<double> moment_sum() {
    if constexpr (Loss::all_pairs) return &SquaredErrorSum<mode>::call;
    else if constexpr (Loss::exponential) return &ExponentialSum<mode>::call;
    else return nullptr;
}
template <class Loss> constexpr const MergeSums (*merge_sum())[2] {
    if constexpr (Loss::hinge_power > 0) return RANKGRAD_OF_ISA(merge_kernels).losses[index_of<Loss>(PairLosses())];
    else return nullptr;
}
template <class Loss> constexpr const CountFamily* counts() {
    if constexpr (Loss::hinge_power == 1) return &RANKGRAD_OF_ISA(merge_kernels).counts;
    else return nullptr;
}
template <class Loss> constexpr const ExpansionKernels* expansion() {
    if constexpr (Loss::expandable) return RANKGRAD_OF_ISA(expansion_kernels).losses[index_of<Loss>(PairLosses())];
    else return nullptr;
}

template <class Loss> constexpr PairLossKernels pair_loss_kernels() {
    return {Loss::name,
            Loss::parameters,
            {factored_in<Loss>(kValue), factored_in<Loss>(kValueGrad), factored_in<Loss>(kGradHess),
             factored_in<Loss>(kGradPositiveHess), factored_in<Loss>(kHessVector)},
            Loss::log_product,
            Loss::uses_label_gap,
            Loss::all_pairs,
            Loss::exponential,
            Loss::degree,
            {{float_sum<Loss, kValue, false>(), float_sum<Loss, kValue, true>()},
             {float_sum<Loss, kValueGrad, false>(), float_sum<Loss, kValueGrad, true>()},
             {float_sum<Loss, kGradHess, false>(), float_sum<Loss, kGradHess, true>()},
             {float_sum<Loss, kGradPositiveHess, false>(), float_sum<Loss, kGradPositiveHess, true>()},
             {float_sum<Loss, kHessVector, false>(), float_sum<Loss, kHessVector, true>()}},
            {double_sum<Loss, kValue>(), double_sum<Loss, kValueGrad>(), double_sum<Loss, kGradHess>(),
             double_sum<Loss, kGradPositiveHess>(), double_sum<Loss, kHessVector>()},
            {moment_sum<Loss, kValue>(), moment_sum<Loss, kValueGrad>(), moment_sum<Loss, kGradHess>(),
             moment_sum<Loss, kGradPositiveHess>(), moment_sum<Loss, kHessVector>()},
            merge_sum<Loss>(),
            counts<Loss>(),
            expansion<Loss>()};
}

template <class Losses> struct PairLossTable;
template <class... Losses> struct PairLossTable<List<Losses...>> {
    static constexpr PairLossKernels entries[] = {pair_loss_kernels<Losses>()...};
};

}  // namespace

const PairFamily RANKGRAD_OF_ISA(pair_kernels) = {kPairLosses, PairLossTable<PairLosses>::entries};

}  // namespace rankgrad
