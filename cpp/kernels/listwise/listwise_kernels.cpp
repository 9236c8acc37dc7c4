// The listwise and pointwise losses of one instruction set.
#include "kernels/isa.hpp"
#include "kernels/listwise/list_loss.hpp"
#include "kernels/listwise/nested_softmax.hpp"
#include "kernels/listwise/pointwise.hpp"
#include "kernels/listwise/smooth_ranks.hpp"
#include "kernels/listwise/softmax.hpp"

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
                      Loss::parameters,
                      Loss::order,
                      Loss::per_item,
                      Loss::rank.metric != nullptr,
                      Loss::splits_target,
                      Loss::scratch_hess,
                      Loss::float_range,
                      Loss::work_arrays,
                      Loss::work_arrays_along_vector,
                      {},
                      {},
                      Loss::rank};
    fill_sums<Loss, float>(k.float_sum);
    fill_sums<Loss, double>(k.double_sum);
    return k;
}

template <class... Lists> struct ListLossTable;
template <class... A, class... B, class... C, class... D>
struct ListLossTable<List<A...>, List<B...>, List<C...>, List<D...>> {
    static constexpr ListLossKernels entries[] = {list_loss<A>()..., list_loss<B>()..., list_loss<C>()...,
                                                  list_loss<D>()...};
};
using Table = ListLossTable<SoftmaxLosses, NestedLosses, SmoothRankLosses, PointwiseLosses>;

}  // namespace

const ListFamily RANKGRAD_OF_ISA(listwise_kernels) = {sizeof Table::entries / sizeof *Table::entries, Table::entries};

}  // namespace rankgrad
