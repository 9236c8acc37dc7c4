// Checks of what the implicit losses are given.
#pragma once

#include "engine/implicit/implicit.hpp"

namespace rankgrad {

/// Checks all but the negatives' scores; throws ArgumentError naming the argument and its first bad place.
template <class T> void check_implicit(const ImplicitLoss& loss, const ImplicitCall<T>& call);

/// Throws ArgumentError for the first negative that is NaN or infinity.
template <class T> void check_negatives(const ImplicitLoss& loss, const ImplicitCall<T>& call);

/// Item numbers are numbers of items that every feature knows.
void check_items(const Ideal& ideal, std::int64_t n_positive, std::int64_t n_negative);

}  // namespace rankgrad
