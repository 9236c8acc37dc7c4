// Checks of what the implicit losses are given, all of them before anything is written.
#pragma once

#include "engine/implicit.hpp"

namespace rankgrad {

/// Throws ArgumentError naming the argument and its first bad place. True if all scores are finite and no two of a positive
/// and a negative are further apart than the narrow formulas allow.
template <class T>
bool check_implicit(const ImplicitLoss& loss, const ImplicitCall<T>& call, const ImplicitKernels<T>& kernels);

/// Item numbers are numbers of items that every feature knows.
void check_items(const Ideal& ideal, std::int64_t n_positive, std::int64_t n_negative);

}  // namespace rankgrad
