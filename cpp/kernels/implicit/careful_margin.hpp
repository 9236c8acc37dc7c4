// Sums of the losses of implicit feedback for any finite scores, ideal differences, weights and factors.
//
// In double, and so that nothing between the numbers given and a result overflows unless the result itself does: of l a
// quarter is computed, which always is a finite number, and multiplied by one factor after the other. A factor or a
// slope of 0 annihilates its term.
#pragma once

#include "kernels/losses/implicit_losses.hpp"
#include "kernels/simd/lane_sums.hpp"

namespace rankgrad {
namespace {

/// l / 4, given what the formula says of l where neither x nor d is far.
template <class Formula, class V> V quarter_loss(const ImplicitPair<V>& pair, V value) {
    const V quarter(0.25);
    if constexpr (!Formula::linear) return quarter * value;
    const V x = pair.positive - pair.negative;
    const V line = quarter * pair.ideal - (quarter * pair.positive - quarter * pair.negative);
    return select(max(abs(x), abs(pair.ideal)) > V(kFar<double>), max(line, V(0)), quarter * value);
}

/// What ImplicitSum does, for one row and all modes; job.weight multiplies the value. All arrays have room for whole
/// registers.
template <class Formula> bool careful_sum(const ImplicitPairs<double>& job) {
    using V = Lanes<double>;
    Formula formula;
    formula.set(job.parameters);
    V bad(0);
    const auto add = [](double* to, V x) { (V::load(to) + x).store(to); };
    const auto times = [](V x, V y) { return select(abs(x) > V(0), x * y, V(0)); };  // 0 if x is
    for (std::int64_t i = 0; i < job.n; i += V::count) {
        const ImplicitPair<V> pair{V::load(job.positive + i), V::load(job.negative + i), V::load(job.ideal + i),
                                   V::load(job.ideal_rest + i), V(1)};
        bad = flagged(pair.negative < V(kInfinity), bad);
        const ImplicitJet<V> jet = formula.eval(pair);
        const V l = quarter_loss<Formula>(pair, jet.value), square(job.square);
        const V w = job.rank_weight == nullptr ? V(1) : V::load(job.rank_weight + i);
        const V weighted = times(w, V::load(job.weight + i) * l);
        add(job.value + i, V(16) * times(weighted, V(0.25) + square * l * w));
        if (job.grad_negative == nullptr) continue;
        const V factor = V::load(job.factor + i), slope = w * jet.slope;
        const V outer = factor + times(square, V(8) * (factor * l * w));
        const V grad = times(slope, outer);
        grad.store(job.grad_negative + i);
        add(job.slope + i, grad);
        const V curvature = times(square, V(2) * (factor * slope * slope)) + times(w * jet.curvature, outer);
        curvature.store(job.hess_negative + i);
        add(job.curvature + i, curvature);
    }
    return sum(bad) == 0;
}

}  // namespace
}  // namespace rankgrad
