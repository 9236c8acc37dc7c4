// Least significant digit first, on integers that order the numbers. First on the cell that a number falls in when their
// range is cut into equal cells: two or three passes, and hardly anything is left to insertion. Where the numbers are too uneven for
// that (an outlier far off), on their bits, as many passes as there are differing bits for [cf. Herf, Radix Tricks, 2001].
#include "engine/radix_sort.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <utility>

namespace rankgrad {
namespace {

/// Bits of a digit: what the counters may take of the cache, and of a long list, how many places one can write to in turn.
int widest_digit(std::int32_t n) { return n < 4096 ? 8 : n < 65536 ? 10 : 9; }

/// The number's cell of equal width in [low, high]: never decreasing in x.
struct Cells {
    int passes, width;
    double low, per_unit;
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
    int passes, width, lowest;
    std::uint64_t operator()(double x) const { return ordered_bits(x) >> lowest; }
};

Bits differing_bits(const double* number, std::int32_t n) {
    std::uint64_t differing = 0;
    const std::uint64_t first = ordered_bits(number[0]);
    for (std::int32_t k = 1; k < n; ++k) differing |= ordered_bits(number[k]) ^ first;
    int lowest = 0, end = 64;
    while (!((differing >> (end - 1)) & 1)) --end;
    while (!((differing >> lowest) & 1)) ++lowest;
    const int passes = (end - lowest + widest_digit(n) - 1) / widest_digit(n);
    return {passes, (end - lowest + passes - 1) / passes, lowest};
}

/// Items of a part that one thread counts and moves.
constexpr std::int32_t kPartItems = 1 << 15;

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
};

/// Sorts by key(number) and gives the place that the result is in. Each part counts its digits; the digits' places in the
/// result then follow from the counts, digit by digit and part by part.
template <class Key> int sort_by(const Key& key, const double* number, std::int32_t n, const Sortable (&place)[2],
                                 std::vector<std::uint32_t>& count, Team team) {
    const std::uint32_t size = std::uint32_t{1} << key.width;
    const std::int64_t n_parts = (n + kPartItems - 1) / kPartItems;
    const auto begin = [&](std::int64_t part) { return static_cast<std::int32_t>(n * part / n_parts); };
    count.resize(std::max(count.size(), static_cast<std::size_t>(n_parts * size)));
    for (int pass = 0; pass < key.passes; ++pass) {
        const Digit<Key> digit{key, pass * key.width, size};
        const double* from = pass == 0 ? number : place[pass & 1].number;
        const std::int32_t* from_index = pass == 0 ? nullptr : place[pass & 1].index;
        const Sortable to = place[(pass & 1) ^ 1];
        team.run(n_parts, [&](std::int64_t part) {
            digit.count(from, begin(part), begin(part + 1), count.data() + part * size);
        });
        std::uint32_t sum = 0;
        for (std::uint32_t d = 0; d < size; ++d)
            for (std::int64_t part = 0; part < n_parts; ++part) sum += std::exchange(count[part * size + d], sum);
        team.run(n_parts, [&](std::int64_t part) {
            digit.move(from, from_index, begin(part), begin(part + 1), count.data() + part * size, to);
        });
    }
    return key.passes & 1;
}

/// Insertion sort of [begin, end) behind sorted entries from `first` on. Gives up, with false, when it is not nearly done from
/// the start.
bool insert(const Sortable& x, std::int32_t first, std::int32_t begin, std::int32_t end) {
    std::int64_t moves_left = 2 * static_cast<std::int64_t>(end - begin) + 64;
    for (std::int32_t k = std::max(begin, first + 1); k < end; ++k) {
        const double number = x.number[k];
        if (!(x.number[k - 1] > number)) continue;
        const std::int32_t index = x.index[k];
        std::int32_t slot = k;
        for (; slot > first && x.number[slot - 1] > number; --slot) {
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

/// The parts one by one, then each part's first entries into the parts before it: until one is in its place.
bool finish(const Sortable& x, std::int32_t n, Team team) {
    const std::int64_t n_parts = (n + kPartItems - 1) / kPartItems;
    const auto begin = [&](std::int64_t part) { return static_cast<std::int32_t>(n * part / n_parts); };
    std::atomic<bool> done{true};
    team.run(n_parts, [&](std::int64_t part) {
        if (!insert(x, begin(part), begin(part), begin(part + 1))) done.store(false);
    });
    for (std::int64_t part = 1; part < n_parts && done.load(); ++part)
        for (std::int32_t k = begin(part); k < begin(part + 1) && x.number[k - 1] > x.number[k]; ++k)
            if (!insert(x, 0, k, k + 1)) return false;
    return done.load();
}

}  // namespace

int radix_argsort(const double* number, std::int32_t n, double low, double high, const Sortable (&place)[2],
                  std::vector<std::uint32_t>& count, Team team) {
    if (low == high) {
        std::copy_n(number, n, place[0].number);
        std::iota(place[0].index, place[0].index + n, 0);
        return 0;
    }
    const int passes = n < 65536 ? 2 : 3, width = widest_digit(n);
    const double last_cell = static_cast<double>((std::uint64_t{1} << (passes * width)) - 1);
    const Cells cells{passes, width, low, last_cell / (high - low)};
    if (cells.per_unit <= 1e300 && cells.per_unit > 0) {
        const int at = sort_by(cells, number, n, place, count, team);
        if (finish(place[at], n, team)) return at;
    }
    return sort_by(differing_bits(number, n), number, n, place, count, team);
}

}  // namespace rankgrad
