// The direct sum over the pairs of a list: each pair once, with O(n) memory, in tiles (pair_tiles.hpp) of label strips
// (label_strips.hpp). With a pair weight the pairs are those of the job's rectangles.
#pragma once

#include "kernels/direct/pair_tiles.hpp"

namespace rankgrad {
namespace {

/// The mode whose instance computes `mode`: a shared one where that takes the same time. Outputs not asked for are
/// null.
template <class Loss, class Weight> constexpr PairMode served_by(PairMode mode) {
    if (mode == kGradPositiveHess && Loss::curvature_is_positive) mode = kGradHess;
    const bool no_curvature = Loss::degree == 1 && mode == kGradHess;
    return no_curvature || (mode == kValue && Weight::any) ? kValueGrad : mode;
}

template <class Loss, class T, class Weight = NoWeight> class DirectPairSum {
    template <class Tiles> static void rectangle(const PairRectangle& r, Tiles& tiles) {
        for (std::int32_t column = r.column_begin; column < r.column_end; column += tiles.width()) {
            const std::int32_t end = column + tiles.width();
            tiles.open(column);
            tiles.strip(r.row_begin, r.row_end, {end < r.column_end ? end : r.column_end});
            tiles.flush();
        }
    }

    template <PairMode mode, bool factored, bool weighted> static void run(const PairJob<T>& job) {
        using Tiles = PairTiles<Loss, T, mode, weighted, Weight, factored>;
        Tiles tiles(job);
        if constexpr (Weight::any) {
            for (std::int32_t k = 0; k < job.n_rectangles; ++k) rectangle(job.rectangles[k], tiles);
        } else {
            LevelStrips<PairJob<T>, Tiles>(job, tiles).run();
        }
    }

    template <PairMode mode> static void sum(const PairJob<T>& job) {
        // float32 lists whose range does not fit the factored form are summed in double, so float needs one form only.
        constexpr bool is_float = sizeof(T) == sizeof(float), has_factored = factored_in<Loss>(mode),
                       one_form = has_factored && is_float;
        // Weights of 1 cost a tenth more instructions than none; of values, which they do not enter, nothing.
        if constexpr (is_float && !Weight::any && mode != kValue)
            if (job.weight == nullptr) return run<mode, has_factored, false>(job);
        if (has_factored && (one_form || job.factored)) run<mode, has_factored, true>(job);
        else if constexpr (!one_form) run<mode, false, true>(job);
    }

    template <PairMode mode> static void call(const PairJob<T>& job) {
        constexpr PairMode instance = served_by<Loss, Weight>(mode);
        if constexpr (instance == kHessVector && Loss::degree == 1) return;  // no curvature
        PairJob<T> wanted = job;
        if (!with_value(mode)) wanted.value = nullptr;
        if (mode == kValue) wanted.grad = nullptr;
        sum<instance>(wanted);
    }

public:
    static constexpr PairSum<T> of_mode[kPairModes] = {&call<kValue>, &call<kValueGrad>, &call<kGradHess>,
                                                       &call<kGradPositiveHess>, &call<kHessVector>};
};

}  // namespace
}  // namespace rankgrad
