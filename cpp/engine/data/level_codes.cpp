// Level codes of the lists of a plan.
#include "engine/data/level_codes.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace rankgrad {

LevelCodes::LevelCodes(const Plan& plan, const std::vector<std::int64_t>& lists) {
    const std::int64_t n_lists = plan.lists().count();
    if (!lists.empty()) begin_.assign(at(n_lists), -1);
    std::vector<std::uint8_t> code;  // by position, one past the last level where not valid
    for (const std::int64_t l : lists) {
        const std::int32_t n = plan.size(l), n_levels = plan.n_levels(l);
        const std::int64_t length = plan.lists().end(l) - plan.lists().begin(l);
        const std::int32_t *order = plan.order(l), *level = plan.level_begin(l);
        code.assign(static_cast<std::size_t>(length), static_cast<std::uint8_t>(n_levels));
        for (std::int32_t q = 0; q < n_levels; ++q)
            for (std::int32_t k = level[q]; k < level[q + 1]; ++k)
                code[static_cast<std::size_t>(order[k])] = static_cast<std::uint8_t>(q);
        begin_[at(l)] = static_cast<std::int64_t>(code_.size());
        std::copy_if(code.begin(), code.end(), std::back_inserter(code_), [&](int q) { return q < n_levels; });
        if (n == length) continue;
        if (position_begin_.empty()) position_begin_.assign(at(n_lists), -1);
        position_begin_[at(l)] = static_cast<std::int64_t>(position_.size());
        for (std::int64_t p = 0; p < length; ++p)
            if (code[static_cast<std::size_t>(p)] < n_levels) position_.push_back(static_cast<std::int32_t>(p));
    }
}

}  // namespace rankgrad
