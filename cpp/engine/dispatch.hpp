// Which instruction-set levels this CPU has, and the one in use.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernel_table.hpp"

namespace rankgrad {

/// Levels that were built and that this CPU and operating system can run, lowest first.
std::vector<std::string> available_levels();

/// The active level's kernels. The first call takes $RANKGRAD_ISA if it is set, else the highest level.
const KernelTable& kernels();

/// Makes a level active for the whole process. Throws std::invalid_argument naming the levels that would do.
void select_level(const std::string& level);

}  // namespace rankgrad
