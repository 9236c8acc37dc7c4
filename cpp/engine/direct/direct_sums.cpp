// The direct sums get operands in the type that is safe for the range of the scores.
#include "engine/direct/direct_sums.hpp"

#include <type_traits>

#include "engine/data/operands.hpp"
#include "engine/data/tiles.hpp"

namespace rankgrad {
namespace {

template <class P> void sum_in(GatheredList& list, bool weighted, PairSum<P> kernel) {
    PairJob<P> job = pair_job<P>(list, list.arrays(), weighted);
    constexpr bool is_float = std::is_same_v<P, float>;  // whose rounding adds up sooner
    if (list.loss.log_product && job.factored)
        job.terms_per_flush = is_float ? product_terms(list.range(), 85, 16)
                                       : product_terms(list.range(), kDoubleProduct, kTermsPerFlush);
    run_tiles(list.team, job, kernel);
}

}  // namespace

void direct_sums(GatheredList& list) {
    const bool weighted = list.row_weighted;
    if (list.is_float && fits_float(list, weighted)) sum_in<float>(list, weighted, list.loss.float_sum[list.mode]);
    else sum_in<double>(list, true, list.loss.double_sum[list.mode]);
}

void closed_form_sums(GatheredList& list) {
    list.loss.moment_sum[list.mode](pair_job<double>(list, list.arrays(), true));
}

}  // namespace rankgrad
