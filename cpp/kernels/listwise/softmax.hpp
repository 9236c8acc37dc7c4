// Softmax cross-entropy of a list and its Poly1 form, in two sweeps.
//
// With targets t (labels times weights), Y = sum t, z the scores over the temperature, p = softmax(z), q = 1 - p:
//   L = sum_k t_k (log sum_j e^z_j - z_k),   g = Y p - t,   h = Y p q,   H v = Y p (v - sum p v)
// Poly1 adds epsilon (1 - pt), pt = sum yhat p, yhat = t / Y (uniform if Y = 0) [Leng et al., PolyLoss, 2022]:
//   g -= epsilon p (yhat - pt),   h -= epsilon p (yhat - pt) (1 - 2 p)
//
// e = e^(z - max z), so Z = sum e = 1 + others, where `others` is summed without one of the largest items. Then
// q = (others + (1 - e)) / Z and g = (Y - t) p - t q are sums of exact differences: p near 1 loses no digits. Y - t is
// (max t - t) + the sum of the other targets, which may be any times smaller.
#pragma once

#include "kernels/listwise/list_loss.hpp"
#include "kernels/simd/lane_sums.hpp"
#include "kernels/simd/vector_math.hpp"

namespace rankgrad {
namespace {

constexpr int kFlushRegisters = 64;  // terms a lane adds before it is flushed to double

/// y log(1 + others) + cross. Compiled once, so that a value is the same with derivatives and without.
RANKGRAD_NOINLINE inline double cross_entropy(double y, double others, double cross) {
    // log1p of one number: from the vector function, so that all levels have the same formula.
    double lanes[Lanes<double>::count];
    log1p(Lanes<double>(others)).store(lanes);
    return y * lanes[0] + cross;
}

template <class T, PairMode mode, bool poly> class SoftmaxSum {
    using V = Lanes<T>;
    static constexpr bool with_value = rankgrad::with_value(mode), with_hess = rankgrad::with_hess(mode);
    static constexpr bool along_vector = mode == kHessVector;

    struct Sums {
        double smaller = 0, largest = 0, cross = 0, hit = 0, miss = 0, vector = 0, target_vector = 0;
    };
    struct Part {
        V smaller{0}, largest{0}, cross{0}, hit{0}, miss{0}, vector{0}, target_vector{0};
    };

    const ListJob<T>& job_;
    Sums sums_;
    double others_ = 0;
    double vector_centre_ = 0;  ///< v of the largest item: v - mean v then cancels nowhere

    /// e into grad, and the terms of the sums.
    template <bool partial> RANKGRAD_INLINE void add(Part& part, std::int32_t k) const {
        V gap = V::load(job_.score + k) - V(job_.high);
        // Finite, so that a target of 0 times it is 0.
        if constexpr (sizeof(T) == sizeof(double)) gap = max(gap * V(job_.per_temperature), V(-kLargestDouble));
        V target = V::load(job_.target + k);
        V inside(1);
        if constexpr (partial) {
            const auto mask = first_lanes<T>(job_.n - k);
            gap = select(mask, gap, V(-1));
            target = select(mask, target, V(0));
            inside = select(mask, inside, V(0));
        }
        V e = sizeof(T) == sizeof(float) ? exp_inside(gap) : exp_negative(gap);  // float: within float_range
        if constexpr (partial) e = e * inside;
        e.store(job_.grad + k);
        const auto is_smaller = gap < V(0);
        part.smaller += select(is_smaller, e, V(0));
        part.largest += select(is_smaller, V(0), V(1));
        if constexpr (with_value) part.cross -= target * gap;
        if constexpr (poly) {
            part.hit = multiply_add(target, e, part.hit);
            part.miss = multiply_add(target, inside - e, part.miss);
        }
        if constexpr (along_vector) {
            const V ev = e * select(inside > V(0), V::load(job_.vector + k) - V(vector_centre_), V(0));
            part.vector += ev;
            if constexpr (poly) part.target_vector = multiply_add(target, ev, part.target_vector);
        }
    }

    void flush(const Part& part) {
        sums_.smaller += sum(part.smaller);
        sums_.largest += sum(part.largest);
        if constexpr (with_value) sums_.cross += sum(part.cross);
        if constexpr (poly) {
            sums_.hit += sum(part.hit);
            sums_.miss += sum(part.miss);
        }
        if constexpr (along_vector) sums_.vector += sum(part.vector);
        if constexpr (along_vector && poly) sums_.target_vector += sum(part.target_vector);
    }

    /// What the second sweep multiplies with.
    struct Factors {
        V others, inverse, targets, largest_target, other_targets, scale, curvature_scale, epsilon, uniform,
            inverse_targets, pt, mean, pt_along;
    };

    RANKGRAD_INLINE void derive(const Factors& f, std::int32_t k) const {
        const V e = V::load(job_.grad + k);
        const V target = V::load(job_.target + k);
        const V p = e * f.inverse;
        const V q = (f.others + (V(1) - e)) * f.inverse;
        [[maybe_unused]] const V off = poly ? multiply_add(target, f.inverse_targets, f.uniform) - f.pt : V(0);
        if constexpr (along_vector) {
            const V change = p * (V::load(job_.vector + k) - V(vector_centre_) - f.mean);  // of p
            V product = f.targets * change;
            if constexpr (poly) product -= f.epsilon * (change * off - p * f.pt_along);
            (product * f.scale).store(job_.grad + k);
            return;
        }
        V g = ((f.largest_target - target) + f.other_targets) * p - target * q;
        if constexpr (poly) g -= f.epsilon * p * off;
        (g * f.scale).store(job_.grad + k);
        if constexpr (with_hess) {
            V h = f.targets * p * q;
            if constexpr (poly) h -= f.epsilon * p * off * (q - p);
            if constexpr (mode == kGradPositiveHess) h = max(h, V(0));
            (h * f.curvature_scale).store(job_.hess + k);
        }
    }

    double epsilon() const { return poly ? job_.parameters[0] : 0; }
    double targets() const { return job_.targets.largest + job_.targets.rest; }

    Factors factors(double z) const {
        const double y = targets();
        const double mean = sums_.vector / z;
        const double pt = y != 0 ? sums_.hit / (y * z) : 1.0 / job_.n;
        const double along = y != 0 ? (sums_.target_vector - mean * sums_.hit) / (y * z) : 0;
        return {V(others_),
                V(1 / z),
                V(y),
                V(job_.targets.largest),
                V(job_.targets.rest),
                V(job_.scale),
                V(job_.curvature_scale),
                V(epsilon()),
                V(y != 0 ? 0 : 1.0 / job_.n),
                V(y != 0 ? 1 / y : 0),
                V(pt),
                V(mean),
                V(along)};
    }

    double value(double z) const {
        const double y = targets();
        double loss = cross_entropy(y, others_, sums_.cross);
        if constexpr (poly) loss += epsilon() * (y != 0 ? others_ / z + sums_.miss / (y * z) : 1 - 1.0 / job_.n);
        return loss;
    }

    double run() {
        std::int32_t k = 0;
        if constexpr (along_vector) {
            while (job_.score[k] != job_.high) ++k;
            vector_centre_ = static_cast<double>(job_.vector[k]);
            k = 0;
        }
        while (k < job_.n) {
            Part part;
            for (int r = 0; r < kFlushRegisters && k + V::count <= job_.n; ++r, k += V::count) add<false>(part, k);
            if (k < job_.n && k + V::count > job_.n) {
                add<true>(part, k);
                k = job_.n;
            }
            flush(part);
        }
        others_ = sums_.smaller + (sums_.largest - 1);
        const double z = 1 + others_;
        if constexpr (mode != kValue) {
            const Factors f = factors(z);
            for (k = 0; k < job_.n; k += V::count) derive(f, k);
        }
        return with_value ? value(z) : 0;
    }

    explicit SoftmaxSum(const ListJob<T>& job) : job_(job) {}

public:
    static double call(const ListJob<T>& job) { return SoftmaxSum(job).run(); }
};

struct Softmax : ListLoss {
    static constexpr const char* name = "softmax";
    static constexpr bool splits_target = true;
    static constexpr double float_range = 16;  // rounding z - max z in float costs at most 5e-7 of e^(z - max z)
    template <class T, PairMode mode> static constexpr ListSum<T> sum() { return &SoftmaxSum<T, mode, false>::call; }
};
struct Poly1Softmax : Softmax {
    static constexpr const char* name = "poly1_softmax";
    static constexpr Parameter parameters[kMostParameters] = {{"epsilon", 1.0, kFactorOfTerm}};
    template <class T, PairMode mode> static constexpr ListSum<T> sum() { return &SoftmaxSum<T, mode, true>::call; }
};

using SoftmaxLosses = List<Softmax, Poly1Softmax>;

}  // namespace
}  // namespace rankgrad
