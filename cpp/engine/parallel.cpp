// Threads by OpenMP, or by std::thread where OpenMP is absent. Nothing computed depends on which, or on how many.
#include "engine/parallel.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace rankgrad {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPollPeriod = std::chrono::milliseconds(50);

std::atomic<int> chosen_threads{0};

/// A forked child inherits a thread pool without its threads; it works serially instead of waiting for them for ever.
std::atomic<bool> forked{false};

#if defined(__unix__) || defined(__APPLE__)
const int fork_handler = pthread_atfork(nullptr, nullptr, [] { forked.store(true); });
#endif

/// Round to nearest and keep denormals, whatever other libraries left in this thread's control register.
class DefaultFloatMode {
#if defined(__x86_64__)
public:
    DefaultFloatMode() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80u); }
    ~DefaultFloatMode() { _mm_setcsr(saved_); }

private:
    unsigned saved_;
#else
public:
    ~DefaultFloatMode() {}
#endif
};

struct Shared {
    std::int64_t n_tasks;
    const std::function<void(std::int64_t, Worker&)>& body;
    InterruptCheck check;
    std::atomic<std::int64_t> next{0};
    std::atomic<bool> stop{false};
    std::atomic<bool> interrupted{false};
    Clock::time_point last_poll = Clock::now();  // read and written by worker 0 alone
    std::mutex mutex{};
    std::exception_ptr error{};

    void run(int index) {
        const DefaultFloatMode mode;
        Worker worker(index, check, this);
        try {
            for (std::int64_t task; !worker.stopped() && (task = next.fetch_add(1)) < n_tasks;) body(task, worker);
        } catch (...) {
            const std::lock_guard<std::mutex> lock(mutex);
            if (!error) error = std::current_exception();
            stop.store(true);
        }
    }
};

void run_on_threads(Shared& shared, int threads) {
#if defined(_OPENMP)
#pragma omp parallel num_threads(threads)
    shared.run(omp_get_thread_num());
#else
    std::vector<std::thread> team;
    try {
        for (int t = 1; t < threads; ++t) team.emplace_back([&shared, t] { shared.run(t); });
    } catch (const std::system_error&) {
        // Fewer threads than asked for: the ones that did start, and this one, do all the work.
    }
    shared.run(0);
    for (std::thread& thread : team) thread.join();
#endif
}

}  // namespace

bool Worker::stopped() {
    Shared& shared = *static_cast<Shared*>(state_);
    if (index_ == 0 && check_ != nullptr) {
        const auto now = Clock::now();
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
#if defined(_OPENMP)
    return omp_get_max_threads();
#else
    const unsigned cores = std::thread::hardware_concurrency();
    return cores > 0 ? static_cast<int>(cores) : 1;
#endif
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
    if (n_tasks < threads) threads = static_cast<int>(n_tasks);
    Shared shared{n_tasks, body, check};
    if (threads <= 1 || forked.load()) {
        shared.run(0);
    } else {
        run_on_threads(shared, threads);
    }
    if (shared.error) std::rethrow_exception(shared.error);
    if (shared.interrupted.load()) throw Interrupted{};
}

void Team::run(std::int64_t n_parts, const std::function<void(std::int64_t)>& body) {
    if (threads_ > 1 && n_parts > 1)
        return parallel_for(n_parts, threads_, check_, [&](std::int64_t part, Worker&) { body(part); });
    for (std::int64_t part = 0; part < n_parts && !stopped(); ++part) body(part);
}

}  // namespace rankgrad
