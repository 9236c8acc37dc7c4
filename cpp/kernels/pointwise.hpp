// Pointwise losses: each item on its own, z the score over the temperature, y the label, w the weight.
#pragma once

#include "kernels/kernel_table.hpp"
#include "kernels/lane_sums.hpp"
#include "kernels/vector_math.hpp"

namespace rankgrad {
namespace {

template <class V> struct PointJet {
    V value, slope, curvature;
};

/// max(z, 0) - z y + log(1 + e^-|z|), labels clipped to [0, 1] before: slope p - y = (1 - y) p - y q, curvature p q.
struct SigmoidCrossEntropy {
    static constexpr const char* name = "sigmoid_cross_entropy";
    static constexpr double float_range = 40;  // of |z|: e^-|z| keeps its digits when it is weighed
    template <class V> static PointJet<V> eval(V z, V y) {
        const V e = exp_negative(-abs(z));
        const V p_large = V(1) / (V(1) + e);
        const V p_small = e * p_large;
        const auto positive = z > V(0);
        const V p = select(positive, p_large, p_small), q = select(positive, p_small, p_large);
        // z (1 - y) for positive and -z y for negative z: both products are at least 0.
        const V linear = select(positive, z * (V(1) - y), -z * y);
        return {linear + log1p(e), (V(1) - y) * p - y * q, p_small * p_large};
    }
};

/// (z - y)^2, in double: the difference may cancel.
struct SquaredError {
    static constexpr const char* name = "squared_error";
    static constexpr double float_range = -1;
    template <class V> static PointJet<V> eval(V z, V y) {
        const V error = z - y;
        return {error * error, V(2) * error, V(2)};
    }
};

template <class Point, class T, PairMode mode> struct PointwiseSum {
    using V = Lanes<T>;

    static double call(const ListJob<T>& job) {
        double total = 0;
        for (std::int32_t k = 0; k < job.n; k += V::count) {
            const PointJet<V> jet = Point::eval(V::load(job.score + k), V::load(job.target + k));
            const V weight = V::load(job.weight + k);
            if constexpr (mode == kValue || mode == kValueGrad) {
                jet.value.store(job.value + k);
                total += sum(select(first_lanes<T>(job.n - k), weight * jet.value, V(0)));
            }
            if constexpr (mode == kHessVector) {
                (V(job.scale) * weight * jet.curvature * V::load(job.vector + k)).store(job.grad + k);
            } else if constexpr (mode != kValue) {
                (V(job.scale) * weight * jet.slope).store(job.grad + k);
            }
            if constexpr (mode == kGradHess || mode == kGradPositiveHess) {
                const V h = weight * jet.curvature;
                (V(job.curvature_scale) * (mode == kGradPositiveHess ? max(h, V(0)) : h)).store(job.hess + k);
            }
        }
        return total;
    }
};

template <class Point> struct PointwiseLoss {
    static constexpr const char* name = Point::name;
    static constexpr ItemOrder order = kByPosition;
    static constexpr bool per_item = true;
    static constexpr double float_range = Point::float_range;
    static constexpr int work_arrays = 0, work_arrays_along_vector = 0;
    template <class T, PairMode mode> static constexpr ListSum<T> sum() {
        if constexpr (sizeof(T) == sizeof(float) && Point::float_range < 0) return nullptr;
        else return &PointwiseSum<Point, T, mode>::call;
    }
};

}  // namespace
}  // namespace rankgrad
