// This instruction set's sums with pair weights: direct ones of every loss with every weight, and near-linear ones.
#include "kernels/isa.hpp"
#include "kernels/direct/direct_sum.hpp"
#include "kernels/lambda/rank_by_counting.hpp"
#include "kernels/lambda/expansion_scan.hpp"
#include "kernels/lambda/hinge_scan.hpp"

namespace rankgrad {
namespace {

template <class T, class Loss, class Weight> constexpr void fill(PairSum<T> (&sums)[kPairModes]) {
    for (int mode = 0; mode < kPairModes; ++mode) sums[mode] = DirectPairSum<Loss, T, Weight>::of_mode[mode];
}
template <class Loss, class... Weights> constexpr WeightedPairKernels weighted_pair_kernels(List<Weights...> weights) {
    static_assert(sizeof...(Weights) == kPairWeights, "a name in PairWeight for each");
    WeightedPairKernels kernels{};
    if constexpr (!Loss::all_pairs) (fill<float, Loss, Weights>(kernels.float_sum[index_of<Weights>(weights)]), ...);
    (fill<double, Loss, Weights>(kernels.double_sum[index_of<Weights>(weights)]), ...);
    if constexpr (Loss::hinge_power > 0) kernels.slack_scan = &slack_scan<Loss::hinge_power>;
    return kernels;
}

template <class Losses> struct WeightedTable;
template <class... Losses> struct WeightedTable<List<Losses...>> {
    static constexpr WeightedPairKernels entries[] = {weighted_pair_kernels<Losses>(PairWeights())...};
};

}  // namespace

const WeightedFamily RANKGRAD_OF_ISA(lambda_kernels) = {
    WeightedTable<PairLosses>::entries, &count_ranks<float>, &count_ranks<double>, {&rank_scan<8>, &rank_scan<16>}};

}  // namespace rankgrad
