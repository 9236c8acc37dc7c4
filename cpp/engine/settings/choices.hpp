// A name given for one of a few: its place among them, or an error that lists them.
#pragma once

#include <cstddef>
#include <string>

namespace rankgrad {

/// Throws ArgumentError if none of the names is the one given.
int place_in(const char* argument, const std::string& given, const char* const* names, std::size_t count);

/// The names are those of the enumerators, in order.
template <class Enum, std::size_t count>
Enum one_of(const char* argument, const std::string& given, const char* const (&names)[count]) {
    return static_cast<Enum>(place_in(argument, given, names, count));
}

}  // namespace rankgrad
