// Few of many numbers are selected part by part; otherwise all are sorted by their digits.
#include "engine/metrics/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "engine/data/gains.hpp"
#include "engine/sorting/short_sort.hpp"

namespace rankgrad {
namespace {

/// Numbers looked at between two questions whether to stop, and sorted at once by comparisons.
constexpr std::int32_t kPart = 1 << 14;

/// What is farther out than this is sorted apart, infinities among it: the radix sort cuts a range into equal cells.
constexpr double kFar = 0x1p99;

std::int32_t count_below(const double* x, std::int32_t n, const Team& team) {
    std::int32_t count = 0;
    for (std::int32_t begin = 0; begin < n && (begin == 0 || !team.stopped()); begin += kPart)
        for (std::int32_t k = begin; k < std::min(n, begin + kPart); ++k) count += x[k] < -kFar;
    return count;
}

}  // namespace

const std::int32_t* Ranking::ascending(const double* x, std::int32_t n, std::int32_t count, const Team& team,
                                       const std::int32_t* before) {
    if (before == nullptr && count <= std::min(n, kPart) / 8) return select(x, n, count, team);
    std::int32_t* const index = index_.of(n);
    const std::int32_t n_below = count_below(x, n, team);
    // Long lists are sorted where they are gathered.
    const bool in_place = n > kMostKeys;
    Sortable<double> sorted{number_.of(n) + n_below, index + n_below}, from = in_place ? sorted : near();
    std::vector<std::int32_t> below, above;
    double low = kFar, high = -kFar;
    std::int32_t m = 0;
    for (std::int32_t k = 0; k < n; ++k) {
        if ((k + 1) % kPart == 0 && team.stopped()) return index;
        const std::int32_t item = before == nullptr ? k : before[k];
        const double y = x[item];
        if (std::abs(y) > kFar) {
            (y < 0 ? below : above).push_back(item);
            continue;
        }
        low = std::min(low, y);
        high = std::max(high, y);
        from.number[m] = y;
        from.index[m++] = item;
    }
    const double scale = high - low < 0x1p-80 ? unit_scale(high - low) : 1.0;
    for (std::int32_t k = 0; scale != 1.0 && k < m; ++k) from.number[k] *= scale;
    if (in_place && m <= kMostKeys) {
        std::copy_n(from.number, m, near().number);
        std::copy_n(from.index, m, near().index);
        from = near();
    }
    radix_argsort<double>({from.number, from.index}, m, low * scale, high * scale, sorted, dealt_.of(m), count_, team);
    const auto by_number = [x](std::int32_t a, std::int32_t b) { return x[a] < x[b]; };
    std::stable_sort(below.begin(), below.end(), by_number);
    std::stable_sort(above.begin(), above.end(), by_number);
    std::copy(below.begin(), below.end(), index);
    std::copy(above.begin(), above.end(), sorted.index + m);
    return index;
}

/// The first of each part are the only ones that can be first of all; and again, until they are one part.
const std::int32_t* Ranking::select(const double* x, std::int32_t n, std::int32_t count, const Team& team) {
    std::int32_t* const index = index_.of(n);
    const auto less = [x](std::int32_t a, std::int32_t b) { return x[a] != x[b] ? x[a] < x[b] : a < b; };
    bool fresh = true;
    for (std::int32_t left = n;; fresh = false) {
        const std::int32_t n_parts = (left - 1) / kPart + 1;
        const auto sort_part = [&](std::int64_t part) {
            const std::int64_t begin = part * kPart, end = std::min<std::int64_t>(begin + kPart, left);
            if (fresh) std::iota(index + begin, index + end, static_cast<std::int32_t>(begin));
            std::partial_sort(index + begin, index + std::min(begin + count, end), index + end, less);
        };
        if (n_parts == 1) {
            if (left > 0) sort_part(0);
            return index;
        }
        team.run(n_parts, sort_part);
        if (team.stopped()) return index;
        std::int32_t kept = 0;
        for (std::int32_t part = 0; part < n_parts; ++part) {
            const std::int32_t* const first = index + std::int64_t{part} * kPart;
            const std::int32_t size = std::min(count, left - part * kPart);
            std::copy(first, first + size, index + kept);
            kept += size;
        }
        left = kept;
    }
}

}  // namespace rankgrad
