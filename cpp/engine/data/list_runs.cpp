// Lists are cut into runs by their lengths alone.
#include "engine/data/list_runs.hpp"

namespace rankgrad {
namespace {

/// Items of a run, and what a list costs beside its items.
constexpr std::int64_t kRunItems = 1 << 14, kItemsOfAList = 8;
/// A list that all threads work on together, and the work that threads are worth being started for.
constexpr std::int64_t kLongList = 1 << 17, kWorthThreads = 1 << 17;

}  // namespace

ListRuns::ListRuns(const Lists& lists) : worth_threads_(lists.n_items() >= kWorthThreads) {
    std::int64_t begin = 0, items = 0;
    const auto close = [&](std::int64_t end) {
        if (begin < end) runs_.push_back({count(), begin, end, false});
        begin = end;
        items = 0;
    };
    for (std::int64_t l = 0; l < lists.count(); ++l) {
        const std::int64_t length = lists.end(l) - lists.begin(l);
        if (length >= kLongList) {
            close(l);
            runs_.push_back({count(), l, begin = l + 1, true});
            continue;
        }
        items += length + kItemsOfAList;
        if (items >= kRunItems) close(l + 1);
    }
    close(lists.count());
}

void ListRuns::for_each(const Crew& crew, const std::function<void(const ListRun&, int, const Team&)>& body) const {
    const int n_threads = threads(crew);
    std::vector<const ListRun*> together, others;
    for (const ListRun& run : runs_) (run.is_long ? together : others).push_back(&run);
    parallel_for(static_cast<std::int64_t>(together.size()), 1, crew.interrupt, [&](std::int64_t k, Worker& worker) {
        body(*together[static_cast<std::size_t>(k)], worker.index(), Team(worker, n_threads, crew.interrupt));
    });
    parallel_for(
        static_cast<std::int64_t>(others.size()), n_threads, crew.interrupt,
        [&](std::int64_t k, Worker& worker) { body(*others[static_cast<std::size_t>(k)], worker.index(), worker); });
}

}  // namespace rankgrad
