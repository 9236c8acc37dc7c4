// Kernels that look at the negatives of implicit feedback before a loss does: the choice of one among many, partial
// credit, and the check of the scores.
#pragma once

#include "kernels/losses/implicit_losses.hpp"
#include "kernels/contract/implicit.hpp"
#include "kernels/simd/lane_sums.hpp"

namespace rankgrad {
namespace {

template <class T> T largest_lane(Lanes<T> v) {
    T part[Lanes<T>::count];
    v.store(part);
    T largest = part[0];
    for (const T x : part) largest = x > largest ? x : largest;
    return largest;
}

/// Asks for a line of the cache that will be read, or written: of the next rows, as a CPU does not foresee the step
/// from one to another. A hint: any address will do.
template <int write> RANKGRAD_INLINE void ask_for([[maybe_unused]] const void* place) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(place, write);
#endif
}

/// Where the largest of `rows` rows of n numbers stands, column by column: the first such row, counted from
/// `first_row`. False if one of the numbers is NaN or +infinity.
template <class T> bool largest_in_columns(const T* x, std::int64_t stride, std::int64_t rows, std::int64_t n,
                                           T first_row, T* best, T* best_row) {
    using V = Lanes<T>;
    V bad(0);
    bool usable = true;
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) {
        V top = V::load(best + i), top_row = V::load(best_row + i), row(first_row);
        for (std::int64_t k = 0; k < rows; ++k, row += V(1)) {
            const V candidate = V::load(x + k * stride + i);
            ask_for<0>(x + (k + rows) * stride + i);
            const auto larger = candidate > top;
            bad = flagged(candidate < V(kInfinity), bad);
            top = select(larger, candidate, top);
            top_row = select(larger, row, top_row);
        }
        top.store(best + i);
        top_row.store(best_row + i);
    }
    for (; i < n; ++i)
        for (std::int64_t k = 0; k < rows; ++k) {
            const T candidate = x[k * stride + i];
            usable = usable && candidate < static_cast<T>(kInfinity);
            if (candidate > best[i]) {
                best[i] = candidate;
                best_row[i] = first_row + static_cast<T>(k);
            }
        }
    return usable && sum(bad) == 0;
}

/// Writes `rows` rows of n numbers: x of a column in its row, 0 in all others. A row of -1 is none of them.
template <class T>
void put_in_rows(const T* x, const T* row_of, std::int64_t stride, std::int64_t rows, std::int64_t n, T* out) {
    using V = Lanes<T>;
    V row(0);
    for (std::int64_t k = 0; k < rows; ++k, row += V(1), out += stride) {
        std::int64_t i = 0;
        for (; i + V::count <= n; i += V::count) {
            ask_for<1>(out + stride + i);
            select(V::load(row_of + i) == row, V::load(x + i), V(0)).store(out + i);
        }
        for (; i < n; ++i) out[i] = row_of[i] == static_cast<T>(k) ? x[i] : T(0);
    }
}

/// A number with the sign of d - (p - n): positive for a violation.
template <class V> RANKGRAD_INLINE V violation(V positive, V negative, V ideal, V ideal_rest) {
    return Slack<V>(ImplicitPair<V>{positive, negative, ideal, ideal_rest, V(1)}).sign;
}
template <class T> bool violates(T positive, T negative, T ideal, T ideal_rest) {
    const auto all = [](T x) { return Lanes<T>(static_cast<double>(x)); };
    return largest_lane(violation(all(positive), all(negative), all(ideal), all(ideal_rest))) > T(0);
}

/// Notes `row` in `first` of every column that violates its ideal difference and had no violation (-1) before. True if
/// a column is left without one.
template <class T> bool violations_in_row(const T* positive, const T* negative, const T* ideal, const T* ideal_rest,
                                          std::int64_t n, T row, T* first) {
    using V = Lanes<T>;
    const V here(row);
    V lowest = here;
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) {
        const V violated =
            violation(V::load(positive + i), V::load(negative + i), V::load(ideal + i), V::load(ideal_rest + i));
        const V before = V::load(first + i);
        const V now = select(before < V(0), select(violated > V(0), here, before), before);
        lowest = min(lowest, now);
        now.store(first + i);
    }
    bool left = largest_lane(-lowest) > T(0);
    for (; i < n; ++i) {
        if (first[i] < T(0) && violates(positive[i], negative[i], ideal[i], ideal_rest[i])) first[i] = row;
        left = left || first[i] < T(0);
    }
    return left;
}

/// The first place of the largest of n numbers, -1 if there is none above -infinity.
template <class T> std::int64_t largest_in_list(const T* x, std::int64_t n) {
    using V = Lanes<T>;
    V top(-kInfinity);
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) top = max(top, V::load(x + i));
    T largest = largest_lane(top);
    for (; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    if (!(largest > static_cast<T>(-kInfinity))) return -1;
    for (i = 0; x[i] < largest;) ++i;
    return i;
}

/// The first of n negatives of one positive that violates its ideal difference, or -1.
template <class T>
std::int64_t violation_in_list(T positive, const T* negative, const T* ideal, const T* ideal_rest, std::int64_t n) {
    using V = Lanes<T>;
    const V p(positive);
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) {
        const V violated = violation(p, V::load(negative + i), V::load(ideal + i), V::load(ideal_rest + i));
        if (largest_lane(violated) > T(0)) break;
    }
    for (; i < n; ++i)
        if (violates(positive, negative[i], ideal[i], ideal_rest[i])) return i;
    return -1;
}

/// Partial credit: ideal[i] -= weight where the two items have the same category. A NaN is like nothing.
template <class Category> void subtract_matches(const Category* category, double weight,
                                                const std::int64_t* positive_item, const std::int64_t* negative_item,
                                                std::int64_t n, double* ideal) {
    for (std::int64_t i = 0; i < n; ++i)
        ideal[i] -= category[positive_item[i]] == category[negative_item[i]] ? weight : 0.0;
}

/// The first of n numbers that is NaN or +infinity, or -1.
template <class T> std::int64_t first_bad(const T* x, std::int64_t n) {
    using V = Lanes<T>;
    V bad(0);
    std::int64_t i = 0;
    for (; i + V::count <= n; i += V::count) bad = flagged(V::load(x + i) < V(kInfinity), bad);
    for (i = sum(bad) > 0 ? 0 : i; i < n; ++i)
        if (!(x[i] < static_cast<T>(kInfinity))) return i;
    return -1;
}

}  // namespace
}  // namespace rankgrad
