// The direct sums get operands in the type that is safe for the range of the scores.
#include "engine/direct/direct_sums.hpp"

#include <algorithm>
#include <type_traits>

#include "engine/data/operands.hpp"
#include "engine/data/tiles.hpp"

namespace rankgrad {
namespace {

/// Terms a lane may multiply before (1 + e^range)^terms leaves the type, and before float rounding adds up.
template <class P> std::int32_t product_terms(double range) {
    constexpr bool is_float = std::is_same_v<P, float>;
    const double terms = (is_float ? 85 : 705) / (range + 0.7);
    return std::clamp(static_cast<int>(terms), 1, is_float ? 16 : 64);
}

template <class P> void sum_in(GatheredList& list, bool weighted, PairSum<P> kernel) {
    PairJob<P> job = pair_job<P>(list, list.arrays(), weighted);
    if (list.loss.log_product && job.factored) job.terms_per_flush = product_terms<P>(list.range());
    run_tiles(list.team, job, kernel);
}

}  // namespace

void direct_sums(GatheredList& list) {
    const bool weighted = list.row_weighted;
    if (list.is_float && fits_float(list, weighted))
        sum_in<float>(list, weighted, list.loss.float_sum[list.mode][weighted]);
    else sum_in<double>(list, true, list.loss.double_sum[list.mode]);
}

void closed_form_sums(GatheredList& list) {
    list.loss.moment_sum[list.mode](pair_job<double>(list, list.arrays(), true));
}

}  // namespace rankgrad
