// What scores are counted in. Scores are never divided by the temperature, which would round each of them before they
// are subtracted: they are multiplied by a power of two, which is exact, and the rest of the temperature is the unit of
// margins.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace rankgrad {

/// temperature = unit 2^exponent, unit in (1/2, 1]: a temperature that is a power of two leaves a unit of 1.
class ScoreUnit {
public:
    explicit ScoreUnit(double temperature = 1.0) : temperature_(temperature) {
        std::frexp(temperature, &exponent_);
        if (std::ldexp(temperature, -exponent_) == 0.5) --exponent_;
        exponent_ = std::clamp(exponent_, -1000, 1000);
        set();
    }

    double unit() const { return unit_; }
    /// What scores are multiplied by.
    double factor() const { return factor_; }

    /// The factor is a float, too.
    bool fits_float() const { return std::abs(exponent_) < 100; }

    /// Of scores from `low` to `high`, so multiplied, differences do not overflow, nor their powers up to the degree of
    /// a loss.
    bool fits(double low, double high, int degree) const { return exponent_ >= least_exponent(low, high, degree); }
    /// The largest unit for scores that do not fit this one.
    ScoreUnit for_scores(double low, double high, int degree) const {
        ScoreUnit smaller = *this;
        smaller.exponent_ = least_exponent(low, high, degree);
        smaller.set();
        return smaller;
    }

    /// A number that a double may be too small for: factor 2^exponent.
    struct Scale {
        double factor;
        int exponent;

        double number() const { return std::ldexp(factor, exponent); }
        /// Products with it lose nothing that they have.
        bool is_normal() const { return factor == 0 || std::isnormal(number()); }
    };
    /// What a sum of phi, of phi' and of phi'' over margins is multiplied by to be a value, a gradient and a Hessian.
    /// `degree` is that of the loss, whose sums are so many powers of the unit too large
    /// (kernels/losses/pair_losses.hpp).
    Scale of_value(double scale, int degree) const { return over_unit(scale, degree, 0); }
    Scale of_grad(double scale, int degree) const { return over_unit(scale, degree == 0 ? 1 : degree, -exponent_); }
    Scale of_hess(double scale) const { return over_unit(scale, 2, -2 * exponent_); }

private:
    void set() {
        unit_ = std::max(std::ldexp(temperature_, -exponent_), std::numeric_limits<double>::min());
        factor_ = std::ldexp(1.0, -exponent_);
    }
    /// The unit may be so small that its square is nothing.
    Scale over_unit(double scale, int power, int exponent) const {
        int of_unit;
        const double fraction = std::frexp(unit_, &of_unit);
        for (int k = 0; k < power; ++k) scale /= fraction;
        return {scale, exponent - power * of_unit};
    }
    static int least_exponent(double low, double high, int degree) {
        const auto exponent = [](double x) { return x == 0 ? -2000 : std::ilogb(x) + 1; };
        return std::max(exponent(0.5 * high - 0.5 * low) - (degree == 2 ? 490 : 1000),
                        exponent(std::max(-low, high)) - 1000);
    }

    double temperature_, unit_ = 1, factor_ = 1;
    int exponent_ = 0;
};

}  // namespace rankgrad
