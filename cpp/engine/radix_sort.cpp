// On integers that order the numbers: the cell that a number falls in when their range is cut into equal cells. A long array is first
// dealt into buckets by the high bits of the cell, so that all that follows stays in the cache; a bucket is sorted by two digits
// of a finer cell, the lower one first, and hardly anything is left to insertion. Where the numbers are too uneven for
// that (an outlier far off), a bucket is dealt again, and in the end sorted by its bits, as many digits as there are
// differing bits for [cf. Herf, Radix Tricks, 2001].
#include "engine/radix_sort.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <utility>

namespace rankgrad {
namespace {

/// Bits of a digit, for what the counters may take of the cache.
constexpr int kNarrowDigit = 8, kWideDigit = 10, kMostCounters = 1 << kWideDigit;
int digit_width(std::int32_t n) { return n < 4096 ? kNarrowDigit : kWideDigit; }

/// More items than these are dealt into buckets first: of about kBucketItems, but not so many that writing to them in turn is slow.
constexpr std::int32_t kLongItems = 1 << 17, kBucketItems = 1 << 11;
constexpr int kMostBucketBits = 9;
/// How often a bucket is dealt again.
constexpr int kMostDeals = 3;

/// The number's cell of equal width in [low, high]: never decreasing in x.
struct Cells {
    double low, per_unit;
    Cells(double least, double most, int bits)
        : low(least), per_unit(static_cast<double>((std::uint64_t{1} << bits) - 1) / (most - least)) {}
    /// False if the range is too wide or too narrow to be divided.
    bool ok() const { return per_unit <= 1e300 && per_unit > 0; }
    std::uint64_t operator()(double x) const {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>((x - low) * per_unit));
    }
};

/// The number's bits as an unsigned integer in the order of the numbers.
std::uint64_t ordered_bits(double x) {
    std::uint64_t bits;
    const double positive_zero = x + 0.0;  // -0.0 and 0.0 are the same number
    std::memcpy(&bits, &positive_zero, sizeof bits);
    const std::uint64_t sign = std::uint64_t{0} - (bits >> 63);
    return bits ^ (sign | (std::uint64_t{1} << 63));
}

/// Its bits from the lowest to the highest one that differ between the numbers.
struct Bits {
    int lowest, count;
    explicit Bits(const double* number, std::int32_t n) : lowest(0), count(64) {
        std::uint64_t differing = 0;
        const std::uint64_t first = ordered_bits(number[0]);
        for (std::int32_t k = 1; k < n; ++k) differing |= ordered_bits(number[k]) ^ first;
        if (differing == 0) differing = 1;
        while (!((differing >> (count - 1)) & 1)) --count;
        while (!((differing >> lowest) & 1)) ++lowest;
        count -= lowest;
    }
    std::uint64_t operator()(double x) const { return ordered_bits(x) >> lowest; }
};

/// One digit of a key. The loops over it are functions of values: what a closure refers to would be read again for each item.
template <class Key> struct Digit {
    Key key;
    int shift;
    std::uint32_t size;

    std::uint32_t operator()(double x) const { return static_cast<std::uint32_t>(key(x) >> shift) & (size - 1); }
    void count(const double* from, std::int32_t begin, std::int32_t end, std::uint32_t* counts) const {
        const Digit digit = *this;
        std::fill_n(counts, size, 0u);
        for (std::int32_t k = begin; k < end; ++k) ++counts[digit(from[k])];
    }
    void move(const double* from, const std::int32_t* from_index, std::int32_t begin, std::int32_t end,
              std::uint32_t* next, Sortable to) const {
        const Digit digit = *this;
        for (std::int32_t k = begin; k < end; ++k) {
            const double x = from[k];
            const std::uint32_t slot = next[digit(x)]++;
            to.number[slot] = x;
            to.index[slot] = from_index == nullptr ? k : from_index[k];
        }
    }
    /// With the digits counted.
    void sort(const double* from, const std::int32_t* from_index, std::int32_t n, std::uint32_t* counts,
              Sortable to) const {
        std::uint32_t sum = 0;
        for (std::uint32_t d = 0; d < size; ++d) sum += std::exchange(counts[d], sum);
        move(from, from_index, 0, n, counts, to);
    }
};

/// Insertion sort. Gives up, with false, when it is not nearly done from the start.
bool insert(Sortable x, std::int32_t n) {
    std::int64_t moves_left = 2 * static_cast<std::int64_t>(n) + 64;
    for (std::int32_t k = 1; k < n; ++k) {
        const double number = x.number[k];
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

void copy(Sortable from, std::int32_t n, Sortable to) {
    std::copy_n(from.number, n, to.number);
    std::copy_n(from.index, n, to.index);
}

void sort_bits(Sortable x, std::int32_t n, Sortable room) {
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
void sort_short(const double* number, const std::int32_t* index, std::int32_t n, double low, double high, Sortable to,
                Sortable room) {
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
class LongSort {
public:
    LongSort(std::vector<std::uint32_t>& count, Team team) : count_(count), team_(team) {}

    /// Like sort_short, but that `number` must not be that of `to`.
    void run(const double* number, const std::int32_t* index, std::int32_t n, double low, double high, Sortable to,
             Sortable room, int deals = 0) {
        int bits = 1;
        while (bits < kMostBucketBits && (n >> bits) > kBucketItems) ++bits;
        const Cells cells(low, high, bits);
        if (n < kLongItems || !cells.ok()) return sort_short(number, index, n, low, high, to, room);
        const std::vector<std::int32_t> begin = deal({cells, 0, std::uint32_t{1} << bits}, number, index, n, to);
        const auto n_buckets = static_cast<std::int64_t>(begin.size()) - 1;
        const auto sort = [&](std::int64_t bucket, bool is_long) {
            const std::int32_t first = begin[static_cast<std::size_t>(bucket)],
                               items = begin[static_cast<std::size_t>(bucket) + 1] - first;
            if (items < 2 || (items >= kLongItems) != is_long) return;
            const Sortable here{to.number + first, to.index + first}, spare{room.number + first, room.index + first};
            if (!is_long) {  // the bounds of a bucket need not be exact
                const double least = low + static_cast<double>(bucket) / cells.per_unit;
                return sort_short(here.number, here.index, items, least, least + 1 / cells.per_unit, here, spare);
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
    std::vector<std::int32_t> deal(Digit<Cells> digit, const double* number, const std::int32_t* index, std::int32_t n,
                                   Sortable to) {
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
            digit.move(number, index, part_begin(part), part_begin(part + 1), of_part(part), to);
        });
        return begin;
    }

    std::vector<std::uint32_t>& count_;
    Team team_;
};

}  // namespace

void radix_argsort(const double* number, std::int32_t n, double low, double high, Sortable sorted, Sortable room,
                   std::vector<std::uint32_t>& count, Team team) {
    if (low == high) {
        std::copy_n(number, n, sorted.number);
        std::iota(sorted.index, sorted.index + n, 0);
    } else {
        LongSort(count, team).run(number, nullptr, n, low, high, sorted, room);
    }
}

}  // namespace rankgrad
