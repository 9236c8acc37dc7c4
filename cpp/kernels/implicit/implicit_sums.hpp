// Sums of the losses of implicit feedback over rows of pairs.
#pragma once

#include "kernels/implicit/careful_margin.hpp"
#include "kernels/losses/implicit_losses.hpp"
#include "kernels/simd/lane_sums.hpp"
#include "kernels/implicit/negatives.hpp"

namespace rankgrad {
namespace {

/// Adds up l + square l^2, and factor times its derivatives, over rows of pairs; see ImplicitPairs. Tells whether the
/// formula found no pair bad.
template <class Formula, class T, PairMode mode> struct ImplicitSum {
    template <class V> RANKGRAD_INLINE static void step(const Formula& formula, const ImplicitPairs<T>& job,
                                                        std::int64_t i, V negative, T* grad, T* hess, Lanes<T>& bad) {
        const V rank_weight = job.rank_weight == nullptr ? V(1) : V::load(job.rank_weight + i);
        const ImplicitPair<V> pair{V::load(job.positive + i), negative, V::load(job.ideal + i),
                                   V::load(job.ideal_rest + i), rank_weight};
        bad = Formula::check(pair.positive, negative, pair.ideal, bad);
        const ImplicitJet<V> jet = formula.eval(pair);
        if constexpr (mode != kGradHess)
            multiply_add(jet.value, multiply_add(V(job.square), jet.value, V(1)), V::load(job.value + i))
                .store(job.value + i);
        if constexpr (mode == kValue) return;
        const V square_factor = V::load(job.square_factor + i);
        const V outer = multiply_add(square_factor, jet.value, V::load(job.factor + i));
        const V slope = outer * jet.slope;
        slope.store(grad);
        (V::load(job.slope + i) + slope).store(job.slope + i);
        if constexpr (mode == kGradHess) {
            const V curvature = multiply_add(square_factor * jet.slope, jet.slope, outer * jet.curvature);
            curvature.store(hess);
            (V::load(job.curvature + i) + curvature).store(job.curvature + i);
        }
    }

    using V = Lanes<T>;
    using Group = LaneGroup<T>;

    template <class W>
    RANKGRAD_INLINE static void run(const Formula& formula, const ImplicitPairs<T>& job, std::int64_t& i, V& bad) {
        for (; i + W::count <= job.n; i += W::count)
            step(formula, job, i, W::load(job.negative + i), mode == kValue ? nullptr : job.grad_negative + i,
                 mode == kGradHess ? job.hess_negative + i : nullptr, bad);
    }

    /// The pairs from i on, fewer than a register.
    static void rest(const Formula& formula, const ImplicitPairs<T>& job, std::int64_t i, V& bad) {
        if (i == job.n) return;
        T negative[V::count], grad[V::count], hess[V::count];
        for (int l = 0; l < V::count; ++l)
            negative[l] = job.negative[i + l < job.n ? i + l : i];  // past n: not read by anybody
        step(formula, job, i, V::load(negative), grad, hess, bad);
        for (int l = 0; i + l < job.n; ++l) {
            if constexpr (mode != kValue) job.grad_negative[i + l] = grad[l];
            if constexpr (mode == kGradHess) job.hess_negative[i + l] = hess[l];
        }
    }

    /// Four rows in step: what belongs to a positive is read and written once for the four. A staged formula is
    /// computed in two sweeps over a few columns, since a CPU looks ahead over a short chain of operations but not over
    /// a long one.
    RANKGRAD_INLINE static void four_rows(const Formula& formula, const ImplicitPairs<T>& job, std::int64_t end,
                                          V& bad) {
        constexpr std::int64_t few = 8 * V::count;
        T staged[4 * few];
        for (std::int64_t begin = 0; begin < end; begin += few) {
            const std::int64_t stop = begin + few < end ? begin + few : end;
            if constexpr (Formula::staged)
                for (std::int64_t i = begin; i < stop; i += V::count) {
                    const Group positive = Group::same(V::load(job.positive + i));
                    const Group negative = Group::load_rows(job.negative + i, job.stride);
                    bad = Formula::check(positive, negative, positive, bad);
                    Formula::stage(positive, negative).store(staged + 4 * (i - begin));
                }
            four_rows(formula, job, begin, stop, staged, bad);
        }
    }

    RANKGRAD_INLINE static void four_rows(const Formula& formula, const ImplicitPairs<T>& job, std::int64_t begin,
                                          std::int64_t end, const T* staged, V& bad) {
        const std::int64_t stride = job.stride;
        for (std::int64_t i = begin; i < end; i += V::count) {
            const auto each = [&](const T* x) { return Group::same(V::load(x + i)); };
            const Group positive = each(job.positive), negative = Group::load_rows(job.negative + i, stride);
            ImplicitJet<Group> jet;
            if constexpr (Formula::staged) {
                jet = Formula::finish(Group::load(staged + 4 * (i - begin)), positive - negative, each(job.ideal));
            } else {
                const Group rank_weight = job.rank_weight == nullptr ? Group(1) : each(job.rank_weight);
                const Group ideal = each(job.ideal);
                bad = Formula::check(positive, negative, ideal, bad);
                jet = formula.eval(ImplicitPair<Group>{positive, negative, ideal, each(job.ideal_rest), rank_weight});
            }
            if constexpr (mode != kGradHess) {
                const Group value = jet.value * multiply_add(Group(job.square), jet.value, Group(1));
                (V::load(job.value + i) + value.total()).store(job.value + i);
            }
            if constexpr (mode == kValue) continue;
            const Group square_factor = each(job.square_factor);
            const Group outer = multiply_add(square_factor, jet.value, each(job.factor));
            const Group slope = outer * jet.slope;
            slope.store_rows(job.grad_negative + i, stride);
            (V::load(job.slope + i) + slope.total()).store(job.slope + i);
            if constexpr (mode == kGradHess) {
                const Group curvature = multiply_add(square_factor * jet.slope, jet.slope, outer * jet.curvature);
                curvature.store_rows(job.hess_negative + i, stride);
                (V::load(job.curvature + i) + curvature.total()).store(job.curvature + i);
            }
        }
    }

    static bool call(const ImplicitPairs<T>& given) {
        ImplicitPairs<T> job = given;  // a copy that stores cannot alias
        Formula formula;
        formula.set(job.parameters);
        V bad(0);
        for (std::int64_t rows = given.rows; rows > 0;) {
            const std::int64_t done = rows >= 4 ? 4 : 1;
            const std::int64_t whole = job.n / V::count * V::count;
            if (done == 4) four_rows(formula, job, whole, bad);
            for (std::int64_t k = 0; k < done; ++k) {
                std::int64_t i = done == 4 ? whole : 0;
                if (done == 1) run<Group>(formula, job, i, bad);
                run<V>(formula, job, i, bad);
                rest(formula, job, i, bad);
                job.negative += job.stride;
                if constexpr (mode != kValue) job.grad_negative += job.stride;
                if constexpr (mode == kGradHess) job.hess_negative += job.stride;
            }
            rows -= done;
        }
        return sum(bad) == 0;
    }
};

template <class Formula, class T> constexpr ImplicitSums<T> implicit_sums() {
    return {&ImplicitSum<Formula, T, kValue>::call, &ImplicitSum<Formula, T, kValueGrad>::call,
            &ImplicitSum<Formula, T, kGradHess>::call};
}
template <class Loss> constexpr ImplicitLossKernels implicit_loss() {
    constexpr bool has_narrow = !kSame<typename Loss::Narrow, void>;
    using Narrow = typename Either<has_narrow, typename Loss::Narrow, Loss>::type;
    return {Loss::name,
            Loss::parameters,
            Loss::less_one,
            Loss::ranked,
            has_narrow,
            {implicit_sums<Loss, float>(), implicit_sums<Narrow, float>()},
            {implicit_sums<Loss, double>(), implicit_sums<Narrow, double>()},
            &careful_sum<Loss>};
}
template <class Losses> struct ImplicitLossTable;
template <class... Losses> struct ImplicitLossTable<List<Losses...>> {
    static constexpr ImplicitLossKernels entries[] = {implicit_loss<Losses>()...};
};
template <class T> constexpr ImplicitKernels<T> implicit_kernels() {
    return {&largest_in_columns<T>, &put_in_rows<T>,       &violations_in_row<T>,
            &largest_in_list<T>,    &violation_in_list<T>, &first_bad<T>};
}
constexpr ImplicitDoubleKernels implicit_double_kernels() {
    return {&subtract_matches<std::int64_t>, &subtract_matches<double>};
}

}  // namespace
}  // namespace rankgrad
