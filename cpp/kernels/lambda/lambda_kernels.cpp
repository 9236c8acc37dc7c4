// The direct sums on one instruction set with pair weights: every loss with every weight.
#include "kernels/isa.hpp"
#include "kernels/direct/direct_sum.hpp"
#include "kernels/lambda/rank_by_counting.hpp"
#include "kernels/lambda/expansion_scan.hpp"
#include "kernels/lambda/hinge_scan.hpp"

namespace rankgrad {
namespace {

template <class T, class Loss, class Weight, PairMode mode> constexpr PairSum<T> weighted_sum() {
    constexpr PairMode same = mode == kGradPositiveHess && Loss::curvature_is_positive ? kGradHess : mode;
    if constexpr (Loss::all_pairs && sizeof(T) == sizeof(float)) return nullptr;
    else return &DirectPairSum<Loss, T, same, true, Weight>::call;
}
template <class T, class Loss, class Weight> constexpr void fill_modes(PairSum<T> (&sums)[kPairModes]) {
    sums[kValue] = weighted_sum<T, Loss, Weight, kValue>();
    sums[kValueGrad] = weighted_sum<T, Loss, Weight, kValueGrad>();
    sums[kGradHess] = weighted_sum<T, Loss, Weight, kGradHess>();
    sums[kGradPositiveHess] = weighted_sum<T, Loss, Weight, kGradPositiveHess>();
    sums[kHessVector] = weighted_sum<T, Loss, Weight, kHessVector>();
}
template <class Loss, class... Weights> constexpr WeightedPairKernels weighted_pair_kernels(List<Weights...> weights) {
    static_assert(sizeof...(Weights) == kPairWeights, "a name in PairWeight for each");
    WeightedPairKernels kernels{};
    (fill_modes<float, Loss, Weights>(kernels.float_sum[index_of<Weights>(weights)]), ...);
    (fill_modes<double, Loss, Weights>(kernels.double_sum[index_of<Weights>(weights)]), ...);
    if constexpr (Loss::hinge_power > 0) kernels.slack_scan = &slack_scan<Loss::hinge_power>;
    return kernels;
}

template <class Losses> struct WeightedTable;
template <class... Losses> struct WeightedTable<List<Losses...>> {
    static constexpr WeightedPairKernels entries[] = {weighted_pair_kernels<Losses>(PairWeights())...};
};

}  // namespace

const WeightedFamily RANKGRAD_OF_ISA(weighted_kernels) = {
    WeightedTable<PairLosses>::entries, &count_ranks<float>, &count_ranks<double>, {&rank_scan<8>, &rank_scan<16>}};

}  // namespace rankgrad
