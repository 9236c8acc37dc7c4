// This instruction set's sums with pair weights, direct ones of every loss and near-linear ones; and the pair weights.
#include "kernels/isa.hpp"
#include "kernels/direct/direct_sum.hpp"
#include "kernels/lambda/rank_by_counting.hpp"
#include "kernels/lambda/expansion_scan.hpp"
#include "kernels/lambda/hinge_scan.hpp"
#include "kernels/losses/pair_weights.hpp"

namespace rankgrad {
namespace {

template <class T, class Loss> constexpr void fill(PairSum<T> (&sums)[kPairModes]) {
    for (int mode = 0; mode < kPairModes; ++mode) sums[mode] = DirectPairSum<Loss, T, true>::of_mode[mode];
}
template <class Loss> constexpr WeightedPairKernels weighted_pair_kernels() {
    WeightedPairKernels kernels{};
    if constexpr (!Loss::all_pairs) fill<float, Loss>(kernels.float_sum);
    fill<double, Loss>(kernels.double_sum);
    if constexpr (Loss::hinge_power > 0) kernels.slack_scan = &slack_scan<Loss::hinge_power>;
    return kernels;
}

template <class Losses> struct WeightedTable;
template <class... Losses> struct WeightedTable<List<Losses...>> {
    static constexpr WeightedPairKernels entries[] = {weighted_pair_kernels<Losses>()...};
};
template <class Weights> struct WeightTable;
template <class... Weights> struct WeightTable<List<Weights...>> {
    static constexpr PairWeightKernels entries[] = {
        {Weights::name, &pair_weights<Weights, float>, &pair_weights<Weights, double>}...};
};

}  // namespace

const WeightedFamily RANKGRAD_OF_ISA(lambda_kernels) = {
    sizeof WeightTable<PairWeights>::entries / sizeof(PairWeightKernels),
    WeightTable<PairWeights>::entries,
    WeightedTable<PairLosses>::entries,
    &count_ranks<float>,
    &count_ranks<double>,
    {&rank_scan<8>, &rank_scan<16>}};

}  // namespace rankgrad
