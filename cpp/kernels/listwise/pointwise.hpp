// Pointwise losses: each item on its own, s the score, z the score over the temperature, y the label, w the weight.
#pragma once

#include "kernels/listwise/list_loss.hpp"
#include "kernels/simd/lane_sums.hpp"
#include "kernels/simd/vector_math.hpp"

namespace rankgrad {
namespace {

/// What an item has: its value, the value times its weight w, the slope times u, which is w times the factor of
/// gradients, and the curvature. A weight of 0 makes all products 0. Slope and curvature leave a constant `factor` for
/// u.
template <class V> struct PointJet {
    V value, weighted, slope, curvature;
};

/// s / T, and w s / T, which is infinite only if the result is too large.
template <class V> struct Unchanged {
    RANKGRAD_INLINE V operator()(V s) const { return s; }
    RANKGRAD_INLINE V product(V w, V s) const { return w * s; }
};
template <class V> struct Divided {
    V temperature;
    RANKGRAD_INLINE V operator()(V s) const { return s / temperature; }
    RANKGRAD_INLINE V product(V w, V s) const {
        return select(temperature < V(1), (w * s) / temperature, w * (s / temperature));
    }
};

/// max(z, 0) - z y + log(1 + e^-|z|), labels clipped to [0, 1] before: slope p - y = (1 - y) p - y q, curvature p q.
struct SigmoidCrossEntropy {
    static constexpr const char* name = "sigmoid_cross_entropy";
    static constexpr double float_range = 40, factor = 1;  // of |z|: e^-|z| keeps its digits when it is weighed
    template <class Z, class V> static RANKGRAD_INLINE PointJet<V> eval(Z over_temperature, V s, V y, V w, V u) {
        const V e = exp_negative(-abs(over_temperature(s)));
        const V p_large = V(1) / (V(1) + e);
        const V p_small = e * p_large;
        const auto positive = s > V(0);
        const V p = select(positive, p_large, p_small), q = select(positive, p_small, p_large);
        // z (1 - y) for positive and -z y for negative z: both products are at least 0. z itself may be infinite.
        const V linear = select(positive, s * (V(1) - y), -s * y), rest = log1p(e);
        return {over_temperature(linear) + rest, over_temperature.product(w, linear) + w * rest,
                u * ((V(1) - y) * p - y * q), p_small * p_large};
    }
};

/// (z - y)^2, in double: the difference may cancel.
struct SquaredError {
    static constexpr const char* name = "squared_error";
    static constexpr double float_range = -1, factor = 2;
    template <class Z, class V> static RANKGRAD_INLINE PointJet<V> eval(Z over_temperature, V s, V y, V w, V u) {
        const V most(kLargestDouble);
        const V z = over_temperature(s), error = min(max(z, -most), most) - y;
        // Weights come before the square, which may be infinite, as may z: y is nothing beside such a one.
        const auto lost = abs(z) > most;
        const V weighted = select(lost, over_temperature.product(w, s), w * error);
        return {error * error, weighted * error, select(lost, over_temperature.product(u, s), u * error), V(1)};
    }
};

template <class Point, class T, PairMode mode> struct PointwiseSum {
    using V = Lanes<T>;

    static double call(const ListJob<T>& job) {
        return job.temperature == 1 ? add(job, Unchanged<V>()) : add(job, Divided<V>{V(job.temperature)});
    }

    template <class Z> static RANKGRAD_INLINE double add(const ListJob<T>& job, Z over_temperature) {
        double total = 0;
        for (std::int32_t k = 0; k < job.n; k += V::count) {
            const V weight = V::load(job.weight + k);
            const PointJet<V> jet = Point::eval(over_temperature, V::load(job.score + k), V::load(job.target + k),
                                                weight, V(Point::factor * job.scale) * weight);
            if constexpr (with_value(mode)) {
                jet.value.store(job.value + k);
                total += sum(select(first_lanes<T>(job.n - k), jet.weighted, V(0)));
            }
            if constexpr (mode == kHessVector) {
                (V(Point::factor * job.scale) * weight * jet.curvature * V::load(job.vector + k)).store(job.grad + k);
            } else if constexpr (mode != kValue) {
                jet.slope.store(job.grad + k);
            }
            if constexpr (with_hess(mode)) {
                const V h = V(Point::factor * job.curvature_scale) * weight * jet.curvature;
                (mode == kGradPositiveHess ? max(h, V(0)) : h).store(job.hess + k);
            }
        }
        return total;
    }
};

template <class Point> struct PointwiseLoss : ListLoss {
    static constexpr const char* name = Point::name;
    static constexpr bool per_item = true;
    static constexpr double float_range = Point::float_range;
    template <class T, PairMode mode> static constexpr ListSum<T> sum() {
        if constexpr (sizeof(T) == sizeof(float) && Point::float_range < 0) return nullptr;
        else return &PointwiseSum<Point, T, mode>::call;
    }
};

using PointwiseLosses = List<PointwiseLoss<SigmoidCrossEntropy>, PointwiseLoss<SquaredError>>;

}  // namespace
}  // namespace rankgrad
