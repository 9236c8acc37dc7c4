// The listwise and pointwise losses of one instruction set: a new one is added here.
#include "kernels/listwise/smooth_ranks.hpp"
#include "kernels/isa.hpp"
#include "kernels/listwise/list_mle.hpp"
#include "kernels/listwise/pointwise.hpp"
#include "kernels/listwise/softmax.hpp"
#include "kernels/listwise/nested_softmax.hpp"

namespace rankgrad {
namespace {

template <class Loss, class T> constexpr void fill_sums(ListSum<T> (&sums)[kPairModes]) {
    sums[kValue] = Loss::template sum<T, kValue>();
    sums[kValueGrad] = Loss::template sum<T, kValueGrad>();
    sums[kGradHess] = Loss::template sum<T, kGradHess>();
    sums[kGradPositiveHess] = Loss::template sum<T, kGradPositiveHess>();
    sums[kHessVector] = Loss::template sum<T, kHessVector>();
}
template <class Loss> constexpr ListLossKernels list_loss() {
    ListLossKernels k{Loss::name,
                      Loss::order,
                      Loss::per_item,
                      false,
                      Loss::splits_target,
                      Loss::float_range,
                      Loss::work_arrays,
                      Loss::work_arrays_along_vector,
                      {},
                      {},
                      {}};
    fill_sums<Loss, float>(k.float_sum);
    fill_sums<Loss, double>(k.double_sum);
    return k;
}
template <class Metric> constexpr ListLossKernels rank_loss() {
    return {Metric::name, kByPosition, false, true, false, -1, 5, 6, {}, {}, RankLoss<Metric>::kernels};
}
constexpr ListLossKernels kListLosses[] = {
    list_loss<SoftmaxLoss<false>>(),
    list_loss<SoftmaxLoss<true>>(),
    list_loss<UniqueSoftmaxLoss>(),
    list_loss<ListMleLoss>(),
    rank_loss<ApproxNdcg>(),
    rank_loss<ApproxMrr>(),
    list_loss<PointwiseLoss<SigmoidCrossEntropy>>(),
    list_loss<PointwiseLoss<SquaredError>>(),
};

}  // namespace

const ListFamily RANKGRAD_OF_ISA(listwise_kernels) = {sizeof kListLosses / sizeof *kListLosses, kListLosses};

}  // namespace rankgrad
