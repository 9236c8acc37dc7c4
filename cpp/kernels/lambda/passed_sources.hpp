// The items that a pass of expansion_scan.hpp has visited, as sources of potentials: moments of the last bins, a far
// field of all bins before.
#pragma once

#include "kernels/contract/lambda.hpp"
#include "kernels/expansion/far_field.hpp"

namespace rankgrad {
namespace {

/// The items of one group that a pass has visited. Places of the upper group and of its targets are mirrored, x =
/// -score, so that the lower group's margins are x_i - x_j, too; this reverses the sign of the odd polynomials.
template <int nodes, int functions, int discounts> class PassedSources {
    using Tables = ExpansionTables<nodes>;
    using V = Lanes<double>;
    using Far = FarField<nodes, 2 * discounts>;
    static constexpr int registers = nodes / V::count;
    static constexpr int odd = nodes / 2;  ///< elements of the basis from here on are odd
    static constexpr int slots = Tables::near + 1;
    static constexpr int most = 2 * discounts;

    const Tables& tables_;
    const ScanJob& job_;
    const PassFunctions functions_;  ///< the upper group's items as rows, the lower group's as columns
    const bool mirrored_;
    const int direction_;  ///< +1: the items passed have lower x, margins are positive
    int first_ = 0;        ///< slot of the current bin
    bool filled_[slots] = {};
    double moment_[slots][most][nodes];
    Far far_;

    /// Up to so many bins are passed one by one.
    static constexpr int most_walked = 16;

    int slot(int distance) const { return (first_ + distance) % slots; }

    void clear(int s) {
        filled_[s] = false;
        for (int d = 0; d < job_.gains * discounts; ++d)
            for (int a = 0; a < nodes; ++a) moment_[s][d][a] = 0;
    }

    /// Moves the oldest near bin into the far field.
    void to_far(int s) {
        const auto& by_element = direction_ > 0 ? tables_.rise_by_element : tables_.fall_by_element;
        V terms[registers], jump[registers];
        for (int r = 0; r < registers; ++r) jump[r] = V::load(tables_.jump + r * V::count);
        for (int d = 0; d < job_.gains * discounts; ++d) {
            const double* moment = moment_[s][d];
            Far::exponentials(moment, mirrored_, by_element, terms);
            far_.add(d, terms, jump, slots, moment[0], mirrored_ ? -moment[odd] : moment[odd]);
        }
    }

    void near_potentials(int gain, V (&total)[discounts][functions][registers]) const {
        for (int distance = 0; distance < slots; ++distance) {
            const int s = slot(distance);
            if (!filled_[s]) continue;
            const int table = Tables::near + direction_ * distance;
            for (int a = 0; a < nodes; ++a)
                for (int d = 0; d < discounts; ++d) {
                    const double moment = moment_[s][gain * discounts + d][a];
                    const V source(mirrored_ && a >= odd ? -moment : moment);
                    for (int f = 0; f < functions; ++f) {
                        const double* row = tables_.pair[functions_.at[f]][table][a];
                        for (int r = 0; r < registers; ++r)
                            total[d][f][r] = multiply_add(source, V::load(row + r * V::count), total[d][f][r]);
                    }
                }
        }
    }
    void far_potentials(int gain, V (&total)[discounts][functions][registers]) const {
        const auto& coefficient = direction_ > 0 ? tables_.right : tables_.left;
        const auto& to_elements = direction_ > 0 ? tables_.fall : tables_.rise;
        for (int d = 0; d < discounts; ++d)
            for (int f = 0; f < functions; ++f)
                far_.add_exponentials(gain * discounts + d, coefficient[functions_.at[f]], to_elements, total[d][f]);
    }

public:
    /// [gain][discount density][function]
    using Potentials = double[2][discounts][functions][nodes];

    PassedSources(const ScanJob& job, bool mirrored, bool downwards)
        : tables_(*reinterpret_cast<const Tables*>(job.tables)), job_(job), functions_(pass_functions(job.mode)),
          mirrored_(mirrored), direction_(mirrored == downwards ? 1 : -1) {
        for (int s = 0; s < slots; ++s) clear(s);
    }

    /// Advances to another bin, a whole number of widths away unless it is far. A leap leaves no bin near.
    void advance(double widths) {
        const bool walks = widths <= most_walked && widths == static_cast<int>(widths);
        const int walked = walks ? static_cast<int>(widths) : slots;
        for (int k = 0; k < walked; ++k) next_bin();
        if (walks || !far_.any) return;
        far_.drop_small(widths);
        V decay[registers];
        tables_.powers(widths - walked, decay, far_.live);
        for (int d = 0; d < job_.gains * discounts; ++d) {
            far_.recede(d, decay, widths - walked);
            far_.flush_denormals(d, tables_);
        }
    }

private:
    /// Advances by one bin.
    void next_bin() {
        V decay[registers];
        for (int r = 0; r < registers; ++r) decay[r] = V::load(tables_.decay + r * V::count);
        for (int d = 0; far_.any && d < job_.gains * discounts; ++d) {
            far_.recede(d, decay, 1);
            far_.flush_denormals(d, tables_);
        }
        const int oldest = slot(slots - 1);
        if (filled_[oldest]) to_far(oldest);
        clear(oldest);
        first_ = oldest;
    }

public:
    /// The reference discount moves by `step`.
    void move_reference(double step) {
        if (discounts == 1 || step == 0) return;
        for (int gain = 0; gain < job_.gains; ++gain) {
            const int d = gain * discounts;
            for (int s = 0; s < slots; ++s)
                for (int a = 0; filled_[s] && a < nodes; ++a) moment_[s][d + 1][a] += step * moment_[s][d][a];
            if (far_.any) far_.add_multiple(d + 1, step, d);
        }
    }

    /// Adds item k; `gap` is the distance of its discount from the reference.
    RANKGRAD_INLINE void add(std::int32_t k, double gap, const BinPolynomials<nodes>& basis) {
        filled_[first_] = true;
        double source = job_.strength[k];
        if (job_.gains == 1) source *= job_.factor[k];
        for (int gain = 0; gain < job_.gains; ++gain) {
            basis.add_to_moments(source, moment_[first_][gain * discounts]);
            if constexpr (discounts == 2) basis.add_to_moments(source * gap, moment_[first_][gain * discounts + 1]);
            source *= job_.factor[k];
        }
    }

    bool make_potentials(Potentials& out) const {
        bool any = far_.any;
        for (const bool filled : filled_) any = any || filled;
        if (!any) return false;
        for (int gain = 0; gain < job_.gains; ++gain) {
            V total[discounts][functions][registers];
            for (auto& of_density : total)
                for (auto& of_function : of_density)
                    for (V& x : of_function) x = V(0);
            near_potentials(gain, total);
            if (far_.any) far_potentials(gain, total);
            for (int d = 0; d < discounts; ++d)
                for (int f = 0; f < functions; ++f) {
                    double* x = out[gain][d][f];
                    for (int r = 0; r < registers; ++r) total[d][f][r].store(x + r * V::count);
                    if (far_.any && direction_ < 0) far_.add_line(gain * discounts + d, tables_, functions_.at[f], x);
                    for (int a = odd; mirrored_ && a < nodes; ++a) x[a] = -x[a];
                }
        }
        return true;
    }
};

}  // namespace
}  // namespace rankgrad
