// How many processors a container may use: what neither OpenMP nor std::thread asks.
#pragma once

namespace rankgrad {

/// The CPU quota of this process's control groups (version 1 or 2) in whole processors, rounded up; 0 if there is none.
/// Read once: a quota that changes later is not seen.
int cpu_quota();

}  // namespace rankgrad
