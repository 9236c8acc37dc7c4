// The only translation unit of the kernels: compiled once per level with RANKGRAD_LEVEL set, it fills that level's table.
// Everything else in here has internal linkage; the table is the one external symbol.
#include "kernels/implicit_losses.hpp"
#include "kernels/kernel_table.hpp"
#include "kernels/moment_sums.hpp"
#include "kernels/pair_sums.hpp"

namespace rankgrad {
namespace {

template <class Loss, PairMode mode, bool weighted> constexpr PairSum<float> float_sum() {
    if constexpr (Loss::all_pairs) return nullptr;
    else return &DirectPairSum<Loss, float, mode, weighted>::call;
}
template <class Loss, PairMode mode> constexpr PairSum<double> double_sum() {
    if constexpr (Loss::all_pairs) return &SquaredErrorSum<mode>::call;
    else return &DirectPairSum<Loss, double, mode, true>::call;
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
             double_sum<Loss, kGradPositiveHess>(), double_sum<Loss, kHessVector>()}};
}

template <class Losses> struct PairLossTable;
template <class... Losses> struct PairLossTable<List<Losses...>> {
    static constexpr int count = sizeof...(Losses);
    static constexpr PairLossKernels entries[count] = {pair_loss_kernels<Losses>()...};
};

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
    &exponentials<float>,
    &exponentials<double>,
    math_kernels<float>(),
    math_kernels<double>(),
    implicit_kernels<float>(),
    implicit_kernels<double>(),
};

}  // namespace rankgrad
