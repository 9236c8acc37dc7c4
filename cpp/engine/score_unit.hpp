// What scores are counted in. Scores are never divided by the temperature, which would round each of them before they are
// subtracted: they are multiplied by a power of two, which is exact, and the rest of the temperature is the unit of margins.
#pragma once

#include <algorithm>
#include <cmath>

namespace rankgrad {

/// temperature = unit 2^exponent, unit in (1/2, 1]: a temperature that is a power of two leaves a unit of 1.
class ScoreUnit {
public:
    /// Differences of scores up to here fit a double.
    static constexpr double kLargest = 0x1p1021;

    explicit ScoreUnit(double temperature = 1.0) : temperature_(temperature) {
        std::frexp(temperature, &exponent_);
        if (std::ldexp(temperature, -exponent_) == 0.5) --exponent_;
        exponent_ = std::clamp(exponent_, -1000, 1000);
        set();
    }

    double unit() const { return unit_; }
    /// What scores are multiplied by.
    double factor() const { return factor_; }

    /// For a list with scores so large that their differences, so multiplied, do not fit.
    ScoreUnit for_scores_up_to(double largest) const {
        ScoreUnit smaller = *this;
        int exponent;
        std::frexp(largest, &exponent);
        smaller.exponent_ = exponent - 1020;
        smaller.set();
        return smaller;
    }

    /// What a sum of phi, of phi' and of phi'' over margins is multiplied by to be a value, a gradient and a Hessian. `degree` is
    /// that of the loss, whose sums are so many powers of the unit too large (kernels/pair_losses.hpp).
    double of_value(double scale, int degree) const { return scale / power(degree); }
    double of_grad(double scale, int degree) const {
        return degree == 0 ? scale / temperature_ : std::ldexp(scale / power(degree), -exponent_);
    }
    double of_hess(double scale, int degree) const {
        return degree == 0 ? scale / temperature_ / temperature_ : std::ldexp(scale / power(degree), -2 * exponent_);
    }

private:
    void set() {
        unit_ = std::ldexp(temperature_, -exponent_);
        factor_ = std::ldexp(1.0, -exponent_);
    }
    double power(int degree) const { return degree == 0 ? 1.0 : degree == 1 ? unit_ : unit_ * unit_; }

    double temperature_, unit_ = 1, factor_ = 1;
    int exponent_ = 0;
};

}  // namespace rankgrad
