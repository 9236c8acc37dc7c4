// The one way to use threads, and the only header that mentions them.
#pragma once

#include <cstdint>
#include <functional>

namespace rankgrad {

/// Asked on the calling thread about every 30 ms of work; true means: stop as soon as possible.
using InterruptCheck = bool (*)();

/// Thrown by parallel_for on the calling thread when its InterruptCheck said so.
struct Interrupted {};

/// Threads a call uses when it does not say: $OMP_NUM_THREADS, else the CPU affinity and the container's CPU quota
/// decide, unless set here (0 = unset). Gives the setting before.
int set_default_threads(int threads);
int default_threads();
/// Threads of a call that asks for so many, or with 0 does not say.
int threads_for(int asked);

/// "openmp" or "std::thread".
const char* thread_backend();

/// For a thread that nobody waits for and that must not go on.
[[noreturn]] void sleep_for_ever();

/// Pairs in one kernel call, between two looks at the interrupt flag.
constexpr double kPairsPerCall = 1e7;

/// Where a worker stands: which of the workers it is, and whether the call was interrupted.
class Worker {
public:
    Worker(int index, InterruptCheck check, void* state) : index_(index), check_(check), state_(state) {}
    int index() const { return index_; }
    /// To be asked between kernel calls. True: give up, the results do not matter any more.
    bool stopped();

private:
    int index_;
    InterruptCheck check_;
    void* state_;
};

/// Calls body(task, worker) for every task in [0, n_tasks), in any order, on up to `threads` threads. Neighbouring
/// tasks are mostly done by the same thread, and the same ones in call after call: what they read stays in the cache of
/// a core, and threads hardly write to the same lines. A thread that is done helps with the tasks of others. One of the
/// exceptions is thrown on the calling thread after all workers have stopped. Workers compute in the default
/// floating-point mode.
void parallel_for(std::int64_t n_tasks, int threads, InterruptCheck check,
                  const std::function<void(std::int64_t task, Worker& worker)>& body);

/// Runs the parts of one list: on the current worker, or on up to `threads` threads. Parts are the same for any number
/// of threads.
class Team {
public:
    Team(Worker& worker) : worker_(worker) {}  // implicit: a worker is a team of one
    Team(Worker& worker, int threads, InterruptCheck check) : worker_(worker), threads_(threads), check_(check) {}

    bool stopped() const { return worker_.stopped(); }
    /// Calls body(part) for every part in [0, n_parts), as parallel_for does; some are left out once the team is
    /// stopped.
    void run(std::int64_t n_parts, const std::function<void(std::int64_t part)>& body) const;

private:
    Worker& worker_;
    int threads_ = 1;
    InterruptCheck check_ = nullptr;
};

}  // namespace rankgrad
