// The items that a pass of lambda/expansion_scan.hpp has seen, as sources of potentials: moments of the last bins, exponentials of all
// bins before.
#pragma once

#include "kernels/expansion/expansion_tables.hpp"

namespace rankgrad {
namespace {

/// What a mode sums, at most two functions; the upper group's items as rows, the lower group's as columns.
struct ScanFunctions {
    int count;
    PairFunction at[2];
};
constexpr ScanFunctions kScanFunctions[kPairModes] = {{1, {kPhi, kPhi}},
                                                      {2, {kPhi, kPhiSlope}},
                                                      {2, {kPhiSlope, kPhiCurvature}},
                                                      {2, {kPhiSlope, kPhiPositiveCurvature}},
                                                      {1, {kPhiCurvature, kPhiCurvature}}};

/// The items of one group that a pass has seen. Places of the upper group and of its targets are mirrored, x = -score, so
/// that the lower group's margins are x_i - x_j too; that turns the sign of the odd polynomials.
template <int nodes, int functions, int discounts> class PassedItems {
    using Tables = ExpansionTables<nodes>;
    using V = Lanes<double>;
    static constexpr int registers = nodes / V::count;
    static constexpr int odd = nodes / 2;  ///< elements of the basis from here on are odd
    static constexpr int slots = Tables::near + 1;
    static constexpr int most = 2 * discounts;

    const Tables& tables_;
    const RankScanJob& job_;
    const bool mirrored_;
    const int direction_;  ///< +1: the items passed have lower x, margins are positive
    int first_ = 0;        ///< slot of the current bin
    bool filled_[slots] = {};
    bool any_far_ = false;
    double moment_[slots][most][nodes];
    V far_[most][registers];
    double count_[most], distance_[most], place_[most];  ///< of the linear part: sums of 1, bins' distance, places

    int slot(int distance) const { return (first_ + distance) % slots; }

    void clear(int s) {
        filled_[s] = false;
        for (int d = 0; d < job_.gains * discounts; ++d)
            for (int a = 0; a < nodes; ++a) moment_[s][d][a] = 0;
    }

    /// The bin that is too far away now becomes exponentials.
    void to_far(int s) {
        const auto& by_element = direction_ > 0 ? tables_.rise_by_element : tables_.fall_by_element;
        for (int d = 0; d < job_.gains * discounts; ++d) {
            const double* moment = moment_[s][d];
            V total[registers];
            for (int r = 0; r < registers; ++r) total[r] = V(0);
            for (int a = 0; a < nodes; ++a) {
                const V source(mirrored_ && a >= odd ? -moment[a] : moment[a]);
                for (int r = 0; r < registers; ++r)
                    total[r] = multiply_add(source, V::load(by_element[a] + r * V::count), total[r]);
            }
            for (int r = 0; r < registers; ++r)
                far_[d][r] = multiply_add(total[r], V::load(tables_.jump + r * V::count), far_[d][r]);
            distance_[d] += moment[0] * (slots * Tables::width);
            count_[d] += moment[0];
            place_[d] += mirrored_ ? -moment[odd] : moment[odd];
        }
        any_far_ = true;
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
                        const double* row = tables_.pair[kScanFunctions[job_.mode].at[f]][table][a];
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
            for (int f = 0; f < functions; ++f) {
                double term[nodes];
                for (int r = 0; r < registers; ++r)
                    (far_[gain * discounts + d][r] *
                     V::load(coefficient[kScanFunctions[job_.mode].at[f]] + r * V::count))
                        .store(term + r * V::count);
                for (int k = 0; k < nodes; ++k)
                    for (int r = 0; r < registers; ++r)
                        total[d][f][r] =
                            multiply_add(V(term[k]), V::load(to_elements[k] + r * V::count), total[d][f][r]);
            }
    }
    void add_line(int d, int function, double* out) const {
        const double constant = tables_.left_constant[function], slope = tables_.left_slope[function];
        constexpr double half = Tables::width / 2;
        out[0] += constant * count_[d] - slope * (distance_[d] + half * place_[d]);
        out[odd] += slope * half * count_[d];
    }

public:
    /// [gain][discount density][function]
    using Potentials = double[2][discounts][functions][nodes];

    PassedItems(const RankScanJob& job, bool mirrored, bool downwards)
        : tables_(*reinterpret_cast<const Tables*>(job.tables)), job_(job), mirrored_(mirrored),
          direction_(mirrored == downwards ? 1 : -1) {
        for (int s = 0; s < slots; ++s) clear(s);
        for (int d = 0; d < most; ++d) {
            for (int r = 0; r < registers; ++r) far_[d][r] = V(0);
            count_[d] = distance_[d] = place_[d] = 0;
        }
    }

    /// The pass goes on by one bin.
    void next_bin() {
        if (any_far_)
            for (int d = 0; d < job_.gains * discounts; ++d) {
                for (int r = 0; r < registers; ++r) {
                    const V shrunk = far_[d][r] * V::load(tables_.decay + r * V::count);
                    far_[d][r] = select(abs(shrunk) > V::load(tables_.smallest + r * V::count), shrunk, V(0));
                }
                distance_[d] += count_[d] * Tables::width;
            }
        const int oldest = slot(slots - 1);
        if (filled_[oldest]) to_far(oldest);
        clear(oldest);
        first_ = oldest;
    }

    /// The reference discount moves by `step`.
    void move_reference(double step) {
        if (discounts == 1 || step == 0) return;
        for (int gain = 0; gain < job_.gains; ++gain) {
            const int d = gain * discounts;
            for (int s = 0; s < slots; ++s)
                for (int a = 0; filled_[s] && a < nodes; ++a) moment_[s][d + 1][a] += step * moment_[s][d][a];
            if (!any_far_) continue;
            for (int r = 0; r < registers; ++r) far_[d + 1][r] += V(step) * far_[d][r];
            count_[d + 1] += step * count_[d];
            distance_[d + 1] += step * distance_[d];
            place_[d + 1] += step * place_[d];
        }
    }

    /// Item k joins; `gap` is the distance of its discount from the reference.
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
        bool any = any_far_;
        for (const bool filled : filled_) any = any || filled;
        if (!any) return false;
        for (int gain = 0; gain < job_.gains; ++gain) {
            V total[discounts][functions][registers];
            for (auto& of_density : total)
                for (auto& of_function : of_density)
                    for (V& x : of_function) x = V(0);
            near_potentials(gain, total);
            if (any_far_) far_potentials(gain, total);
            for (int d = 0; d < discounts; ++d)
                for (int f = 0; f < functions; ++f) {
                    double* x = out[gain][d][f];
                    for (int r = 0; r < registers; ++r) total[d][f][r].store(x + r * V::count);
                    if (any_far_ && direction_ < 0) add_line(gain * discounts + d, kScanFunctions[job_.mode].at[f], x);
                    for (int a = odd; mirrored_ && a < nodes; ++a) x[a] = -x[a];
                }
        }
        return true;
    }
};

}  // namespace
}  // namespace rankgrad
