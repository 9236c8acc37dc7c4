// Step 2 of the sums with level tables (level_tables.hpp): what each slot's items receive from all other levels.
//
// A forward pass goes up the levels: a level takes the potentials of the levels below, then its moments join the sources. A
// backward pass goes down, with the bins numbered from the other end and places turned, so that every difference of scores
// keeps the sign of a margin.
#pragma once

#include "kernels/expansion/bin_potentials.hpp"
#include "kernels/expansion/level_tables.hpp"

namespace rankgrad {
namespace {

template <PairMode mode, int nodes, bool weighted, bool backward> class LevelPass {
    using Functions = PassFunctions<mode, backward>;
    static constexpr bool with_vector = mode == kHessVector;
    static constexpr int plain = with_vector ? 2 : 1;
    static constexpr int densities = weighted ? 2 * plain : plain;  // kept for each slot
    static constexpr int first_density = weighted && backward ? plain : 0;
    static constexpr int outputs = kTableOutputs<weighted>;

    const LevelPotentialJob& job_;
    const std::int32_t n_bins_;
    ExpansionFields<nodes, plain, Functions::count, Functions, backward> fields_;

    std::int64_t slot(std::int32_t level, std::int32_t bin) const {
        return std::int64_t{level} * n_bins_ + (backward ? n_bins_ - 1 - bin : bin);
    }
    const double* moments(std::int64_t slot, int density) const {
        return job_.moments + (slot * densities + density) * nodes;
    }

    /// What output `o` of the fields is to the items: see kTableOutputs.
    static constexpr int place_of(int o) {
        const int which = mode == kValueGrad && backward ? 1 : o;  // value first, then gradient
        if (!weighted) return which;
        return 2 * which + (backward ? 1 : 0);
    }
    static constexpr double sign_of(int o) {
        if (with_vector) return o == 1 ? -1 : 1;  // K v_i - sum K v_j
        return backward && Functions::at(o) == kPhiSlope ? -1 : 1;
    }

    void give_potentials(std::int64_t to_slot, std::int32_t bin) {
        double* table = job_.potentials + to_slot * (outputs * nodes);
        for (int o = 0; o < Functions::count * plain; ++o) {
            const double* from = fields_.potential(bin, o);
            for (int k = 0; k < nodes / 2; ++k) {
                table[2 * k * outputs + place_of(o)] += sign_of(o) * from[k];
                table[(2 * k + 1) * outputs + place_of(o)] += (backward ? -1 : 1) * sign_of(o) * from[nodes / 2 + k];
            }
        }
    }
    void add_moments(std::int64_t from_slot, std::int32_t bin) {
        fields_.fill(bin);
        for (int d = 0; d < plain; ++d) {
            const double* from = moments(from_slot, first_density + d);
            double* to = fields_.density(bin, d);
            for (int i = 0; i < nodes; ++i) to[i] += backward && i >= nodes / 2 ? -from[i] : from[i];
        }
    }

    void level(std::int32_t q, bool takes, bool gives) {
        fields_.want_all(0);
        for (std::int32_t b = 0; b < n_bins_; ++b)
            if (moments(slot(q, b), 0)[0] > 0) fields_.want(b);
        if (takes) fields_.make_potentials();
        for (std::int32_t b = 0; b < n_bins_; ++b) {
            if (!fields_.wanted(b)) continue;
            if (takes) give_potentials(slot(q, b), b);
            if (gives) add_moments(slot(q, b), b);
        }
        if (gives) fields_.update_tails();
    }

public:
    explicit LevelPass(const LevelPotentialJob& job)
        : job_(job), n_bins_(job.expansion->n_bins), fields_(*job.expansion) {}

    void run() {
        for (std::int32_t k = 0; k < job_.n_levels; ++k)
            level(backward ? job_.n_levels - 1 - k : k, k > 0, k < job_.n_levels - 1);
    }
};

/// One pass: the memory of the fields is 0 when it starts, and the table of potentials when the first one does.
template <PairMode mode, int nodes, bool weighted> struct LevelPotentials {
    static void call(const LevelPotentialJob& job) {
        if (!job.expansion->backward) LevelPass<mode, nodes, weighted, false>(job).run();
        else if constexpr (mode != kValue) LevelPass<mode, nodes, weighted, true>(job).run();
    }
};

}  // namespace
}  // namespace rankgrad
