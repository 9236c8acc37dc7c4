// Helpers: threads that sleep until a call has a step for them. The caller does not wait for one that has not begun,
// which on a busy machine has no core for milliseconds: it takes the parts itself, closes the step when they are gone,
// and waits for those alone that are inside.
#include "engine/runtime/threads.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/runtime/parallel.hpp"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace rankgrad {
namespace {

using Clock = std::chrono::steady_clock;
using Work = std::function<void(int index)>;

/// The steps of a call follow each other within microseconds: for about 50 of them both sides look before they sleep.
constexpr int kLooks = 1000;

template <class Found> void look_for(Found found) {
    for (int k = 0; k < kLooks && !found(); ++k) {
#if defined(__x86_64__) || defined(_M_X64)
        _mm_pause();
#elif defined(__aarch64__)
        __asm__ volatile("yield");
#endif
    }
}

/// Forks between the first process and this one.
std::atomic<int> forks{0};

/// The helpers of one caller at a time. They keep their index: in call after call they find the same data in the cache.
class Crew {
public:
    void run(int threads, const Work& work) {
        hire(threads - 1);
        open(threads, work);
        work(0);
        if (forks.load(std::memory_order_relaxed) != born)
            throw std::runtime_error(
                "a signal handler forked in the midst of a call: its threads, and with them parts "
                "of the result, stayed in the parent process");
        close();
    }

    const int born = forks.load(std::memory_order_relaxed);  ///< helpers of before a fork are not there after it
    bool taken = true;                                       ///< guarded by the mutex of all crews

private:
    /// All that are wanted, or none: where one is refused, the new ones go again, whose stacks took the memory that the
    /// call needs. It is not tried again at once, as the next step follows soon.
    void hire(int helpers) {
        const int before = static_cast<int>(helpers_.size());
        if (helpers <= before || Clock::now() < next_try_) return;
        staff(helpers);
        try {
            for (int index = before + 1; index <= helpers; ++index)
                helpers_.emplace_back([this, index] { help(index); });
        } catch (const std::exception&) {
            staff(before);
            for (; static_cast<int>(helpers_.size()) > before; helpers_.pop_back()) helpers_.back().join();
            next_try_ = Clock::now() + std::chrono::seconds(1);
        }
    }

    /// Helpers beyond these end.
    void staff(int helpers) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            staff_ = helpers;
        }
        opened_.notify_all();
    }

    void open(int threads, const Work& work) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            work_ = &work;
            threads_ = threads;
            step_.store(step_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
        opened_.notify_all();
    }

    void close() {
        std::unique_lock<std::mutex> lock(mutex_);
        work_ = nullptr;
        if (inside_.load(std::memory_order_relaxed) == 0) return;
        lock.unlock();
        look_for([this] { return inside_.load(std::memory_order_relaxed) == 0; });
        lock.lock();
        left_.wait(lock, [this] { return inside_.load(std::memory_order_relaxed) == 0; });
    }

    void help(int index) {
        for (std::uint64_t last = 0;;) {
            look_for([&] { return step_.load(std::memory_order_relaxed) != last; });
            std::unique_lock<std::mutex> lock(mutex_);
            const auto has_step = [&] { return work_ != nullptr && index < threads_ && step_.load() != last; };
            opened_.wait(lock, [&] { return index > staff_ || has_step(); });
            if (index > staff_) return;
            last = step_.load(std::memory_order_relaxed);
            inside_.fetch_add(1, std::memory_order_relaxed);
            const Work& work = *work_;
            lock.unlock();
            work(index);
            lock.lock();
            if (inside_.fetch_sub(1, std::memory_order_relaxed) == 1 && work_ == nullptr) left_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable opened_, left_;
    const Work* work_ = nullptr;  ///< of the open step
    int threads_ = 0, staff_ = 0;
    std::vector<std::thread> helpers_;  // this and the next: of the caller
    Clock::time_point next_try_{};
    // Written under the mutex, which orders all else; atomic because both sides look at them without it before they
    // sleep.
    std::atomic<std::uint64_t> step_{0};
    std::atomic<int> inside_{0};
};

/// As many crews as there were calls at once. Never destroyed: helpers sleep in them until the process is gone.
struct Crews {
    std::mutex mutex;
    std::vector<std::unique_ptr<Crew>> all;

    Crew& take() {
        const std::lock_guard<std::mutex> lock(mutex);
        for (const auto& crew : all) {
            if (crew->taken || crew->born != forks.load(std::memory_order_relaxed)) continue;
            crew->taken = true;
            return *crew;
        }
        all.push_back(std::make_unique<Crew>());
        return *all.back();
    }
    void give_back(Crew& crew) {
        const std::lock_guard<std::mutex> lock(mutex);
        crew.taken = false;
    }
};
Crews& crews = *new Crews;

#if defined(__unix__) || defined(__APPLE__)
/// A fork finds the list of crews whole. The child has no helpers, and makes crews of its own.
const int fork_handlers = pthread_atfork([] { crews.mutex.lock(); }, [] { crews.mutex.unlock(); },
                                         [] {
                                             forks.fetch_add(1, std::memory_order_relaxed);
                                             crews.mutex.unlock();
                                         });
#endif

/// The first number of $OMP_NUM_THREADS, 0 without one.
int threads_of_environment() {
    const char* text = std::getenv("OMP_NUM_THREADS");
    const long threads = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
    return static_cast<int>(std::clamp(threads, 0L, 4096L));
}

/// The cores that this process may use.
int cores() {
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

int available_threads() {
    static const int machine = cores();
    const int asked = threads_of_environment();
    return asked > 0 ? asked : machine;
}

const char* thread_backend() { return "std::thread"; }

void run_on_threads(int threads, const Work& work) {
    Crew& crew = crews.take();
    crew.run(threads, work);
    crews.give_back(crew);
}

}  // namespace rankgrad
