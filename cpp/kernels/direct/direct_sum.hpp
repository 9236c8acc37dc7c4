// The direct sum over the pairs of a list: each pair once, with O(n) memory, in tiles (pair_tiles.hpp) of the strips of its levels
// (label_strips.hpp). With a pair weight the pairs are those of the job's rectangles.
#pragma once

#include "kernels/direct/pair_tiles.hpp"

namespace rankgrad {
namespace {

template <class Loss, class T, PairMode mode, bool weighted, class Weight = NoWeight> class DirectPairSum {
    template <bool factored> using Tiles = PairTiles<Loss, T, mode, weighted, Weight, factored>;

    template <class Tiles> static void rectangle(const PairRectangle& r, Tiles& tiles) {
        for (std::int32_t column = r.column_begin; column < r.column_end; column += tiles.width()) {
            const std::int32_t end = column + tiles.width();
            tiles.open(column);
            tiles.strip(r.row_begin, r.row_end, {end < r.column_end ? end : r.column_end});
            tiles.flush();
        }
    }

    template <bool factored> static void run(const PairJob<T>& job) {
        Tiles<factored> tiles(job);
        if constexpr (Weight::any) {
            for (std::int32_t k = 0; k < job.n_rectangles; ++k) rectangle(job.rectangles[k], tiles);
        } else {
            LevelStrips<PairJob<T>, Tiles<factored>>(job, tiles).run();
        }
    }

public:
    static void call(const PairJob<T>& job) {
        // float32 lists whose range does not fit the factored form are summed in double, so float needs one form only.
        constexpr bool has_factored = factored_in<Loss>(mode), one_form = has_factored && sizeof(T) == sizeof(float);
        if (has_factored && (one_form || job.factored)) run<has_factored>(job);
        else if constexpr (!one_form) run<false>(job);
    }
};

}  // namespace
}  // namespace rankgrad
