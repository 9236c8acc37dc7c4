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
template <class Loss> constexpr LambdaPairKernels lambda_pair_kernels() {
    LambdaPairKernels kernels{};
    if constexpr (!Loss::all_pairs) fill<float, Loss>(kernels.float_sum);
    fill<double, Loss>(kernels.double_sum);
    if constexpr (Loss::hinge_power > 0) kernels.hinge_scan = &hinge_scan<Loss::hinge_power>;
    return kernels;
}

template <class Losses> struct LambdaTable;
template <class... Losses> struct LambdaTable<List<Losses...>> {
    static constexpr LambdaPairKernels entries[] = {lambda_pair_kernels<Losses>()...};
};
template <class Weights> struct WeightTable;
template <class... Weights> struct WeightTable<List<Weights...>> {
    static constexpr PairWeightKernels entries[] = {
        {Weights::name, &pair_weights<Weights, float>, &pair_weights<Weights, double>}...};
};

}  // namespace

const LambdaFamily RANKGRAD_OF_ISA(lambda_kernels) = {
    sizeof WeightTable<PairWeights>::entries / sizeof(PairWeightKernels),
    WeightTable<PairWeights>::entries,
    LambdaTable<PairLosses>::entries,
    &count_ranks<float>,
    &count_ranks<double>,
    &pair_weights<EqualWeight, double>,
    {&expansion_scan<8>, &expansion_scan<16>}};

}  // namespace rankgrad
