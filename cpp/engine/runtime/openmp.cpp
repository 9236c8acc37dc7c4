// Threads by OpenMP, if the build asks for it: every step then waits for all of its threads, also for one that has no
// core yet.
#include "engine/runtime/threads.hpp"

#include <omp.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/runtime/parallel.hpp"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace rankgrad {
namespace {

/// A forked child inherits a thread pool without its threads; it works serially instead of waiting for them for ever.
std::atomic<bool> forked{false};

#if defined(__unix__) || defined(__APPLE__)
const int fork_handler = pthread_atfork(nullptr, nullptr, [] { forked.store(true); });
#endif

/// Whether the system lets that many threads live at the same time.
bool can_start(int threads) {
    std::mutex gate;
    std::vector<std::thread> team;
    bool started = true;
    {
        const std::lock_guard<std::mutex> closed(gate);
        try {
            for (int t = 1; t < threads; ++t)
                team.emplace_back([&gate] { const std::lock_guard<std::mutex> wait(gate); });
        } catch (const std::exception&) {
            started = false;
        }
    }
    for (std::thread& thread : team) thread.join();
    return started;
}

/// libgomp ends the process where it is refused a thread. It keeps a team for every thread that calls it, and gives up
/// members when a smaller team runs, so whenever the team has to grow it is tried whether the threads can be had.
/// Between the trial and libgomp's own threads somebody else may take the last of them.
bool may_use(int threads) {
    static thread_local int team_size = 1;
    if (forked.load() || (threads > team_size && !can_start(threads))) return false;
    team_size = threads;
    return true;
}

}  // namespace

int available_threads() { return omp_get_max_threads(); }

const char* thread_backend() { return "openmp"; }

void run_on_threads(int threads, const std::function<void(int index)>& work) {
    if (!may_use(threads)) return work(0);
#pragma omp parallel num_threads(threads)
    work(omp_get_thread_num());
}

}  // namespace rankgrad
