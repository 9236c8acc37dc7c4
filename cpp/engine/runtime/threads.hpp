// Who else works on a call: helpers that sleep in between (helpers.cpp), or with RANKGRAD_OPENMP its threads
// (openmp.cpp). Only parallel.cpp asks; nothing computed depends on which, or on how many come.
#pragma once

#include <functional>

namespace rankgrad {

/// Threads that the environment and the machine give, before any quota.
int available_threads();

/// Calls work(0) here and work(index) on other threads, index in [1, threads), each at most once; returns when all that
/// have begun have ended. Others may come late or never: work(0) alone has to do everything. Work throws nothing.
void run_on_threads(int threads, const std::function<void(int index)>& work);

}  // namespace rankgrad
