// The only translation unit of the kernels: compiled once per level with RANKGRAD_LEVEL set, it fills that level's table.
// Everything else in here has internal linkage; the table is the one external symbol.
#include "kernels/expansion.hpp"
#include "kernels/implicit_losses.hpp"
#include "kernels/approximate_ranks.hpp"
#include "kernels/kernel_table.hpp"
#include "kernels/list_mle.hpp"
#include "kernels/merge_sums.hpp"
#include "kernels/moment_sums.hpp"
#include "kernels/pair_sums.hpp"
#include "kernels/pointwise.hpp"
#include "kernels/softmax.hpp"
#include "kernels/unique_softmax.hpp"

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
template <class Loss, PairMode mode, bool weighted> constexpr MergeSum merge_sum() {
    if constexpr (Loss::hinge_power > 0) return &MergePairSum<Loss::hinge_power, mode, weighted>::call;
    else return nullptr;
}

template <class Loss, int nodes> constexpr ExpansionKernels expansion_kernels() {
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
template <class Loss> struct ExpansionPair {
    static constexpr ExpansionKernels entries[2] = {expansion_kernels<Loss, 8>(), expansion_kernels<Loss, 16>()};
};
template <class Loss> constexpr const ExpansionKernels* expansion() {
    if constexpr (Loss::expandable) return ExpansionPair<Loss>::entries;
    else return nullptr;
}

template <class Loss> constexpr PairLossKernels pair_loss_kernels() {
    return {Loss::name,
            Loss::factored,
            Loss::log_product,
            Loss::uses_label_gap,
            Loss::all_pairs,
            {{float_sum<Loss, kValue, false>(), float_sum<Loss, kValue, true>()},
             {float_sum<Loss, kValueGrad, false>(), float_sum<Loss, kValueGrad, true>()},
             {float_sum<Loss, kGradHess, false>(), float_sum<Loss, kGradHess, true>()},
             {float_sum<Loss, kGradPositiveHess, false>(), float_sum<Loss, kGradPositiveHess, true>()},
             {float_sum<Loss, kHessVector, false>(), float_sum<Loss, kHessVector, true>()}},
            {double_sum<Loss, kValue>(), double_sum<Loss, kValueGrad>(), double_sum<Loss, kGradHess>(),
             double_sum<Loss, kGradPositiveHess>(), double_sum<Loss, kHessVector>()},
            {moment_sum<Loss, kValue>(), moment_sum<Loss, kValueGrad>(), moment_sum<Loss, kGradHess>(),
             moment_sum<Loss, kGradPositiveHess>(), moment_sum<Loss, kHessVector>()},
            {{merge_sum<Loss, kValue, false>(), merge_sum<Loss, kValue, true>()},
             {merge_sum<Loss, kValueGrad, false>(), merge_sum<Loss, kValueGrad, true>()},
             {merge_sum<Loss, kGradHess, false>(), merge_sum<Loss, kGradHess, true>()},
             {merge_sum<Loss, kGradPositiveHess, false>(), merge_sum<Loss, kGradPositiveHess, true>()},
             {merge_sum<Loss, kHessVector, false>(), merge_sum<Loss, kHessVector, true>()}},
            expansion<Loss>()};
}

template <class Losses> struct PairLossTable;
template <class... Losses> struct PairLossTable<List<Losses...>> {
    static constexpr int count = sizeof...(Losses);
    static constexpr PairLossKernels entries[count] = {pair_loss_kernels<Losses>()...};
};

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
    return {Metric::name, kByPosition, false, true, -1, 5, 6, {}, {}, RankLoss<Metric>::kernels};
}
/// The listwise and pointwise losses: a new one is added here.
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

/// x - x is 0 for finite x, else NaN: one sum tells whether all are finite.
template <class T> bool all_finite(const T* x, std::int64_t n) {
    using V = Lanes<T>;
    V bad(0), more_bad(0);
    std::int64_t k = 0;
    for (; k + 2 * V::count <= n; k += 2 * V::count) {
        const V a = V::load(x + k), b = V::load(x + k + V::count);
        bad += a - a;
        more_bad += b - b;
    }
    double rest = 0;
    for (; k < n; ++k) rest += static_cast<double>(x[k] - x[k]);
    return sum(bad + more_bad) + rest == 0;
}

/// The smallest lane of a; as scalars, since a load of just stored halves would wait for the store.
template <class T> T smallest(Lanes<T> a) {
    T part[Lanes<T>::count];
    a.store(part);
    for (int half = Lanes<T>::count / 2; half > 0; half /= 2)
        for (int l = 0; l < half; ++l) part[l] = part[l] < part[l + half] ? part[l] : part[l + half];
    return part[0];
}

/// `to` has room for one register past n, which is filled with the first number.
template <class T> bool copy_scores(const T* from, std::int64_t n, T* to, T* low, T* high) {
    using V = Lanes<T>;
    const V first(static_cast<double>(from[0]));
    V least = first, most = first, bad = first - first;
    const auto take = [&](std::int64_t k, V x) {
        x.store(to + k);
        least = min(x, least);
        most = max(x, most);
        bad += x - x;
    };
    std::int64_t k = 0;
    for (; k + V::count <= n; k += V::count) take(k, V::load(from + k));
    T tail[V::count];
    first.store(tail);
    for (std::int64_t l = k; l < n; ++l) tail[l - k] = from[l];
    take(k, V::load(tail));
    *low = smallest(least);
    *high = -smallest(-most);
    return sum(bad) == 0;
}

template <class T> void store_rounded(T* out, Lanes<double> x, std::int64_t n) {
    double part[Lanes<double>::count];
    x.store(part);
    for (std::int64_t l = 0; l < n; ++l) out[l] = static_cast<T>(part[l]);
}

template <class T> void exponentials(const double* x, std::int64_t n, double centre, T* row, T* column) {
    using V = Lanes<double>;
    for (std::int64_t k = 0; k < n; k += V::count) {  // x, row and column are readable and writable one register past n
        const V e = exp(V::load(x + k) - V(centre));
        store_rounded(column + k, e, V::count);
        store_rounded(row + k, V(1) / e, V::count);
    }
}

template <class T, Lanes<T> (*function)(Lanes<T>)> void elementwise(const T* x, std::int64_t n, T* out) {
    using V = Lanes<T>;
    for (std::int64_t k = 0; k < n; k += V::count) {
        const std::int64_t left = n - k < V::count ? n - k : V::count;
        T part[V::count];
        for (std::int64_t l = 0; l < V::count; ++l) part[l] = x[k + (l < left ? l : 0)];
        function(V::load(part)).store(part);
        for (std::int64_t l = 0; l < left; ++l) out[k + l] = part[l];
    }
}
template <class T> constexpr MathKernels<T> math_kernels() {
    return {&elementwise<T, &exp<T>>, &elementwise<T, &exp_inside<Lanes<T>>>, &elementwise<T, &log<T>>,
            &elementwise<T, &log1p<T>>};
}

#define RANKGRAD_TEXT_(x) #x
#define RANKGRAD_TEXT(x) RANKGRAD_TEXT_(x)
#define RANKGRAD_JOIN_(a, b) a##b
#define RANKGRAD_JOIN(a, b) RANKGRAD_JOIN_(a, b)

}  // namespace

extern const KernelTable RANKGRAD_JOIN(kernels_, RANKGRAD_LEVEL);
const KernelTable RANKGRAD_JOIN(kernels_, RANKGRAD_LEVEL) = {
    RANKGRAD_TEXT(RANKGRAD_LEVEL),
    Lanes<float>::count,
    PairLossTable<PairLosses>::count,
    PairLossTable<PairLosses>::entries,
    sizeof kListLosses / sizeof *kListLosses,
    kListLosses,
    &copy_scores<float>,
    &copy_scores<double>,
    &all_finite<float>,
    &all_finite<double>,
    &exponentials<float>,
    &exponentials<double>,
    math_kernels<float>(),
    math_kernels<double>(),
    implicit_kernels<float>(),
    implicit_kernels<double>(),
};

}  // namespace rankgrad
