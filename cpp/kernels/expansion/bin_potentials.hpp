// The densities of sources in bins of scores, and the potentials that they make.
//
// A density holds for each bin the moments sum_j source_j B_a(u_j) of the items passed so far, B the basis of
// bin_polynomials.hpp. The potential of a function in a bin is a polynomial of the place t of an item: from bins at
// most `near` away by the tables between bins, from all others by running sums (far_field.hpp). Potentials are made for
// wanted bins only; an empty bin costs its step of the running sums.
//
// Bins are contiguous. Where most would be empty, only the others exist, with the step from each to the next. Steps add
// up to distances: differences of positions would lose the digits of small distances.
#pragma once

#include "kernels/contract/expansion.hpp"
#include "kernels/expansion/far_field.hpp"

namespace rankgrad {
namespace {

/// Each of `functions` functions of each of the `densities` is one output.
template <int nodes, int densities, int functions> class BinPotentials {
    using Tables = ExpansionTables<nodes>;
    using Far = FarField<nodes, densities>;
    using V = Lanes<double>;
    static constexpr int registers = nodes / V::count;
    static constexpr int outputs = functions * densities;

    const Tables& tables_;
    const PassFunctions functions_;
    const bool backward_;  ///< the bins are numbered from the other end, with places turned
    const std::int32_t n_bins_;
    const double* const step_;
    const std::int32_t begin_, end_, first_bin_;
    const double *const below_, *const above_;
    double* const carried_;
    double *density_, *rising_, *falling_, *potential_;
    std::int32_t *filled_, *wanted_;

    /// Of all bins that were passed before the bin `next` of the list, the other ones being near.
    struct Carried {
        Far far;
        std::int32_t next;
    };

public:
    static constexpr std::int64_t carried_doubles = sizeof(Carried) / sizeof(double);

    BinPotentials(const Expansion& e, const PassFunctions& of_pass, bool backward)
        : tables_(*reinterpret_cast<const Tables*>(e.tables)), functions_(of_pass), backward_(backward),
          n_bins_(e.n_bins), step_(e.step), begin_(e.own_begin), end_(e.own_end < e.n_bins ? e.own_end : e.n_bins),
          first_bin_(e.first_bin), below_(e.below), above_(e.above), carried_(e.carried), density_(e.bins),
          rising_(density_ + std::int64_t{densities} * nodes * n_bins_),
          falling_(rising_ + std::int64_t{densities} * nodes * n_bins_),
          potential_(falling_ + std::int64_t{densities} * nodes * n_bins_), filled_(e.marks),
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
    RANKGRAD_NOINLINE void make_near_potentials(std::int32_t begin, std::int32_t end) {
        for (std::int32_t b = begin; b < end; ++b)
            if (wanted_[b]) near_field(b);
    }
    RANKGRAD_NOINLINE void add_far_potentials() {
        if (!has_far_field()) return;
        add_sources_below(true);
        add_sources_above(true);
    }
    /// The far field of the next segment, upwards or downwards.
    RANKGRAD_NOINLINE void carry(bool downwards) {
        if (downwards) add_sources_above(false);
        else add_sources_below(false);
    }

    /// To be called when the densities of the wanted bins have changed.
    void update_tails() { update_tails(0, n_bins_); }
    RANKGRAD_NOINLINE void update_tails(std::int32_t begin, std::int32_t end) {
        if (!has_far_field()) return;
        for (std::int32_t b = begin; b < end; ++b) {
            if (!wanted_[b] || !filled_[b]) continue;
            for (int d = 0; d < densities; ++d) {
                const std::int64_t at = (std::int64_t{b} * densities + d) * nodes;
                to_exponentials(density(b, d), tables_.rise_by_element, rising_ + at);
                to_exponentials(density(b, d), tables_.fall_by_element, falling_ + at);
            }
        }
    }

private:
    static void to_exponentials(const double* moment, const double (&by_element)[nodes][nodes], double* out) {
        V total[registers];
        Far::exponentials(moment, false, by_element, total);
        for (int r = 0; r < registers; ++r) total[r].store(out + r * V::count);
    }

    /// Widths from the first bin to the second, which does not come before it.
    RANKGRAD_INLINE double distance(std::int32_t first, std::int32_t second) const {
        if (step_ == nullptr) return second - first;
        const double* step = step_ + (backward_ ? n_bins_ - 1 - second : first);
        double sum = 0;
        for (std::int32_t k = second - first; k > 0; --k) sum += step[k];
        return sum;
    }
    bool has_far_field() const {
        if (below_ != nullptr || above_ != nullptr || carried_ != nullptr) return true;
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
                            const double* row = tables_.pair[functions_.at[f]][pair][a + c];
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

    /// factor[k - 1] = e^-kh bins; `known` has those of `usual` bins.
    RANKGRAD_INLINE void powers(double bins, double usual, const double (&known)[nodes], V (&factor)[registers]) const {
        if (bins != usual) return tables_.powers(bins, factor);
        for (int r = 0; r < registers; ++r) factor[r] = V::load(known + r * V::count);
    }
    RANKGRAD_INLINE void recede(Far& far, double bins) const {
        if (!far.any) return;
        V decay[registers];
        powers(bins, 1, tables_.decay, decay);
        for (int d = 0; d < densities; ++d) far.recede(d, decay, bins);
    }
    /// The source, `bins` away, is now a part of the far field.
    RANKGRAD_INLINE void add_source(Far& far, std::int32_t source, double bins, const double* exponentials) {
        if (!filled_[source]) return;
        V jump[registers], terms[registers];
        powers(bins, Tables::near + 1, tables_.jump, jump);
        for (int d = 0; d < densities; ++d) {
            const double *from = exponentials + (std::int64_t{source} * densities + d) * nodes,
                         *moment = density(source, d);
            for (int r = 0; r < registers; ++r) terms[r] = V::load(from + r * V::count);
            far.add(d, terms, jump, bins, moment[0], moment[nodes / 2]);
        }
    }
    RANKGRAD_INLINE void add_exponentials(const Far& far, std::int32_t b,
                                          const double (&coefficient)[kPairFunctions][nodes],
                                          const double (&to_elements)[nodes][nodes]) {
        for (int f = 0; f < functions; ++f)
            for (int d = 0; d < densities; ++d) {
                double* out = potential(b, f * densities + d);
                V total[registers];
                for (int r = 0; r < registers; ++r) total[r] = V::load(out + r * V::count);
                far.add_exponentials(d, coefficient[functions_.at[f]], to_elements, total);
                for (int r = 0; r < registers; ++r) total[r].store(out + r * V::count);
            }
    }

    /// Sources far below: margins are positive.
    void add_sources_below(bool takes) {
        Carried from{Far(), first_bin_};
        if (below_ != nullptr) from = *reinterpret_cast<const Carried*>(below_);
        Far& far = from.far;
        std::int32_t next = from.next - first_bin_;
        const std::int32_t end = takes || end_ == n_bins_ ? end_ : end_ + 1;  // carries on to the next bin
        for (std::int32_t b = begin_; b < end; ++b) {
            if (b > begin_) recede(far, distance(b - 1, b));
            for (; next < b && distance(next, b) > Tables::near; ++next)
                add_source(far, next, distance(next, b), rising_);
            if (!far.any) continue;
            for (int d = 0; d < densities; ++d) far.flush_denormals(d, tables_);
            if (takes && wanted_[b]) add_exponentials(far, b, tables_.right, tables_.fall);
        }
        if (!takes) *reinterpret_cast<Carried*>(carried_) = {far, next + first_bin_};
    }
    /// Sources far above: margins are negative.
    void add_sources_above(bool takes) {
        Carried from{Far(), first_bin_ + n_bins_ - 1};
        if (above_ != nullptr) from = *reinterpret_cast<const Carried*>(above_);
        Far& far = from.far;
        std::int32_t next = from.next - first_bin_;
        const std::int32_t begin = takes || begin_ == 0 ? begin_ : begin_ - 1;
        for (std::int32_t b = end_ - 1; b >= begin; --b) {
            if (b < end_ - 1) recede(far, distance(b, b + 1));
            for (; next > b && distance(b, next) > Tables::near; --next)
                add_source(far, next, distance(b, next), falling_);
            if (!far.any) continue;
            for (int d = 0; d < densities; ++d) far.flush_denormals(d, tables_);
            if (!takes || !wanted_[b]) continue;
            add_exponentials(far, b, tables_.left, tables_.rise);
            for (int f = 0; f < functions; ++f)
                for (int d = 0; d < densities; ++d)
                    far.add_line(d, tables_, functions_.at[f], potential(b, f * densities + d));
        }
        if (!takes) *reinterpret_cast<Carried*>(carried_) = {far, next + first_bin_};
    }
};

}  // namespace
}  // namespace rankgrad
