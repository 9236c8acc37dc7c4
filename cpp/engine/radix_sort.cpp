// On integers that order the numbers: the cell that a number falls in when their range is cut into equal cells. A long array is first
// dealt into buckets by the high bits of the cell, so that all that follows stays in the cache; a bucket is sorted by two digits
// of a finer cell, the lower one first, and hardly anything is left to insertion. Where the numbers are too uneven for
// that (an outlier far off), a bucket is dealt again, and in the end sorted by its bits, as many digits as there are
// differing bits for [cf. Herf, Radix Tricks, 2001].
#include "engine/radix_sort.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "engine/radix_digits.hpp"

namespace rankgrad {
namespace {

/// Bits of a digit, for what the counters may take of the cache.
constexpr int kNarrowDigit = 8, kWideDigit = 10, kMostCounters = 1 << kWideDigit;
int digit_width(std::int32_t n) { return n < 4096 ? kNarrowDigit : kWideDigit; }

/// More items than these are dealt into buckets first: of about kBucketItems, but not so many that writing to them in turn is slow.
constexpr std::int32_t kLongItems = 1 << 17, kBucketItems = 1 << 10;
constexpr int kMostBucketBits = 9;
/// A bucket of at most so many is sorted with room of its own, which stays in the nearest cache.
constexpr std::int32_t kSpareItems = 1 << 12;
/// How often a bucket is dealt again.
constexpr int kMostDeals = 3;

/// Insertion sort. Gives up, with false, when it is not nearly done from the start.
template <class N> bool insert(Sortable<N> x, std::int32_t n) {
    std::int64_t moves_left = 2 * static_cast<std::int64_t>(n) + 64;
    for (std::int32_t k = 1; k < n; ++k) {
        const N number = x.number[k];
        if (!(x.number[k - 1] > number)) continue;
        const std::int32_t index = x.index[k];
        std::int32_t slot = k;
        for (; slot > 0 && x.number[slot - 1] > number; --slot) {
            x.number[slot] = x.number[slot - 1];
            x.index[slot] = x.index[slot - 1];
        }
        x.number[slot] = number;
        x.index[slot] = index;
        moves_left -= k - slot;
        if (moves_left < 0) return false;
    }
    return true;
}

template <class N> void copy(Sortable<N> from, std::int32_t n, Sortable<N> to) {
    std::copy_n(from.number, n, to.number);
    std::copy_n(from.index, n, to.index);
}

template <class N> void sort_bits(Sortable<N> x, std::int32_t n, Sortable<N> room) {
    const Bits bits(x.number, n);
    const int passes = (bits.count + kWideDigit - 1) / kWideDigit, width = (bits.count + passes - 1) / passes;
    for (int pass = 0; pass < passes; ++pass) {
        std::uint32_t counts[kMostCounters];
        const Digit<Bits> digit{bits, pass * width, std::uint32_t{1} << width};
        digit.count(x.number, 0, n, counts);
        digit.sort(x.number, x.index, n, counts, room);
        std::swap(x, room);
    }
    if (passes & 1) copy(x, n, room);
}

/// Sorts numbers, best those from `low` to `high`, into `to`; `number` and `index` may be those of `to`, but not of `room`
/// unless the range cannot be divided.
template <class N> void sort_short(const N* number, const std::int32_t* index, std::int32_t n, double low, double high,
                                   Sortable<N> to, Sortable<N> room) {
    const int width = digit_width(n);
    const Cells cells(low, high, 2 * width);
    if (cells.ok()) {
        const std::uint32_t size = std::uint32_t{1} << width;
        const Digit<Cells> low_digit{cells, 0, size}, high_digit{cells, width, size};
        std::uint32_t low_counts[kMostCounters], high_counts[kMostCounters];
        std::fill_n(low_counts, size, 0u);
        std::fill_n(high_counts, size, 0u);
        for (std::int32_t k = 0; k < n; ++k) {
            ++low_counts[low_digit(number[k])];
            ++high_counts[high_digit(number[k])];
        }
        low_digit.sort(number, index, n, low_counts, room);
        high_digit.sort(room.number, room.index, n, high_counts, to);
        if (insert(to, n)) return;
    } else if (number != to.number) {
        std::copy_n(number, n, to.number);
        if (index == nullptr) std::iota(to.index, to.index + n, 0);
        else std::copy_n(index, n, to.index);
    }
    sort_bits(to, n, room);
}

/// Items of a part that one thread counts and moves.
constexpr std::int32_t kPartItems = 1 << 15;

/// Sorts an array by dealing it into buckets.
template <class N> class LongSort {
public:
    LongSort(std::vector<std::uint32_t>& count, Team team) : count_(count), team_(team) {}

    /// Like sort_short, but that `number` must not be that of `to`.
    void run(const N* number, const std::int32_t* index, std::int32_t n, double low, double high, Sortable<N> to,
             Sortable<N> room, int deals = 0) {
        int bits = 1;
        while (bits < kMostBucketBits && (n >> bits) > kBucketItems) ++bits;
        const Cells cells(low, high, bits);
        if (n < kLongItems || !cells.ok()) return sort_short(number, index, n, low, high, to, room);
        const std::vector<std::int32_t> begin = deal({cells, 0, std::uint32_t{1} << bits}, number, index, n, to);
        if (team_.stopped()) return;  // and so not all may have been counted
        const auto n_buckets = static_cast<std::int64_t>(begin.size()) - 1;
        const auto sort = [&](std::int64_t bucket, bool is_long) {
            const std::int32_t first = begin[static_cast<std::size_t>(bucket)],
                               items = begin[static_cast<std::size_t>(bucket) + 1] - first;
            if (items < 2 || (items >= kLongItems) != is_long) return;
            const Sortable<N> here{to.number + first, to.index + first}, spare{room.number + first, room.index + first};
            if (!is_long) {  // the bounds of a bucket need not be exact
                const double least = low + static_cast<double>(bucket) / cells.per_unit,
                             most = least + 1 / cells.per_unit;
                if (items > kSpareItems) return sort_short(here.number, here.index, items, least, most, here, spare);
                N near_number[kSpareItems];
                std::int32_t near_index[kSpareItems];
                return sort_short(here.number, here.index, items, least, most, here, {near_number, near_index});
            }
            const auto [least, most] = std::minmax_element(here.number, here.number + items);
            if (*least == *most) return;
            if (deals + 1 == kMostDeals) return sort_short(here.number, here.index, items, *least, *most, here, spare);
            run(here.number, here.index, items, *least, *most, spare, here, deals + 1);
            copy(spare, items, here);
        };
        for (std::int64_t bucket = 0; bucket < n_buckets; ++bucket) sort(bucket, true);
        team_.run(n_buckets, [&](std::int64_t bucket) { sort(bucket, false); });
    }

private:
    /// Each part counts its digits; the digits' places in the result then follow from the counts, digit by digit and part by part.
    /// Gives where each bucket begins.
    std::vector<std::int32_t> deal(Digit<Cells> digit, const N* number, const std::int32_t* index, std::int32_t n,
                                   Sortable<N> to) {
        const std::int64_t n_parts = (n + kPartItems - 1) / kPartItems;
        const auto part_begin = [&](std::int64_t part) { return static_cast<std::int32_t>(n * part / n_parts); };
        const auto of_part = [&](std::int64_t part) { return count_.data() + part * digit.size; };
        count_.resize(std::max(count_.size(), static_cast<std::size_t>(n_parts * digit.size)));
        team_.run(n_parts, [&](std::int64_t part) {
            digit.count(number, part_begin(part), part_begin(part + 1), of_part(part));
        });
        std::vector<std::int32_t> begin(digit.size + 1, n);
        std::uint32_t sum = 0;
        for (std::uint32_t d = 0; d < digit.size; ++d) {
            begin[d] = static_cast<std::int32_t>(sum);
            for (std::int64_t part = 0; part < n_parts; ++part) sum += std::exchange(of_part(part)[d], sum);
        }
        team_.run(n_parts, [&](std::int64_t part) {
            digit.template move<true>(number, index, part_begin(part), part_begin(part + 1), of_part(part), to);
        });
        return begin;
    }

    std::vector<std::uint32_t>& count_;
    Team team_;
};

}  // namespace

template <class N> void radix_argsort(const N* number, std::int32_t n, double low, double high, Sortable<N> sorted,
                                      Sortable<N> room, std::vector<std::uint32_t>& count, Team team) {
    if (low < high) LongSort<N>(count, team).run(number, nullptr, n, low, high, sorted, room);
    if (low < high && (n < kLongItems || !team.stopped())) return;
    std::copy_n(number, n, sorted.number);
    std::iota(sorted.index, sorted.index + n, 0);
}

template void radix_argsort(const float*, std::int32_t, double, double, Sortable<float>, Sortable<float>,
                            std::vector<std::uint32_t>&, Team);
template void radix_argsort(const double*, std::int32_t, double, double, Sortable<double>, Sortable<double>,
                            std::vector<std::uint32_t>&, Team);

}  // namespace rankgrad
