// Sums over the pairs of a list pair by pair, and those in O(n) that a loss has in closed form.
#pragma once

#include "engine/data/gathered_list.hpp"

namespace rankgrad {

/// In float where that keeps all digits, long lists in tiles.
void direct_sums(GatheredList& list);

/// By the moments of the scores, or of their exponentials (kernels/direct/closed_forms.hpp).
void closed_form_sums(GatheredList& list);

}  // namespace rankgrad
