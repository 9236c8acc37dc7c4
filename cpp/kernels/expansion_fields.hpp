// The densities of sources in bins of scores, and the potentials that they make: the engine room of expansion.hpp.
//
// A density holds for each bin the Chebyshev moments sum_j source_j T_a(u_j) of the items passed so far. The potential of a
// function in a bin is a Chebyshev series in the place t of an item: from bins at most `near` away by the tables between
// bins, from all others by running sums of exponentials (one factor e^-kh per bin) and of a linear part. A potential is
// made for wanted bins only; empty bins cost nothing but their step of the running sums.
#pragma once

#include "kernels/expansion_tables.hpp"

namespace rankgrad {
namespace {

/// `functions`: how many; `Functions::at(f)`: which. `densities`: each function of each density is one output.
template <int nodes, int densities, int functions, class Functions> class ExpansionFields {
    using Tables = ExpansionTables<nodes>;
    using V = Lanes<double>;
    static constexpr int registers = nodes / V::count;
    static constexpr int terms = Tables::terms;
    static constexpr int outputs = functions * densities;

    const Tables& tables_;
    const std::int32_t n_bins_;
    double *density_, *rising_, *falling_, *potential_;
    std::int32_t *filled_, *wanted_;

    struct Tail {
        V sum[densities][registers];
        double count[densities], distance[densities], place[densities];  // of the linear part: sums of 1, (b' - b) h, u
        bool any = false;
    };

public:
    ExpansionFields(const Expansion& e)
        : tables_(*reinterpret_cast<const Tables*>(e.tables)), n_bins_(e.n_bins), density_(e.bins),
          rising_(density_ + std::int64_t{densities} * nodes * n_bins_),
          falling_(rising_ + std::int64_t{densities} * terms * n_bins_),
          potential_(falling_ + std::int64_t{densities} * terms * n_bins_), filled_(e.marks),
          wanted_(e.marks + n_bins_) {}

    double* density(std::int32_t bin, int d) { return density_ + (std::int64_t{bin} * densities + d) * nodes; }
    double* potential(std::int32_t bin, int output) {
        return potential_ + (std::int64_t{bin} * outputs + output) * nodes;
    }
    void fill(std::int32_t bin) { filled_[bin] = 1; }
    void want(std::int32_t bin) { wanted_[bin] = 1; }
    void want_all(std::int32_t want) {
        for (std::int32_t b = 0; b < n_bins_; ++b) wanted_[b] = want;
    }

    void make_potentials() {
        for (std::int32_t b = 0; b < n_bins_; ++b)
            if (wanted_[b]) near_field(b);
        if (n_bins_ <= Tables::near + 1) return;
        tail_from_below();
        tail_from_above();
    }

    /// To be called when the densities of the wanted bins have changed.
    void update_tails() {
        if (n_bins_ <= Tables::near + 1) return;
        for (std::int32_t b = 0; b < n_bins_; ++b) {
            if (!wanted_[b] || !filled_[b]) continue;
            for (int d = 0; d < densities; ++d) {
                const std::int64_t at = (std::int64_t{b} * densities + d) * terms;
                to_exponentials(density(b, d), tables_.rise_by_degree, rising_ + at);
                to_exponentials(density(b, d), tables_.fall_by_degree, falling_ + at);
            }
        }
    }

private:
    static void to_exponentials(const double* moment, const double (&by_degree)[nodes][terms], double* out) {
        V total[registers];
        for (int r = 0; r < registers; ++r) total[r] = V(0);
        for (int a = 0; a < nodes; ++a)
            for (int r = 0; r < registers; ++r)
                total[r] = multiply_add(V(moment[a]), V::load(by_degree[a] + r * V::count), total[r]);
        for (int r = 0; r < registers; ++r) total[r].store(out + r * V::count);
    }

    RANKGRAD_INLINE void near_field(std::int32_t b) {
        constexpr int chains =
            outputs * registers >= 8 ? 1 : 2;  // independent sums, to hide the latency of an addition
        V total[chains][outputs][registers];
        for (int c = 0; c < chains; ++c)
            for (int o = 0; o < outputs; ++o)
                for (int r = 0; r < registers; ++r) total[c][o][r] = V(0);
        for (int offset = -Tables::near; offset <= Tables::near; ++offset) {
            const std::int32_t source = b - offset;
            if (source < 0 || source >= n_bins_ || !filled_[source]) continue;
            for (int a = 0; a < nodes; a += chains)
                for (int c = 0; c < chains; ++c)
                    for (int d = 0; d < densities; ++d) {
                        const V moment(density(source, d)[a + c]);
                        for (int f = 0; f < functions; ++f) {
                            const double* row = tables_.pair[Functions::at(f)][Tables::near + offset][a + c];
                            V(&sum)[registers] = total[c][f * densities + d];
                            for (int r = 0; r < registers; ++r)
                                sum[r] = multiply_add(moment, V::load(row + r * V::count), sum[r]);
                        }
                    }
        }
        for (int o = 0; o < outputs; ++o)
            for (int r = 0; r < registers; ++r) {
                V sum = total[0][o][r];
                for (int c = 1; c < chains; ++c) sum += total[c][o][r];
                sum.store(potential(b, o) + r * V::count);
            }
    }

    void start(Tail& tail) const {
        for (int d = 0; d < densities; ++d) {
            for (int r = 0; r < registers; ++r) tail.sum[d][r] = V(0);
            tail.count[d] = tail.distance[d] = tail.place[d] = 0;
        }
    }
    /// One bin farther; the source bin (if it is one) comes into the far field.
    RANKGRAD_INLINE void advance(Tail& tail, std::int32_t source, const double* exponentials) {
        const bool adds = filled_[source] != 0;
        tail.any = tail.any || adds;
        if (!tail.any) return;
        for (int d = 0; d < densities; ++d) {
            const double* from = exponentials + (std::int64_t{source} * densities + d) * terms;
            for (int r = 0; r < registers; ++r) {
                const int k = r * V::count;
                V sum = tail.sum[d][r] * V::load(tables_.decay + k);
                if (adds) sum = multiply_add(V::load(from + k), V::load(tables_.jump + k), sum);
                tail.sum[d][r] = select(abs(sum) > V::load(tables_.smallest + k), sum, V(0));
            }
        }
    }
    RANKGRAD_INLINE void add_exponentials(const Tail& tail, std::int32_t b,
                                          const double (&coefficient)[kPairFunctions][terms],
                                          const double (&to_degrees)[terms][nodes]) {
        for (int f = 0; f < functions; ++f)
            for (int d = 0; d < densities; ++d) {
                double term[terms];
                for (int r = 0; r < registers; ++r)
                    (tail.sum[d][r] * V::load(coefficient[Functions::at(f)] + r * V::count)).store(term + r * V::count);
                double* out = potential(b, f * densities + d);
                V total[registers];
                for (int r = 0; r < registers; ++r) total[r] = V::load(out + r * V::count);
                for (int k = 0; k < terms; ++k)
                    for (int r = 0; r < registers; ++r)
                        total[r] = multiply_add(V(term[k]), V::load(to_degrees[k] + r * V::count), total[r]);
                for (int r = 0; r < registers; ++r) total[r].store(out + r * V::count);
            }
    }

    /// Sources far below: margins are positive.
    void tail_from_below() {
        Tail tail;
        start(tail);
        for (std::int32_t b = Tables::near + 1; b < n_bins_; ++b) {
            advance(tail, b - Tables::near - 1, rising_);
            if (tail.any && wanted_[b]) add_exponentials(tail, b, tables_.right, tables_.fall);
        }
    }
    /// Sources far above: margins are negative, -m = (b' - b) h + (u - t) h / 2.
    void tail_from_above() {
        Tail tail;
        start(tail);
        for (std::int32_t b = n_bins_ - Tables::near - 2; b >= 0; --b) {
            const std::int32_t source = b + Tables::near + 1;
            advance(tail, source, falling_);
            if (!tail.any) continue;
            for (int d = 0; d < densities; ++d) {
                const double* moment = density(source, d);
                tail.distance[d] += tail.count[d] * Tables::width + moment[0] * ((Tables::near + 1) * Tables::width);
                tail.count[d] += moment[0];
                tail.place[d] += moment[1];
            }
            if (!wanted_[b]) continue;
            add_exponentials(tail, b, tables_.left, tables_.rise);
            for (int f = 0; f < functions; ++f)
                for (int d = 0; d < densities; ++d)
                    add_line(tail, d, Functions::at(f), potential(b, f * densities + d));
        }
    }
    void add_line(const Tail& tail, int d, int function, double* out) const {
        const double constant = tables_.left_constant[function], slope = tables_.left_slope[function];
        constexpr double half = Tables::width / 2;
        out[0] += constant * tail.count[d] - slope * (tail.distance[d] + half * tail.place[d]);
        out[1] += slope * half * tail.count[d];
    }
};

}  // namespace
}  // namespace rankgrad
