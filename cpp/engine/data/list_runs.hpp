// Lists shared out among the threads of a bind: runs of neighbouring lists, the same for any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/data/lists.hpp"
#include "engine/runtime/parallel.hpp"
#include "engine/runtime/parts.hpp"

namespace rankgrad {

/// Who works while a loss is bound, and who may stop it.
struct Crew {
    int threads = 1;
    InterruptCheck interrupt = nullptr;
};

/// Lists of one task, or one list that all threads work on together.
struct ListRun {
    std::int64_t index, begin, end;
    bool is_long;
};

class ListRuns {
public:
    explicit ListRuns(const Lists& lists);

    std::int64_t count() const { return static_cast<std::int64_t>(runs_.size()); }
    /// Threads that are worth being asked.
    int threads(const Crew& crew) const { return worth_threads_ ? crew.threads : 1; }
    /// Calls body(run, worker, team) for every run, the long ones first. Throws Interrupted.
    void for_each(const Crew& crew,
                  const std::function<void(const ListRun& run, int worker, const Team& team)>& body) const;

private:
    std::vector<ListRun> runs_;  ///< index by index
    bool worth_threads_;
};

/// Calls body(begin, end) for parts of n items. Throws Interrupted.
template <class Body> void for_items(const Crew& crew, std::int64_t n, Body body) {
    constexpr std::int64_t kFewItems = 1 << 17;  // starting threads takes as long
    parallel_for(count_parts(n), n < kFewItems ? 1 : crew.threads, crew.interrupt,
                 [&](std::int64_t part, Worker&) { body(part_begin(n, part), part_begin(n, part + 1)); });
}

/// The same for items that a team has, of which parts may be left out once it is stopped.
template <class Body> void for_items(const Team& team, std::int64_t n, Body body) {
    if (n <= kPartItems) return body(std::int64_t{0}, n);  // most lists: without the cost of a std::function
    team.run(count_parts(n), [&](std::int64_t part) { body(part_begin(n, part), part_begin(n, part + 1)); });
}

}  // namespace rankgrad
