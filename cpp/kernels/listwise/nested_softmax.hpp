// Nested softmaxes: item i against itself and the items of lower levels, in O(n) for sorted items.
//   L = sum_i G_i (log Z_i - z_i),   Z_i = e^z_i + Z_<i,   Z_<i = sum of e^z_j over the levels below that of i
// Unique softmax: levels are the labels, G the gains [Zhu & Klabjan, WSDM 2020]. ListMLE: every item is a level of its
// own, G = 1 or the item weights [Xia et al., ICML 2008].
//
// With q_i = e^z_i / Z_i and sums over the items i above item k:
//   g_k = -G_k (1 - q_k) + sum G_i e^z_k / Z_i,   h_k = G_k q_k (1 - q_k) + sum G_i (e^z_k / Z_i) (1 - e^z_k / Z_i)
//
// Scores may differ by thousands, so every sum is kept relative to e^top, top the largest score below the level
// ("below" sums) or of it and below (the sums over items above). 1 - e^z_k / Z_i cancels only for the largest item
// below i: its terms are summed apart, from Z_i without it ("peak"), and so is the sum of the others below ("rest").
#pragma once

#include "kernels/listwise/list_loss.hpp"
#include "kernels/simd/lane_sums.hpp"
#include "kernels/simd/vector_math.hpp"

namespace rankgrad {
namespace {

/// Levels given by the plan.
struct LabelLevels {
    static constexpr bool single = false;
    explicit LabelLevels(const ListJob<double>& job) : begin(job.level_begin), count(job.n_levels) {}
    std::int32_t operator[](std::int32_t l) const { return begin[l]; }
    const std::int32_t* begin;
    std::int32_t count;
};
/// Every item a level.
struct ItemLevels {
    static constexpr bool single = true;
    explicit ItemLevels(const ListJob<double>& job) : count(job.n) {}
    std::int32_t operator[](std::int32_t l) const { return l; }
    std::int32_t count;
};

template <class Levels, PairMode mode> class NestedSoftmax {
    using V = Lanes<double>;
    static constexpr bool with_value = rankgrad::with_value(mode), with_hess = rankgrad::with_hess(mode);
    static constexpr bool along_vector = mode == kHessVector;
    static constexpr int kProductFactors = 32;  // each at most the length of a list, below 2^31
    static constexpr double kNothingBelow = -__builtin_huge_val();

    const ListJob<double>& job_;
    const Levels levels_;
    double* const top_;     ///< per level: the largest score below it
    double* const shrink_;  ///< per level: e^(top of it - top of the next)
    double* const rest_;    ///< per level: sum of e^(z - top) below it without the largest item; later a sum per item
    double* const e_;       ///< per item: e^(z - top of the next level)
    double* const along_;   ///< per level: sum of v e^(z - top) below it; in the place of the gradient

    explicit NestedSoftmax(const ListJob<double>& job)
        : job_(job), levels_(job), top_(job.work[0]), shrink_(job.work[1]), rest_(job.work[2]), e_(job.work[3]),
          along_(job.grad) {}

    /// One number per level, repeated for its items.
    const double* per_item(const double* per_level, double* room) const {
        if constexpr (Levels::single) return per_level;
        for (std::int32_t l = 0; l < levels_.count; ++l)
            for (std::int32_t k = levels_[l]; k < levels_[l + 1]; ++k) room[k] = per_level[l];
        return room;
    }

    /// The same in place: a level does not come after its items.
    double* spread(double* per_level) const {
        for (std::int32_t l = levels_.count - 1; !Levels::single && l >= 0; --l)
            for (std::int32_t k = levels_[l + 1] - 1; k >= levels_[l]; --k) per_level[k] = per_level[l];
        return per_level;
    }

    RANKGRAD_INLINE V margin(V a, V b) const { return (a - b) * V(job_.per_temperature); }

    void tops() {
        double top = kNothingBelow;
        for (std::int32_t l = 0; l < levels_.count; ++l) {
            top_[l] = top;
            for (std::int32_t k = levels_[l]; k < levels_[l + 1]; ++k) top = job_.score[k] > top ? job_.score[k] : top;
        }
        top_[levels_.count] = top;
    }

    void exponentials() {
        for (std::int32_t l = 0; l < levels_.count; l += V::count) {
            // Tops rarely rise: where the first and the last of a register are equal, so are all between them.
            const bool rise = l + V::count > levels_.count || top_[l] != top_[l + V::count];
            (rise ? exp_negative(margin(V::load(top_ + l), V::load(top_ + l + 1))) : V(1)).store(shrink_ + l);
        }
        const double* next = per_item(top_ + 1, job_.grad);
        for (std::int32_t k = 0; k < job_.n; k += V::count)
            exp_negative(margin(V::load(job_.score + k), V::load(next + k))).store(e_ + k);
    }

    bool new_top(std::int32_t level) const { return top_[level + 1] > top_[level]; }

    /// The first item of a level that brings a new top: the largest item from there on.
    std::int32_t peak(std::int32_t level) const {
        std::int32_t k = levels_[level];
        if constexpr (!Levels::single)
            while (e_[k] != 1.0) ++k;
        return k;
    }

    void sums_below() {
        double rest = 0, along = 0;
        for (std::int32_t l = 0; l < levels_.count; ++l) {
            rest_[l] = rest;
            if constexpr (along_vector) along_[l] = along;
            std::int32_t without = -1;
            if (new_top(l)) {
                rest = (l > 0 ? 1 + rest : 0) * shrink_[l];
                along *= shrink_[l];
                without = peak(l);
            }
            for (std::int32_t k = levels_[l]; k < levels_[l + 1]; ++k) {
                if (k != without) rest += e_[k];
                if constexpr (along_vector) along += e_[k] * job_.vector[k];
            }
        }
    }

    /// Each item's own softmax. Leaves G u in score and G u (1 - u), or G u times the mean of v, in rest, where u is
    /// the share of the largest item below.
    double own_terms() const {
        const double* top = per_item(top_, job_.hess);
        const double* others = spread(rest_);
        const double* along = along_vector ? spread(along_) : nullptr;
        V total(0), product(0);  // product: of the 1 + extra, minus 1
        int factors = 0;
        for (std::int32_t k = 0; k < job_.n; k += V::count) {
            const V gap = margin(V::load(job_.score + k), V::load(top + k));
            const V rest = V::load(others + k);
            const V gain = V::load(job_.target + k);
            const auto above = gap > V(0);
            // e^-|gap|, which is at hand if an item is a level
            const V a = Levels::single ? select(above, V::load(shrink_ + k), V::load(e_ + k)) : exp_negative(-abs(gap));
            const V below = select(above, (V(1) + rest) * a, V(1) + rest);  // all below, relative to the larger of both
            const V extra = select(above, below, rest + a);                 // Z = 1 + extra
            const V inverse = V(1) / (V(1) + extra);
            const V q = select(above, V(1), a) * inverse;
            const V share = gain * select(above, a, V(1)) * inverse;
            // What stands behind the last item may be anything, so 0 times it need not be 0.
            if constexpr (with_value) {
                const auto inside = first_lanes<double>(job_.n - k);
                const V lead = min(max(-gap, V(0)), V(kLargestDouble));  // of the top; finite for gains of 0
                if (Levels::single && !job_.item_weighted) {             // all gains are 1: log of the product
                    const V x = select(inside, extra, V(0));
                    product = multiply_add(product, x, product + x);
                    total += select(inside, lead, V(0));
                    if (++factors == kProductFactors) {
                        total += log1p(product);
                        product = V(0);
                        factors = 0;
                    }
                } else {
                    total += select(inside, gain * (log1p(extra) + lead), V(0));
                }
            }
            if constexpr (along_vector) {
                const V v = V::load(job_.vector + k), below_v = V::load(along + k);
                const V u = select(above, a, V(1)) * inverse;
                (gain * q * (below * inverse * v - u * below_v)).store(job_.grad + k);
                (share * multiply_add(q, v, u * below_v)).store(rest_ + k);
            } else if constexpr (mode != kValue) {
                (-gain * (below * inverse)).store(job_.grad + k);
            }
            if constexpr (with_hess) {
                (gain * q * (below * inverse)).store(job_.hess + k);
                (share * (select(above, multiply_add(rest, a, V(1)), rest + a) * inverse)).store(rest_ + k);
            }
            if constexpr (mode != kValue) share.store(job_.score + k);
        }
        if constexpr (with_value && Levels::single) total += log1p(product);
        return sum(total);
    }

    /// Adds to each item the terms of the items above it, from the highest level down.
    void terms_above() const {
        double share = 0, second = 0, peak_sum = 0;  // over the levels above; relative to e^top of the next level
        for (std::int32_t l = levels_.count - 1; l >= 0; --l) {
            const std::int32_t top_item = with_hess && new_top(l) ? peak(l) : -1;
            double level_share = 0, level_second = 0;
            for (std::int32_t k = levels_[l]; k < levels_[l + 1]; ++k) {
                const double e = e_[k];
                level_share += job_.score[k];
                if constexpr (mode != kValue) level_second += rest_[k];
                if constexpr (along_vector) {
                    job_.grad[k] = job_.scale * (job_.grad[k] + e * (job_.vector[k] * share - second));
                } else {
                    job_.grad[k] = job_.scale * (job_.grad[k] + e * share);
                }
                if constexpr (with_hess) {
                    // e share - e^2 sum G u^2, and sum G u^2 = share - sum G u (1 - u)
                    const double terms = k == top_item ? peak_sum : e * (share - e * (share - second));
                    const double h = job_.hess[k] + terms;
                    job_.hess[k] = job_.curvature_scale * (mode == kGradPositiveHess && h < 0 ? 0 : h);
                }
            }
            const double f = shrink_[l];
            if constexpr (with_hess) {
                if (new_top(l)) peak_sum = f * (share - f * (share - second));
                peak_sum += level_second;
                // second = sum G u (1 - u) with u relative to the new top: f u (1 - f u)
                second = f * (share - f * (share - second)) + level_second;
            } else {
                second = f * second + level_second;
            }
            share = f * share + level_share;
        }
    }

    double run() {
        tops();
        exponentials();
        sums_below();
        const double value = own_terms();
        if constexpr (mode != kValue) terms_above();
        return value;
    }

public:
    static double call(const ListJob<double>& job) { return NestedSoftmax(job).run(); }
};

template <class Levels> struct NestedLoss : ListLoss {
    static constexpr int work_arrays = 4, work_arrays_along_vector = 4;
    template <class T, PairMode mode> static constexpr ListSum<T> sum() {
        if constexpr (sizeof(T) == sizeof(float)) return nullptr;
        else return &NestedSoftmax<Levels, mode>::call;
    }
};

struct UniqueSoftmaxLoss : NestedLoss<LabelLevels> {
    static constexpr const char* name = "unique_softmax";
    static constexpr ItemOrder order = kByLabel;
};

/// -log of the Plackett-Luce probability of the order by labels, highest first, ties by position:
///   L = sum_t w_t (log sum_{j >= t} e^z_j - z_t) over the items in that order
/// Each item competes with all later ones: one item per level, the order read backwards, gains w.
struct ListMleLoss : NestedLoss<ItemLevels> {
    static constexpr const char* name = "list_mle";
    static constexpr ItemOrder order = kByLabelLastFirst;
    static constexpr bool scratch_hess = false;
};

using NestedLosses = List<UniqueSoftmaxLoss, ListMleLoss>;

}  // namespace
}  // namespace rankgrad
