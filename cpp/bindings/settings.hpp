// Settings from Python: their text, or a name and a dict of numbers, names, sequences of numbers, and settings as such
// a pair.
#pragma once

#include <pybind11/pybind11.h>

#include "engine/settings/settings.hpp"

namespace rankgrad {

/// Throws TypeError for what is none.
Settings settings_from(const pybind11::handle& given);

}  // namespace rankgrad
