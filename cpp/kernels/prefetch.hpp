// Asks for memory before it is written to, where the processor cannot guess the place.
#pragma once

namespace rankgrad {
namespace {

inline void prefetch([[maybe_unused]] const void* place) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(place, 1);
#endif
}

}  // namespace
}  // namespace rankgrad
