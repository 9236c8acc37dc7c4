// The near-linear sum over the pairs between two groups of items, lower and upper, with weights that know who of a pair is
// ranked above the other: |g_i - g_j| |D_i - D_j| K(x_i - x_j), K a function of expansion_tables.hpp.
//
// Items come in chunks in the order of the scores, each chunk inside one bin. A pass walks along the chunks and keeps the
// moments of all items passed: those of the last `near` bins as they are, all others as running sums of exponentials. Each
// chunk first takes its sums from the potentials that these make in its bin, then joins them. One pass from the best item
// down and one from the worst up see each pair of two chunks once for each of its items; pairs inside a chunk are not seen.
//
// On a pass the sign of D_i - D_j is known, and with c the discount of the last item passed
//   |D_i - D_j| = |D_i - c| + |c - D_j|,
// so that two densities, 1 and |c - D_j|, do, and nothing cancels: when c moves on, the second grows by a multiple of the
// first. Likewise for gains: with a gain between those of the two groups |g_i - g_j| is a sum of two positive factors, or
// one of them where one group has one gain only. Errors are so relative to the sum of the absolute terms.
#pragma once

#include "kernels/expansion_tables.hpp"

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

template <int nodes, int functions, int discounts> class RankScan {
    using Passed = PassedItems<nodes, functions, discounts>;
    using V = Lanes<double>;
    static constexpr int registers = nodes / V::count;
    const RankScanJob& job_;

    RANKGRAD_INLINE BinPolynomials<nodes> at(std::int32_t k) const {
        return {job_.place[k], BinPolynomials<nodes>::bend(job_.place[k])};
    }

    /// Items [begin, end) take their sums; c is the reference discount.
    void take(const typename Passed::Potentials& potential, std::int32_t begin, std::int32_t end, double c) {
        for (std::int32_t k = begin; k < end; ++k) {
            const BinPolynomials<nodes> basis = at(k);
            const double gap = job_.discount[k] > c ? job_.discount[k] - c : c - job_.discount[k];
            for (int f = 0; f < functions; ++f) {
                V series[registers];
                for (int r = 0; r < registers; ++r) series[r] = combined(potential[0], f, r, gap);
                if (job_.gains == 1) {
                    for (int r = 0; r < registers; ++r) series[r] = V(job_.factor[k]) * series[r];
                } else {
                    for (int r = 0; r < registers; ++r)
                        series[r] = multiply_add(V(job_.factor[k]), series[r], combined(potential[1], f, r, gap));
                }
                V total = basis.element[0] * series[0];
                for (int r = 1; r < registers; ++r) total = multiply_add(basis.element[r], series[r], total);
                job_.out[f][k] += sum(total);
            }
        }
    }
    static RANKGRAD_INLINE V combined(const double (&potential)[discounts][functions][nodes], int f, int r,
                                      double gap) {
        const V plain = V::load(potential[0][f] + r * V::count);
        if constexpr (discounts == 1) return plain;
        else return multiply_add(V(gap), plain, V::load(potential[discounts - 1][f] + r * V::count));
    }

    void pass(bool downwards) {
        Passed lower(job_, false, downwards), upper(job_, true, downwards);
        const std::int32_t n = job_.n_chunks;
        std::int32_t bin = job_.chunks[downwards ? 0 : n - 1].bin;
        double c = downwards ? job_.chunks[0].best : job_.chunks[n - 1].worst;
        typename Passed::Potentials potential;
        for (std::int32_t q = 0; q < n; ++q) {
            const RankChunk& chunk = job_.chunks[downwards ? q : n - 1 - q];
            for (; bin != chunk.bin; bin += downwards ? -1 : 1) {
                lower.next_bin();
                upper.next_bin();
            }
            if (chunk.middle < chunk.end && lower.make_potentials(potential))
                take(potential, chunk.middle, chunk.end, c);
            if (chunk.begin < chunk.middle && job_.mode != kValue && upper.make_potentials(potential))
                take(potential, chunk.begin, chunk.middle, c);
            const double next = downwards ? chunk.worst : chunk.best, step = next > c ? next - c : c - next;
            lower.move_reference(step);
            upper.move_reference(step);
            c = next;
            join(chunk, lower, upper, c);
        }
    }
    void join(const RankChunk& chunk, Passed& lower, Passed& upper, double c) {
        for (std::int32_t k = chunk.begin; k < (job_.mode == kValue ? chunk.middle : chunk.end); ++k) {
            const double gap = job_.discount[k] > c ? job_.discount[k] - c : c - job_.discount[k];
            (k < chunk.middle ? lower : upper).add(k, gap, at(k));
        }
    }

public:
    explicit RankScan(const RankScanJob& job) : job_(job) {}

    void run() {
        pass(true);
        pass(false);
    }
};

template <int nodes> void rank_scan(const RankScanJob& job) {
    const bool two = kScanFunctions[job.mode].count == 2;
    if (job.ranked && two) RankScan<nodes, 2, 2>(job).run();
    else if (job.ranked) RankScan<nodes, 1, 2>(job).run();
    else if (two) RankScan<nodes, 2, 1>(job).run();
    else RankScan<nodes, 1, 1>(job).run();
}

}  // namespace
}  // namespace rankgrad
