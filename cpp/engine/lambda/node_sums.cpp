// The sums of one node: the scan between its two groups, the pairs inside chunks, and small nodes pair by pair.
#include "engine/lambda/node_sums.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/data/score_bins.hpp"
#include "engine/runtime/parts.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {
void NodeSums::run(std::int64_t n_parts, const std::function<void(std::int64_t)>& body) {
    if (team_ != nullptr) return team_->run(n_parts, body);
    for (std::int64_t part = 0; part < n_parts; ++part) body(part);
}
template <class Body> void NodeSums::for_items(std::int32_t n, Body body) {
    run(count_parts(n), [&](std::int64_t part) {
        const auto end = static_cast<std::int32_t>(part_begin(n, part + 1));
        for (auto k = static_cast<std::int32_t>(part_begin(n, part)); k < end; ++k) body(k);
    });
}

void NodeSums::node(const std::int32_t* item, std::int32_t begin, std::int32_t middle, std::int32_t end,
                    std::int32_t* room) {
    Groups groups{item, begin, middle, end};
    if (sums_of_.expansion != nullptr) {
        std::copy_n(item, groups.n(), room);
        cut(room, middle, groups.n());
        groups.item = room;
        inside_chunks(groups);
        if (s_.expansion != sums_of_.expansion) s_.tables = expansion_tables(*sums_of_.expansion);
        s_.expansion = sums_of_.expansion;
    }
    const auto size = static_cast<std::size_t>(groups.n());
    double *const first = zeroed(s_.out, 2 * size), *const second = first + size;
    scan(groups, first, second);
    if (mode_ != kHessVector) return add_sums(groups, first, second);
    groups.along_vector = true;
    scan(groups, second, nullptr);
    add_along_vector(groups, first, second);
}

/// Each group's sums by a thread of its own. Values are those of the upper group.
void NodeSums::scan(const Groups& groups, double* first_out, double* second_out) {
    ScanJob all;
    all.mode = mode_;
    all.ranked = list_.discount != nullptr;
    all.gains = gain_factors(groups, 0, 0, nullptr);
    all.out[0] = first_out;
    all.out[1] = second_out;
    for (ScanNumbers& numbers : s_.numbers) numbers.batch = -1;
    if (sums_of_.expansion == nullptr) {
        set_order(all, groups, s_.numbers[0]);
        set_numbers(all, groups, 0, groups.n(), s_.numbers[0]);
    } else {
        all.tables = s_.tables;
        all.n_batches = static_cast<std::int32_t>(s_.batch.size()) - 1;
        all.load = load;
    }
    all.both = team_ == nullptr && mode_ != kValue && sums_of_.expansion != nullptr;
    run(mode_ == kValue || all.both ? 1 : 2, [&](std::int64_t part) {
        ScanJob job = all;
        Loader loader{*this, groups, s_.numbers[team_ == nullptr ? 0 : part], {first_out, second_out}};
        job.loader = &loader;
        job.lower = part == 1;
        sums_of_.scan(job);
    });
}

/// The numbers of a batch, unless it is the one at hand.
void NodeSums::load(ScanJob& job, std::int32_t batch) {
    const Loader& loader = *static_cast<const Loader*>(job.loader);
    NodeSums& sums = loader.sums;
    ScanNumbers& numbers = loader.numbers;
    const std::int32_t first = sums.s_.batch[static_cast<std::size_t>(batch)],
                       end = sums.s_.batch[static_cast<std::size_t>(batch) + 1];
    for (int f = 0; f < 2; ++f) job.out[f] = loader.out[f] == nullptr ? nullptr : loader.out[f] + first;
    if (numbers.batch == batch && job.chunks != nullptr) return;
    if (numbers.batch != batch) {
        sums.find_chunks(loader.groups, batch, numbers.chunks);
        double* place = padded(numbers.place, static_cast<std::size_t>(end - first));
        for (std::int32_t k = first; k < end; ++k) place[k - first] = sums.bins_.place[loader.groups.item[k]];
    }
    sums.set_numbers(job, loader.groups, first, end, numbers);
    numbers.batch = batch;
    job.place = numbers.place.data();
    job.chunks = numbers.chunks.data();
    job.n_chunks = static_cast<std::int32_t>(numbers.chunks.size());
}

/// Scores without their origin: powers of them lose less.
void NodeSums::set_order(ScanJob& job, const Groups& groups, ScanNumbers& numbers) {
    const auto n = static_cast<std::size_t>(groups.n());
    double* score = padded(numbers.place, n);
    std::uint8_t* upper = padded(numbers.upper, n);
    const double origin = exact_origin(list_.low, list_.high);
    for_items(groups.n(), [&](std::int32_t k) {
        score[k] = list_.score[groups.item[k]] - origin;
        upper[k] = groups.item[k] >= groups.middle;
    });
    job.score = score;
    job.upper = upper;
    job.n = groups.n();
    job.unit = list_.unit;
}

/// What the items [first, end) of a node are as partners and as targets.
void NodeSums::set_numbers(ScanJob& job, const Groups& groups, std::int32_t first, std::int32_t end,
                           ScanNumbers& numbers) {
    const auto size = static_cast<std::size_t>(end - first);
    double* const strength = padded(numbers.strength, 2 * size + kPadding);
    double *const factor = strength + size + kPadding, *const discount = padded(numbers.discount, size);
    const auto set = [&](std::int32_t k) {
        const std::int32_t i = groups.item[first + k];
        discount[k] = list_.discount == nullptr ? 0 : list_.discount[i];
        strength[k] = i < groups.middle ? 1.0 : list_.weight[i];
        if (groups.along_vector) strength[k] *= list_.vector[i];
    };
    if (job.load == nullptr) for_items(end - first, set);
    else
        for (std::int32_t k = 0; k < end - first; ++k) set(k);
    gain_factors(groups, first, end, factor);
    job.strength = strength;
    job.factor = factor;
    job.discount = discount;
}

/// |g_i - g_j| as a product of factors where one group has one gain, else as a sum (see ScanJob).
int NodeSums::gain_factors(const Groups& groups, std::int32_t first, std::int32_t end, double* factor) const {
    const double* gain = list_.gain;
    if (gain == nullptr) {
        std::fill_n(factor, end - first, 1.0);
        return 1;
    }
    const double highest_lower = gain[groups.middle - 1], lowest_upper = gain[groups.middle];
    const bool one_upper = lowest_upper == gain[groups.end - 1], one_lower = highest_lower == gain[groups.begin];
    const double between = one_upper ? lowest_upper : highest_lower;
    for (std::int32_t k = first; k < end; ++k) {
        const std::int32_t i = groups.item[k];
        const bool lower = i < groups.middle, single = one_upper ? !lower : one_lower && lower;
        const double distance = lower ? between - gain[i] : gain[i] - between;
        factor[k - first] = single ? 1.0 : distance;
    }
    return one_upper || one_lower ? 1 : 2;
}

void NodeSums::add_sums(const Groups& groups, const double* first, const double* second) {
    const bool with_value = mode_ == kValue || mode_ == kValueGrad;
    const double* slope = mode_ == kValueGrad ? second : first;
    for_items(groups.n(), [&](std::int32_t k) {
        const std::int32_t i = groups.item[k];
        const bool row = i >= groups.middle;
        if (with_value && row) list_.value[i] += first[k];
        if (mode_ == kValue) return;
        list_.grad[i] += row ? list_.weight[i] * slope[k] : -slope[k];
        if (!with_value) list_.hess[i] += row ? list_.weight[i] * second[k] : second[k];
    });
}

/// sum_j w K (v_i - v_j) = v_i sum_j w K - sum_j w v_j K.
void NodeSums::add_along_vector(const Groups& groups, const double* all, const double* of_vector) {
    for (std::int32_t k = 0; k < groups.n(); ++k) {
        const std::int32_t i = groups.item[k];
        const double sum = list_.vector[i] * all[k] - of_vector[k];
        list_.grad[i] += i >= groups.middle ? list_.weight[i] * sum : sum;
    }
}

void NodeSums::inside_chunks(const Groups& groups) {
    run(static_cast<std::int64_t>(s_.batch.size()) - 1, [&](std::int64_t batch) {
        std::vector<ScanChunk> own, &chunks = team_ == nullptr ? s_.numbers[0].chunks : own;
        find_chunks(groups, static_cast<std::int32_t>(batch), chunks);
        const std::int32_t* item = groups.item + s_.batch[static_cast<std::size_t>(batch)];
        for (std::size_t q = 0; q < chunks.size(); q += kChunksPerCall)
            sum_chunks(item, chunks.data() + q, std::min(kChunksPerCall, chunks.size() - q));
    });
}
void NodeSums::sum_chunks(const std::int32_t* item, const ScanChunk* chunk, std::size_t n) const {
    const std::int32_t begin = chunk[0].begin, end = chunk[n - 1].end;
    SmallSum few(sums_of_, list_, item + begin, end - begin);
    for (std::size_t q = 0; q < n; ++q) {
        if (chunk[q].begin < chunk[q].middle && chunk[q].middle < chunk[q].end)
            few.add_pairs(
                {chunk[q].middle - begin, chunk[q].end - begin, chunk[q].begin - begin, chunk[q].middle - begin});
        const double origin = list_.score[item[chunk[q].begin]];  // chunks have nothing to do with each other
        for (std::int32_t k = chunk[q].begin; k < chunk[q].end; ++k)
            few.score[static_cast<std::size_t>(k - begin)] = list_.score[item[k]] - origin;
    }
    few.sum();
}

void NodeSums::leaf(std::int32_t first, std::int32_t last) {
    const std::int32_t begin = list_.level_begin[first], n = list_.level_begin[last] - begin;
    std::array<std::int32_t, kMostLeafItems> item;
    std::iota(item.begin(), item.begin() + n, begin);
    SmallSum few(sums_of_, list_, item.data(), n);
    for (std::int32_t q = first + 1; q < last; ++q)
        few.add_pairs(
            {list_.level_begin[q] - begin, list_.level_begin[q + 1] - begin, 0, list_.level_begin[q] - begin});
    std::copy_n(list_.score + begin, n, few.score.begin());
    few.sum();
}

}  // namespace rankgrad
