// Level codes of the lists of a plan.
#include "engine/data/level_codes.hpp"

#include <algorithm>
#include <cstddef>

namespace rankgrad {

LevelCodes::LevelCodes(const Plan& plan, const std::vector<std::int64_t>& lists, const Crew& crew) {
    const std::int64_t n_lists = plan.lists().count();
    std::int64_t n_codes = 0;
    for (const std::int64_t l : lists) n_codes += plan.size(l);
    if (!lists.empty()) begin_.assign(at(n_lists), -1);
    std::uint8_t* to = lists.empty() ? nullptr : code_.of(n_codes);
    std::vector<std::uint8_t> of_list;  // by position, one past the last level where not valid
    for (const std::int64_t l : lists) {
        const std::int32_t n = plan.size(l), n_levels = plan.n_levels(l);
        const std::int64_t length = plan.lists().end(l) - plan.lists().begin(l);
        const std::int32_t *order = plan.order(l), *level = plan.level_begin(l);
        if (n < length) of_list.assign(static_cast<std::size_t>(length), static_cast<std::uint8_t>(n_levels));
        std::uint8_t* const code = n < length ? of_list.data() : to;
        for_items(crew, n, [=](std::int64_t begin, std::int64_t end) {
            const std::int32_t* next = std::upper_bound(level, level + n_levels, static_cast<std::int32_t>(begin));
            for (auto k = static_cast<std::int32_t>(begin); k < end; ++k) {
                if (k == *next) ++next;
                code[order[k]] = static_cast<std::uint8_t>(next - level - 1);
            }
        });
        begin_[at(l)] = to - code_.data();
        to += n;
        if (n == length) continue;
        std::copy_if(code, code + length, to - n, [&](int q) { return q < n_levels; });
        if (position_begin_.empty()) position_begin_.assign(at(n_lists), -1);
        position_begin_[at(l)] = static_cast<std::int64_t>(position_.size());
        for (std::int64_t p = 0; p < length; ++p)
            if (code[p] < n_levels) position_.push_back(static_cast<std::int32_t>(p));
    }
}

}  // namespace rankgrad
