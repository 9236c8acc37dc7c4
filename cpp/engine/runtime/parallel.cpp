// Shares tasks out among the threads of a call, and looks for Ctrl-C meanwhile. Nothing computed depends on how many.
#include "engine/runtime/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>

#include "engine/runtime/cpu_quota.hpp"
#include "engine/runtime/float_mode.hpp"
#include "engine/runtime/threads.hpp"

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

void parallel_for(std::int64_t n_tasks, int threads, InterruptCheck check,
                  const std::function<void(std::int64_t, Worker&)>& body) {
    threads = static_cast<int>(std::min<std::int64_t>(n_tasks, threads));
    Shared shared(n_tasks, threads, check, body);
    if (threads <= 1) shared.run(0);
    else run_on_threads(threads, [&shared](int index) { shared.run(index); });
    if (shared.error) std::rethrow_exception(shared.error);
    if (shared.interrupted.load()) throw Interrupted{};
}

void Team::run(std::int64_t n_parts, const std::function<void(std::int64_t)>& body) const {
    if (threads_ > 1 && n_parts > 1)
        return parallel_for(n_parts, threads_, check_, [&](std::int64_t part, Worker&) { body(part); });
    for (std::int64_t part = 0; part < n_parts && !stopped(); ++part) body(part);
}

}  // namespace rankgrad
