// Threads by OpenMP, or by std::thread where OpenMP is absent. Nothing computed depends on which, or on how many.
#include "engine/runtime/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/runtime/cpu_quota.hpp"
#include "engine/runtime/float_mode.hpp"

#if defined(_OPENMP)
#include <omp.h>
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#endif

namespace rankgrad {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPollPeriod = std::chrono::milliseconds(30);
/// Looking at the clock takes as long as a short list: more and more short tasks share a look.
constexpr auto kShortTask = std::chrono::microseconds(100);
constexpr int kMostTasksPerLook = 16;

std::atomic<int> chosen_threads{0};

/// Neighbouring tasks that are taken in order, in a cache line of their own.
struct alignas(64) Share {
    std::atomic<std::int64_t> next;
    std::int64_t end;
};
constexpr int kMostThreads = 4096;
constexpr int kMostShares = 32;  // more threads begin with the shares of others

struct Shared {
    const std::function<void(std::int64_t, Worker&)>& body;
    InterruptCheck check;
    int n_shares;
    Share share[kMostShares];
    std::atomic<bool> stop{false};
    std::atomic<bool> interrupted{false};
    std::mutex mutex{};
    std::exception_ptr error{};
    // Read and written by worker 0 alone, at every task: in a cache line that the others do not read.
    alignas(64) Clock::time_point last_poll = Clock::now();
    Clock::time_point last_look = last_poll;
    int tasks_per_look = 1, tasks_to_look = 1;

    Shared(std::int64_t n_tasks, int threads, InterruptCheck interrupt,
           const std::function<void(std::int64_t, Worker&)>& task)
        : body(task), check(interrupt), n_shares(std::clamp(threads, 1, kMostShares)) {
        for (int k = 0; k < n_shares; ++k) {
            share[k].next.store(n_tasks * k / n_shares, std::memory_order_relaxed);
            share[k].end = n_tasks * (k + 1) / n_shares;
        }
    }

    /// Does its own share, then helps with the others.
    void run(int index) {
        const DefaultFloatMode mode;
        Worker worker(index, check, this);
        try {
            for (int k = 0; k < n_shares; ++k) {
                Share& from = share[(index + k) % n_shares];
                for (std::int64_t task; !worker.stopped() && (task = from.next.fetch_add(1)) < from.end;)
                    body(task, worker);
            }
        } catch (...) {
            const std::lock_guard<std::mutex> lock(mutex);
            error = std::current_exception();
            stop.store(true);
        }
    }
};

#if defined(_OPENMP)

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

void run_on_threads(Shared& shared, int threads) {
    if (!may_use(threads)) return shared.run(0);
#pragma omp parallel num_threads(threads)
    shared.run(omp_get_thread_num());
}

#else

/// Where threads are refused, the ones that did start, and this one, do all the work.
void run_on_threads(Shared& shared, int threads) {
    std::vector<std::thread> team;
    try {
        for (int t = 1; t < threads; ++t) team.emplace_back([&shared, t] { shared.run(t); });
    } catch (const std::exception&) {
    }
    shared.run(0);
    for (std::thread& thread : team) thread.join();
}

/// The first number of $OMP_NUM_THREADS, 0 without one.
int threads_of_environment() {
    const char* text = std::getenv("OMP_NUM_THREADS");
    const long threads = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
    return threads > 0 && threads <= kMostThreads ? static_cast<int>(threads) : 0;
}

#endif

/// What the machine and the environment give, before any quota.
int available_threads() {
#if defined(_OPENMP)
    return omp_get_max_threads();
#else
    const unsigned cores = std::thread::hardware_concurrency();  // those of the CPU affinity on Linux
    return threads_of_environment() > 0 ? threads_of_environment() : cores > 0 ? static_cast<int>(cores) : 1;
#endif
}

}  // namespace

bool Worker::stopped() {
    Shared& shared = *static_cast<Shared*>(state_);
    if (index_ == 0 && check_ != nullptr && --shared.tasks_to_look <= 0) {
        const auto now = Clock::now();
        const bool are_short = now - shared.last_look < kShortTask;
        shared.tasks_per_look = are_short ? std::min(2 * shared.tasks_per_look, kMostTasksPerLook) : 1;
        shared.tasks_to_look = shared.tasks_per_look;
        shared.last_look = now;
        if (now - shared.last_poll >= kPollPeriod) {
            if (check_()) {
                shared.interrupted.store(true);
                shared.stop.store(true);
            }
            shared.last_poll = Clock::now();
        }
    }
    return shared.stop.load(std::memory_order_relaxed);
}

int set_default_threads(int threads) { return chosen_threads.exchange(threads); }

int default_threads() {
    const int chosen = chosen_threads.load();
    if (chosen > 0) return chosen;
    const int threads = available_threads();
    const bool asked_for = std::getenv("OMP_NUM_THREADS") != nullptr;
    return cpu_quota() > 0 && !asked_for ? std::min(threads, cpu_quota()) : threads;
}

int threads_for(int asked) { return std::clamp(asked > 0 ? asked : default_threads(), 1, kMostThreads); }

void sleep_for_ever() {
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

const char* thread_backend() {
#if defined(_OPENMP)
    return "openmp";
#else
    return "std::thread";
#endif
}

void parallel_for(std::int64_t n_tasks, int threads, InterruptCheck check,
                  const std::function<void(std::int64_t, Worker&)>& body) {
    threads = static_cast<int>(std::min<std::int64_t>(n_tasks, threads));
    Shared shared(n_tasks, threads, check, body);
    if (threads <= 1) shared.run(0);
    else run_on_threads(shared, threads);
    if (shared.error) std::rethrow_exception(shared.error);
    if (shared.interrupted.load()) throw Interrupted{};
}

void Team::run(std::int64_t n_parts, const std::function<void(std::int64_t)>& body) const {
    if (threads_ > 1 && n_parts > 1)
        return parallel_for(n_parts, threads_, check_, [&](std::int64_t part, Worker&) { body(part); });
    for (std::int64_t part = 0; part < n_parts && !stopped(); ++part) body(part);
}

}  // namespace rankgrad
