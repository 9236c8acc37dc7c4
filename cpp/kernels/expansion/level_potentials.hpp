// Step 2 of the sums with level tables (level_tables.hpp): what each slot's items receive from all other levels.
//
// A forward pass goes up the levels: a level gets the potentials of the levels below, then its moments are added to the
// sources. A backward pass goes down, with the bins numbered from the other end and places mirrored, so that
// differences of scores are margins again.
#pragma once

#include "kernels/expansion/bin_potentials.hpp"
#include "kernels/expansion/level_tables.hpp"

namespace rankgrad {
namespace {

/// One pass of a mode with so many functions of the margin. `vectors`: sources are 1 and v.
template <int nodes, int vectors, int functions> class LevelPass {
    const LevelPotentialJob& job_;
    const PairMode mode_;
    const bool weighted_, backward_;
    const std::int32_t n_bins_;
    const int outputs_;  ///< see table_outputs
    BinPotentials<nodes, vectors, functions> fields_;

    std::int64_t slot(std::int32_t level, std::int32_t bin) const {
        return std::int64_t{level} * n_bins_ + (backward_ ? n_bins_ - 1 - bin : bin);
    }
    /// Of each slot those of the sources, then, with weights, those of the weighted ones.
    const double* moments(std::int64_t slot, int density) const {
        return job_.moments + (slot * (weighted_ ? 2 * vectors : vectors) + density) * nodes;
    }

    /// What output `o` of the fields is to the items: see table_outputs.
    int place_of(int o) const {
        const int which = mode_ == kValueGrad && backward_ ? 1 : o;  // value first, then gradient
        return !weighted_ ? which : 2 * which + (backward_ ? 1 : 0);
    }
    double sign_of(int o) const {
        if (mode_ == kHessVector) return o == 1 ? -1 : 1;  // K v_i - sum K v_j
        return backward_ && o == 0 ? -1 : 1;               // of slopes
    }

    void give_potentials(std::int64_t to_slot, std::int32_t bin) {
        double* table = job_.potentials + to_slot * (outputs_ * nodes);
        for (int o = 0; o < functions * vectors; ++o) {
            const double *from = fields_.potential(bin, o), even = sign_of(o), odd = backward_ ? -even : even;
            double* to = table + place_of(o);
            for (int k = 0; k < nodes / 2; ++k) {
                to[2 * k * outputs_] += even * from[k];
                to[(2 * k + 1) * outputs_] += odd * from[nodes / 2 + k];
            }
        }
    }
    void add_moments(std::int64_t from_slot, std::int32_t bin) {
        fields_.fill(bin);
        for (int d = 0; d < vectors; ++d) {
            const double* from = moments(from_slot, weighted_ && backward_ ? vectors + d : d);
            double* to = fields_.density(bin, d);
            for (int i = 0; i < nodes; ++i) to[i] += backward_ && i >= nodes / 2 ? -from[i] : from[i];
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
    LevelPass(const LevelPotentialJob& job, PairMode mode, bool weighted)
        : job_(job), mode_(mode), weighted_(weighted), backward_(job.expansion->backward),
          n_bins_(job.expansion->n_bins), outputs_(table_outputs(weighted)),
          fields_(*job.expansion, pass_functions(mode, backward_), backward_) {}

    RANKGRAD_NOINLINE void run() {
        for (std::int32_t k = 0; k < job_.n_levels; ++k)
            level(backward_ ? job_.n_levels - 1 - k : k, k > 0, k < job_.n_levels - 1);
    }
};

/// One pass: the memory of the fields is 0 when it starts, and the table of potentials when the first one does.
template <PairMode mode, int nodes, bool weighted> void level_potentials(const LevelPotentialJob& job) {
    constexpr int vectors = mode == kHessVector ? 2 : 1;
    if (!job.expansion->backward) LevelPass<nodes, vectors, pass_functions(mode).count>(job, mode, weighted).run();
    else if constexpr (mode != kValue)
        LevelPass<nodes, vectors, pass_functions(mode, true).count>(job, mode, weighted).run();
}

}  // namespace
}  // namespace rankgrad
