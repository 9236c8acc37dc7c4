// The direct sums get operands in the type that is safe for the range of the scores.
#include "engine/direct/direct_sums.hpp"

#include "engine/data/operands.hpp"
#include "engine/data/tiles.hpp"

namespace rankgrad {

void direct_sums(GatheredList& list) {
    const bool weighted = list.row_weighted;
    if (list.is_float && fits_float(list, weighted))
        run_tiles(list.team, pair_job<float>(list, list.arrays(), weighted), list.loss.float_sum[list.mode][weighted]);
    else run_tiles(list.team, pair_job<double>(list, list.arrays(), true), list.loss.double_sum[list.mode]);
}

void closed_form_sums(GatheredList& list) {
    list.loss.moment_sum[list.mode](pair_job<double>(list, list.arrays(), true));
}

}  // namespace rankgrad
