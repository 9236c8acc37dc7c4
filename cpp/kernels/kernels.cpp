// The table of one instruction set, with the kernels that belong to no loss. The wings' kernels are compiled in their
// folders.
#include "kernels/simd/lane_sums.hpp"
#include "kernels/isa.hpp"
#include "kernels/sorted/stable_partition.hpp"
#include "kernels/simd/vector_math.hpp"

namespace rankgrad {
namespace {

/// x - x is 0 for finite x, else NaN: the sum is 0 if all are finite.
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

/// The smallest lane of a, from scalars: a vector load of just stored halves would stall.
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
    if (k < n) {
        T tail[V::count];
        first.store(tail);
        for (std::int64_t l = k; l < n; ++l) tail[l - k] = from[l];
        take(k, V::load(tail));
    }
    *low = smallest(least);
    *high = -smallest(-most);
    return sum(bad) == 0;
}

/// A number beside `rounding` is a whole one.
NumberFacts look_at(const double* x, std::int64_t n) {
    using V = Lanes<double>;
    const V rounding(0x1.8p52);
    V least(x[0]), most = least, bad(0), total(0), off(0);
    const auto take = [&](V a) {
        least = min(a, least);
        most = max(a, most);
        bad += a - a;
        total += a;
        off = max(abs((a + rounding) - rounding - a), off);
    };
    std::int64_t k = 0;
    for (; k + V::count <= n; k += V::count) take(V::load(x + k));
    if (k < n) {
        double tail[V::count] = {};
        for (std::int64_t l = k; l < n; ++l) tail[l - k] = x[l];
        const V last = V::load(tail), kept_least = least, kept_most = most;
        take(last);
        const auto in_list = first_lanes<double>(static_cast<int>(n - k));
        least = select(in_list, least, kept_least);
        most = select(in_list, most, kept_most);
    }
    return {smallest(least), -smallest(-most), sum(total), sum(bad) == 0, smallest(-off) == 0};
}

template <class T> void scale_counts(const std::int32_t* count, std::int64_t n, double factor, double least, T* out) {
    for (std::int64_t k = 0; k < n; ++k) {
        const double x = count[k] == 0 ? 0 : factor * static_cast<double>(count[k]);
        out[k] = static_cast<T>(x < least ? least : x);
    }
}

template <class T> void store_rounded(T* out, Lanes<double> x, std::int64_t n) {
    double part[Lanes<double>::count];
    x.store(part);
    for (std::int64_t l = 0; l < n; ++l) out[l] = static_cast<T>(part[l]);
}

template <class T>
void exponentials(const double* x, std::int64_t n, double centre, double per_unit, T* row, T* column) {
    using V = Lanes<double>;
    for (std::int64_t k = 0; k < n; k += V::count) {  // x, row and column are readable and writable one register past n
        const V e = exp((V::load(x + k) - V(centre)) * V(per_unit));
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
            &elementwise<T, &log1p<T>>, &elementwise<T, &one_less_exp<T>>};
}

}  // namespace

const KernelTable RANKGRAD_OF_ISA(kernels) = {
    RANKGRAD_TEXT(RANKGRAD_ISA),
    &RANKGRAD_OF_ISA(direct_kernels),
    &RANKGRAD_OF_ISA(lambda_kernels),
    &RANKGRAD_OF_ISA(level_table_kernels),
    &RANKGRAD_OF_ISA(listwise_kernels),
    &RANKGRAD_OF_ISA(smooth_rank_kernels),
    &RANKGRAD_OF_ISA(implicit_kernels),
    &copy_scores<float>,
    &copy_scores<double>,
    &all_finite<float>,
    &all_finite<double>,
    &look_at,
    &exponentials<float>,
    &exponentials<double>,
    &scale_counts<float>,
    &scale_counts<double>,
    &ItemPartition<float>::call,
    &ItemPartition<double>::call,
    math_kernels<float>(),
    math_kernels<double>(),
};

}  // namespace rankgrad
