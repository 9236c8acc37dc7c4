// On integers that order the numbers: the cell that a number falls in when their range is cut into equal cells. Short
// arrays are sorted by keys (short_sort.hpp), and hardly anything is left to insertion; longer ones are first dealt
// into buckets by the high bits of the cell, so that all that follows stays in the cache. A long bucket (an outlier is
// far off) is dealt again, and one too uneven for keys is sorted by its bits, as many digits as there are differing
// bits for [cf. Herf, Radix Tricks, 2001].
#include "engine/sorting/argsort.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "engine/runtime/parts.hpp"
#include "engine/sorting/short_sort.hpp"
#include "engine/sorting/radix_digits.hpp"

namespace rankgrad {
namespace {

/// Bits of a digit, for what the counters may take of the cache.
constexpr int kDigit = 10, kCounters = 1 << kDigit;

/// Items of a bucket, but not so many buckets that writing to them in turn is slow.
constexpr std::int32_t kBucketItems = 1 << 10;
constexpr int kMostBucketBits = 11;
/// How often a bucket is dealt again.
constexpr int kMostDeals = 3;

template <class From, class N> void copy(From from, std::int32_t n, Sortable<N> to) {
    for (std::int32_t k = 0; k < n; ++k) {
        to.number[k] = from.number_of(k);
        to.index[k] = from.index_of(k);
    }
}

/// The numbers may be in `to`, but not in `room`.
template <class N> void sort_bits(Unsorted<N> from, std::int32_t n, Sortable<N> to, Sortable<N> room) {
    if (from.number != to.number) copy(from, n, to);
    Sortable<N> x = to;
    const Bits bits(x.number, n);
    const int passes = (bits.count + kDigit - 1) / kDigit, width = (bits.count + passes - 1) / passes;
    for (int pass = 0; pass < passes; ++pass) {
        std::uint32_t counts[kCounters];
        const Digit digit{bits, pass * width, std::uint32_t{1} << width};
        digit.sort(x, n, counts, room);
        std::swap(x, room);
    }
    if (passes & 1) copy(Unsorted<N>{x.number, x.index}, n, room);
}

/// Prefetches numbers that will be written in random order. With the prefetch of `deal`: 3 to 10 % of the time of the
/// hinge of a million items.
template <class N> void prefetch_all(Sortable<N> to, std::int32_t n) {
    constexpr std::int32_t step = kLine / sizeof(std::int32_t);
    for (std::int32_t k = 0; k < n; k += step) {
        prefetch_for_write(to.number + k);
        if (sizeof(N) > sizeof(std::int32_t)) prefetch_for_write(to.number + k + step / 2);
        prefetch_for_write(to.index + k);
    }
}

/// n numbers and n indices in the memory of dealt ones.
template <class N> Sortable<N> as_arrays(Dealt<N>* dealt, std::int32_t n) {
    N* const number = reinterpret_cast<N*>(dealt);
    return {number, reinterpret_cast<std::int32_t*>(number + n)};
}

/// Sorts an array by dealing it into buckets.
template <class N> class LongSort {
public:
    LongSort(Buffer<std::uint32_t>& count, const Team& team) : count_(count), team_(team) {}

    /// The numbers may be in `to`.
    void run(Unsorted<N> from, std::int32_t n, double low, double high, Sortable<N> to, Dealt<N>* room, int deals = 0) {
        int bits = 1;
        while (bits < kMostBucketBits && (n >> bits) > kBucketItems) ++bits;
        const Cells<N> cells(low, high, bits);
        if (n <= kShortItems || !cells.ok()) return sort_bits(from, n, to, as_arrays(room, n));
        const std::vector<std::int32_t> begin = deal(cells, std::uint32_t{1} << bits, from, n, room);
        if (team_.stopped()) return;  // and so not all may have been counted
        const auto n_buckets = static_cast<std::int64_t>(begin.size()) - 1;
        const double width = 1 / static_cast<double>(cells.per_unit);
        const auto sort = [&](std::int64_t bucket, bool is_long) {
            const std::int32_t first = begin[static_cast<std::size_t>(bucket)],
                               items = begin[static_cast<std::size_t>(bucket) + 1] - first;
            if (items == 0 || (items > kShortItems) != is_long) return;
            Dealt<N>* const dealt = room + first;
            const Sortable<N> here{to.number + first, to.index + first}, spare = as_arrays(dealt, items);
            if (!is_long) {  // the bounds of a bucket need not be exact
                const double least = low + static_cast<double>(bucket) * width, most = least + width;
                std::uint32_t keys[2 * kNearItems];
                prefetch_all(here, items);
                if (items <= kNearItems && sort_near(DealtNumbers<N>{dealt}, items, least, most, here, keys)) return;
                copy(DealtNumbers<N>{dealt}, items, here);
                return sort_bits<N>({here.number, here.index}, items, here, spare);
            }
            team_.run(count_parts(items), [=](std::int64_t part) {
                const auto from_item = static_cast<std::int32_t>(part_begin(items, part));
                copy(DealtNumbers<N>{dealt + from_item},
                     static_cast<std::int32_t>(part_begin(items, part + 1)) - from_item,
                     Sortable<N>{here.number + from_item, here.index + from_item});
            });
            if (team_.stopped()) return;
            const auto [least, most] = std::minmax_element(here.number, here.number + items);
            if (*least == *most) return;
            if (deals + 1 < kMostDeals) run({here.number, here.index}, items, *least, *most, here, dealt, deals + 1);
            else sort_bits<N>({here.number, here.index}, items, here, spare);
        };
        for (std::int64_t bucket = 0; bucket < n_buckets; ++bucket) sort(bucket, true);
        team_.run(n_buckets, [&](std::int64_t bucket) { sort(bucket, false); });
    }

private:
    /// Each part counts its digits; the digits' places in the result then follow from the counts, digit by digit and
    /// part by part. Gives where each bucket begins.
    std::vector<std::int32_t> deal(const Cells<N>& cells, std::uint32_t size, Unsorted<N> from, std::int32_t n,
                                   Dealt<N>* to) {
        const std::int64_t n_parts = count_parts(n);
        count_.resize(std::max(count_.size(), static_cast<std::size_t>(n_parts) * size));
        std::uint32_t* const counts = count_.data();
        const auto for_part = [=](std::int64_t part, auto body) {
            cells.for_each(from, static_cast<std::int32_t>(part_begin(n, part)),
                           static_cast<std::int32_t>(part_begin(n, part + 1)), body);
        };
        team_.run(n_parts, [=](std::int64_t part) {
            std::uint32_t* const count = counts + part * size;
            std::fill_n(count, size, 0u);
            for_part(part, [=](std::int32_t, std::int32_t cell) { ++count[cell]; });
        });
        std::vector<std::uint32_t> place(size + 1, 0);
        for (std::uint32_t* count = counts; count != counts + n_parts * size; count += size)
            for (std::uint32_t d = 0; d < size; ++d) place[d] += count[d];
        add_up(place.data(), size);
        std::vector<std::int32_t> begin(place.begin(), place.end());
        begin[size] = n;
        for (std::uint32_t* count = counts; count != counts + n_parts * size; count += size)
            for (std::uint32_t d = 0; d < size; ++d) place[d] += std::exchange(count[d], place[d]);
        team_.run(n_parts, [=](std::int64_t part) {
            std::uint32_t* const next = counts + part * size;
            for_part(part, [=](std::int32_t k, std::int32_t cell) {
                const std::uint32_t slot = next[cell]++;
                prefetch_for_write(to + slot + kLine / sizeof(Dealt<N>));  // the bucket's next line, perhaps far away
                to[slot] = {from.number[k], from.index_of(k)};
            });
        });
        return begin;
    }

    Buffer<std::uint32_t>& count_;
    Team team_;
};

}  // namespace

template <class N> void radix_argsort(Unsorted<N> from, std::int32_t n, double low, double high, Sortable<N> sorted,
                                      Dealt<N>* room, Buffer<std::uint32_t>& count, const Team& team) {
    if (low < high && n <= kMostKeys) {
        count.resize(std::max(count.size(), 2 * static_cast<std::size_t>(n)));
        if (sort_near(from, n, low, high, sorted, count.data())) return;
    }
    if (low < high) LongSort<N>(count, team).run(from, n, low, high, sorted, room);
    if (low < high && (n <= kShortItems || !team.stopped())) return;
    copy(from, n, sorted);
}

template void radix_argsort(Unsorted<float>, std::int32_t, double, double, Sortable<float>, Dealt<float>*,
                            Buffer<std::uint32_t>&, const Team&);
template void radix_argsort(Unsorted<double>, std::int32_t, double, double, Sortable<double>, Dealt<double>*,
                            Buffer<std::uint32_t>&, const Team&);

}  // namespace rankgrad
