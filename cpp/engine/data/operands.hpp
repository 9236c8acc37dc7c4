// The operands of the direct sums: in float where that keeps all digits, as exponentials where the loss has that form.
#pragma once

#include "engine/data/gathered_list.hpp"

namespace rankgrad {

/// Whether float keeps the digits of all that a direct sum over the list takes; of the weights only if it is
/// `weighted`.
bool fits_float(const GatheredList& list, bool weighted);

/// A job over all rows of the list, with operands of type P made of arrays that may be in another order than the list.
template <class P> PairJob<P> pair_job(GatheredList& list, const SumArrays& arrays, bool weighted);

}  // namespace rankgrad
