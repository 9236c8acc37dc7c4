// Errors that a caller's data can cause. The bindings turn them into ValueError with the same text.
#pragma once

#include <stdexcept>

namespace rankgrad {

/// Names the argument, the first bad place and what is wanted.
struct ArgumentError : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

}  // namespace rankgrad
