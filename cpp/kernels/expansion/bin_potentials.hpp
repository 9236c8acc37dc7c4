// The densities of sources in bins of scores, and the potentials that they make: the engine room of the near-linear sums.
//
// A density holds for each bin the moments sum_j source_j B_a(u_j) of the items passed so far, B the basis of
// bin_polynomials.hpp. The potential of a function in a bin is a polynomial of the place t of an item: from bins at most
// `near` away by the tables between bins, from all others by running sums of exponentials (one factor e^-kh per bin) and of
// a linear part. Potentials are made for wanted bins only; an empty bin costs its step of the running sums.
//
// Bins lie side by side; where most would be empty only the others are there, with their steps from one to the next, which add up
// to distances: differences of positions would lose the digits of what is near for what is far away.
#pragma once

#include "kernels/expansion/expansion_tables.hpp"

namespace rankgrad {
namespace {

/// `functions`: how many; `Functions::at(f)`: which. Each function of each of the `densities` is one output. `backward`: the
/// bins are numbered from the other end, with places turned.
template <int nodes, int densities, int functions, class Functions, bool backward> class ExpansionFields {
    using Tables = ExpansionTables<nodes>;
    using V = Lanes<double>;
    static constexpr int registers = nodes / V::count;
    static constexpr int terms = Tables::terms;
    static constexpr int outputs = functions * densities;

    const Tables& tables_;
    const std::int32_t n_bins_;
    const double* const step_;
    double *density_, *rising_, *falling_, *potential_;
    std::int32_t *filled_, *wanted_;

    struct Tail {
        V sum[densities][registers];
        double count[densities], distance[densities], place[densities];  // of the linear part: sums of 1, (b' - b) h, u
        bool any = false;
        std::int32_t next;  // source bin
    };

public:
    ExpansionFields(const Expansion& e)
        : tables_(*reinterpret_cast<const Tables*>(e.tables)), n_bins_(e.n_bins), step_(e.step), density_(e.bins),
          rising_(density_ + std::int64_t{densities} * nodes * n_bins_),
          falling_(rising_ + std::int64_t{densities} * terms * n_bins_),
          potential_(falling_ + std::int64_t{densities} * terms * n_bins_), filled_(e.marks),
          wanted_(e.marks + n_bins_) {}

    double* density(std::int32_t bin, int d) { return density_ + (std::int64_t{bin} * densities + d) * nodes; }
    double* potential(std::int32_t bin, int output) {
        return potential_ + (std::int64_t{bin} * outputs + output) * nodes;
    }
    void fill(std::int32_t bin) { filled_[bin] = kFilledBin; }
    void want(std::int32_t bin) { wanted_[bin] = 1; }
    bool wanted(std::int32_t bin) const { return wanted_[bin] != 0; }
    void want_all(std::int32_t want) {
        for (std::int32_t b = 0; b < n_bins_; ++b) wanted_[b] = want;
    }

    void make_potentials() {
        make_near_potentials(0, n_bins_);
        add_far_potentials();
    }
    void make_near_potentials(std::int32_t begin, std::int32_t end) {
        for (std::int32_t b = begin; b < end; ++b)
            if (wanted_[b]) near_field(b);
    }
    void add_far_potentials() {
        if (!has_far_field()) return;
        tail_from_below();
        tail_from_above();
    }

    /// To be called when the densities of the wanted bins have changed.
    void update_tails() { update_tails(0, n_bins_); }
    void update_tails(std::int32_t begin, std::int32_t end) {
        if (!has_far_field()) return;
        for (std::int32_t b = begin; b < end; ++b) {
            if (!wanted_[b] || !filled_[b]) continue;
            for (int d = 0; d < densities; ++d) {
                const std::int64_t at = (std::int64_t{b} * densities + d) * terms;
                to_exponentials(density(b, d), tables_.rise_by_element, rising_ + at);
                to_exponentials(density(b, d), tables_.fall_by_element, falling_ + at);
            }
        }
    }

private:
    static void to_exponentials(const double* moment, const double (&by_element)[nodes][terms], double* out) {
        V total[registers];
        for (int r = 0; r < registers; ++r) total[r] = V(0);
        for (int a = 0; a < nodes; ++a)
            for (int r = 0; r < registers; ++r)
                total[r] = multiply_add(V(moment[a]), V::load(by_element[a] + r * V::count), total[r]);
        for (int r = 0; r < registers; ++r) total[r].store(out + r * V::count);
    }

    /// Widths from the first bin to the second, which does not come before it.
    RANKGRAD_INLINE double distance(std::int32_t first, std::int32_t second) const {
        if (step_ == nullptr) return second - first;
        const double* step = step_ + (backward ? n_bins_ - 1 - second : first);
        double sum = 0;
        for (std::int32_t k = second - first; k > 0; --k) sum += step[k];
        return sum;
    }
    bool has_far_field() const {
        return n_bins_ - 1 > Tables::near || distance(0, n_bins_ - 1) > Tables::near;  // steps are 1 or more
    }

    RANKGRAD_INLINE void near_field(std::int32_t b) {
        constexpr int chains =
            outputs * registers >= 8 ? 1 : 2;  // independent sums, to hide the latency of an addition
        V total[chains][outputs][registers];
        for (int c = 0; c < chains; ++c)
            for (int o = 0; o < outputs; ++o)
                for (int r = 0; r < registers; ++r) total[c][o][r] = V(0);
        std::int32_t source = b;
        while (source > 0 && distance(source - 1, b) <= Tables::near) --source;
        for (; source < n_bins_; ++source) {
            const double offset = source <= b ? distance(source, b) : -distance(b, source);
            if (offset < -Tables::near) break;
            if (!filled_[source] || (source == b && filled_[b] == kNoSourceOfItsOwn)) continue;
            const int pair = Tables::near + static_cast<int>(offset);
            for (int a = 0; a < nodes; a += chains)
                for (int c = 0; c < chains; ++c)
                    for (int d = 0; d < densities; ++d) {
                        const V moment(density(source, d)[a + c]);
                        for (int f = 0; f < functions; ++f) {
                            const double* row = tables_.pair[Functions::at(f)][pair][a + c];
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

    void start(Tail& tail, std::int32_t first) const {
        for (int d = 0; d < densities; ++d) {
            for (int r = 0; r < registers; ++r) tail.sum[d][r] = V(0);
            tail.count[d] = tail.distance[d] = tail.place[d] = 0;
        }
        tail.next = first;
    }
    /// factor[k - 1] = e^-kh bins; `known` has those of `usual` bins.
    RANKGRAD_INLINE void powers(double bins, double usual, const double (&known)[terms], V (&factor)[registers]) const {
        for (int r = 0; r < registers; ++r) {
            if (bins == usual) {
                factor[r] = V::load(known + r * V::count);
            } else {  // as a square, which may be 0
                const V root = exp(max(V(-0.5 * bins) * V::load(tables_.rate + r * V::count), V(-700)));
                factor[r] = root * root;
            }
        }
    }
    /// `bins` farther from the sources of the far field.
    RANKGRAD_INLINE void recede(Tail& tail, double bins) const {
        if (!tail.any) return;
        V decay[registers];
        powers(bins, 1, tables_.decay, decay);
        for (int d = 0; d < densities; ++d) {
            for (int r = 0; r < registers; ++r) tail.sum[d][r] = tail.sum[d][r] * decay[r];
            tail.distance[d] += tail.count[d] * (bins * Tables::width);
        }
    }
    /// The next source, so many bins away, comes into the far field.
    RANKGRAD_INLINE void take_in(Tail& tail, std::int32_t source, double bins, const double* exponentials) {
        if (!filled_[source]) return;
        tail.any = true;
        V jump[registers];
        powers(bins, Tables::near + 1, tables_.jump, jump);
        for (int d = 0; d < densities; ++d) {
            const double* from = exponentials + (std::int64_t{source} * densities + d) * terms;
            for (int r = 0; r < registers; ++r)
                tail.sum[d][r] = multiply_add(V::load(from + r * V::count), jump[r], tail.sum[d][r]);
            const double* moment = density(source, d);
            tail.distance[d] += moment[0] * (bins * Tables::width);
            tail.count[d] += moment[0];
            tail.place[d] += moment[nodes / 2];
        }
    }
    RANKGRAD_INLINE void drop_what_is_nothing(Tail& tail) const {
        for (int d = 0; d < densities; ++d)
            for (int r = 0; r < registers; ++r) {
                const V sum = tail.sum[d][r];
                tail.sum[d][r] = select(abs(sum) > V::load(tables_.smallest + r * V::count), sum, V(0));
            }
    }
    RANKGRAD_INLINE void add_exponentials(const Tail& tail, std::int32_t b,
                                          const double (&coefficient)[kPairFunctions][terms],
                                          const double (&to_elements)[terms][nodes]) {
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
                        total[r] = multiply_add(V(term[k]), V::load(to_elements[k] + r * V::count), total[r]);
                for (int r = 0; r < registers; ++r) total[r].store(out + r * V::count);
            }
    }

    /// Sources far below: margins are positive.
    void tail_from_below() {
        Tail tail;
        start(tail, 0);
        for (std::int32_t b = 1; b < n_bins_; ++b) {
            recede(tail, distance(b - 1, b));
            for (; tail.next < b && distance(tail.next, b) > Tables::near; ++tail.next)
                take_in(tail, tail.next, distance(tail.next, b), rising_);
            if (!tail.any) continue;
            drop_what_is_nothing(tail);
            if (wanted_[b]) add_exponentials(tail, b, tables_.right, tables_.fall);
        }
    }
    /// Sources far above: margins are negative, -m = (b' - b) h + (u - t) h / 2.
    void tail_from_above() {
        Tail tail;
        start(tail, n_bins_ - 1);
        for (std::int32_t b = n_bins_ - 2; b >= 0; --b) {
            recede(tail, distance(b, b + 1));
            for (; tail.next > b && distance(b, tail.next) > Tables::near; --tail.next)
                take_in(tail, tail.next, distance(b, tail.next), falling_);
            if (!tail.any) continue;
            drop_what_is_nothing(tail);
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
        out[nodes / 2] += slope * half * tail.count[d];
    }
};

}  // namespace
}  // namespace rankgrad
