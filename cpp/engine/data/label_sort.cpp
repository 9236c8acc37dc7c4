// Reading and sorting the labels of one list.
#include "engine/data/label_sort.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

#include "engine/data/list_runs.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/sorting/order_key.hpp"

namespace rankgrad {
namespace {

/// Whole labels from the lowest to the highest one that are sorted by counting.
constexpr int kCodes = 256, kWordBits = 64;
/// Integers below are doubles, and are known to be whole.
constexpr double kExactIntegers = 0x1p53, kWholeNumbers = 0x1p50;
/// Bits of an integer that are sorted at once, as doubles.
constexpr int kDigitBits = 52;

template <class L> constexpr bool is_wide = std::is_integral_v<L> && sizeof(L) == 8;

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
template <class L> std::uint64_t key_of(L label) {
    return static_cast<std::uint64_t>(label) ^ (std::is_signed_v<L> ? kSign : 0);
}

int lowest_bit(std::uint64_t word) {
#if defined(__GNUC__) || defined(__clang__)
    return __builtin_ctzll(word);
#else
    int bit = 0;
    while (!((word >> bit) & 1)) ++bit;
    return bit;
#endif
}

}  // namespace

template <class L> void LabelSort::copy(const L* from, std::int64_t begin, std::int64_t end) {
    double* const number = number_.data();
    if constexpr (is_wide<L>) {
        std::uint64_t* const key = key_.data();
        for (std::int64_t k = begin; k < end; ++k) key[k] = key_of(from[k]);
        for (std::int64_t k = begin; k < end; ++k)
            number[k] = static_cast<double>(static_cast<L>(key[k] ^ (std::is_signed_v<L> ? kSign : 0)));
    } else {
        for (std::int64_t k = begin; k < end; ++k) number[k] = static_cast<double>(from[k]);
    }
}

void LabelSort::read(const Labels& labels, const std::uint8_t* mask, std::int64_t begin, std::int32_t n,
                     bool ignore_negative, const Team& team) {
    visit_labels(labels, [&](const auto* from) {
        using L = std::remove_cv_t<std::remove_pointer_t<decltype(from)>>;
        number_.of(n);
        has_keys_ = is_wide<L>;
        if (has_keys_) key_.of(n);
        for_items(team, n, [&](std::int64_t first, std::int64_t end) { copy(from + begin, first, end); });
    });
    n_ = n;
    all_ = true;
    reversed_ = false;
    look();
    if (mask == nullptr && !(ignore_negative && (facts_.low < 0 || !facts_.finite))) return;
    keep_valid(mask, n, ignore_negative);
    if (n_ < n) look();
}

void LabelSort::look() { facts_ = n_ == 0 ? NumberFacts{0, 0, 0, true, true} : kernels().look_at(number_.data(), n_); }

void LabelSort::keep_valid(const std::uint8_t* mask, std::int32_t n, bool ignore_negative) {
    double* const number = number_.data();
    std::uint64_t* const key = has_keys_ ? key_.data() : nullptr;
    std::int32_t* const position = position_.of(n);
    const double least = ignore_negative ? 0.0 : -std::numeric_limits<double>::infinity();
    std::int32_t kept = 0;
    for (std::int32_t k = 0; k < n; ++k) {
        const bool valid = (mask == nullptr || mask[k] != 0) && !(number[k] < least);
        position[kept] = k;
        number[kept] = number[k];
        if (key != nullptr) key[kept] = key[k];
        kept += valid ? 1 : 0;
    }
    n_ = kept;
    all_ = kept == n;
}

void LabelSort::reverse() {
    reversed_ = true;
    if (!all_) std::reverse(position_.data(), position_.data() + n_);
    std::reverse(number_.data(), number_.data() + n_);
    if (has_keys_) std::reverse(key_.data(), key_.data() + n_);
}

void LabelSort::to_positions(std::int32_t* place, std::int64_t count) const {
    const std::int32_t last = n_ - 1, *const position = position_.data();
    if (!all_)
        for (std::int64_t k = 0; k < count; ++k) place[k] = position[place[k]];
    else if (reversed_)
        for (std::int64_t k = 0; k < count; ++k) place[k] = last - place[k];
}

bool LabelSort::are_few_whole() const {
    return facts_.finite && facts_.whole && facts_.high - facts_.low < kCodes &&
           std::max(-facts_.low, facts_.high) < kWholeNumbers;
}

/// Both halves of the list at the same time, with places of their own: an addition to a place has not to wait for the
/// one before it so often.
std::int32_t LabelSort::count_densely(std::int32_t* order, std::int32_t* level_begin) const {
    std::int32_t first[kCodes], second[kCodes], n_levels = 0, begin = 0;
    const std::int32_t codes = static_cast<std::int32_t>(facts_.high - facts_.low) + 1, half = n_ / 2;
    std::fill_n(first, codes, 0);
    std::fill_n(second, codes, 0);
    for (std::int32_t k = 0; k < half; ++k) {
        ++first[code(k)];
        ++second[code(half + k)];
    }
    if (2 * half < n_) ++second[code(n_ - 1)];
    for (std::int32_t c = 0; c < codes; ++c) {
        level_begin[n_levels] = begin;
        n_levels += first[c] + second[c] > 0;
        begin += std::exchange(first[c], begin);
        begin += std::exchange(second[c], begin);
    }
    level_begin[n_levels] = n_;
    for (std::int32_t k = 0; k < half; ++k) {
        order[first[code(k)]++] = k;
        order[second[code(half + k)]++] = half + k;
    }
    if (2 * half < n_) order[second[code(n_ - 1)]++] = n_ - 1;
    return n_levels;
}

/// For lists with fewer items than there are codes: those that are there are found by their bits.
std::int32_t LabelSort::count_sparsely(std::int32_t* order, std::int32_t* level_begin) const {
    std::int32_t next[kCodes] = {}, n_levels = 0, begin = 0;
    std::uint64_t seen[kCodes / kWordBits] = {};
    for (std::int32_t k = 0; k < n_; ++k) {
        const std::int32_t c = code(k);
        ++next[c];
        seen[c / kWordBits] |= std::uint64_t{1} << (c % kWordBits);
    }
    for (int word = 0; word < kCodes / kWordBits; ++word)
        for (std::uint64_t bits = seen[word]; bits != 0; bits &= bits - 1) {
            level_begin[n_levels++] = begin;
            begin += std::exchange(next[word * kWordBits + lowest_bit(bits)], begin);
        }
    level_begin[n_levels] = n_;
    for (std::int32_t k = 0; k < n_; ++k) order[next[code(k)]++] = k;
    return n_levels;
}

void LabelSort::make_keys() {
    if (facts_.finite) return;  // they are there
    std::uint64_t* const key = key_.of(n_);
    for (std::int32_t k = 0; k < n_; ++k)
        key[k] = ordered_bits(std::isnan(number_.data()[k]) ? 0.0 : number_.data()[k]);
}

/// By as many digits, from the lowest, as the integers differ in.
void LabelSort::sort_keys(std::int32_t* order, const Team& team) {
    const std::uint64_t* const key = key_.data();
    const auto [least, most] = std::minmax_element(key, key + n_);
    const std::uint64_t low = *least, range = *most - low, digits = (std::uint64_t{1} << kDigitBits) - 1;
    double* const digit = digit_.of(n_);
    const std::int32_t* before = nullptr;
    for (int shift = 0; shift < 64 && (shift == 0 || range >> shift != 0); shift += kDigitBits) {
        for_items(team, n_, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t k = begin; k < end; ++k)
                digit[k] = static_cast<double>(((key[before == nullptr ? k : before[k]] - low) >> shift) & digits);
        });
        if (n_ > kPartItems && team.stopped()) return;
        const double high = static_cast<double>(shift == 0 ? std::min(range, digits) : range >> shift);
        sort_numbers(digit, before, 0, high, order, team);
        before = order;
    }
}

void LabelSort::sort_numbers(const double* number, const std::int32_t* index, double low, double high,
                             std::int32_t* order, const Team& team) {
    const auto n = static_cast<std::size_t>(n_);
    Sortable<double> sorted = scratch_.sorted(n);
    if (index == nullptr) sorted.index = order;
    radix_argsort<double>({number, index}, n_, low, high, sorted, scratch_.room(n), scratch_.count, team);
    if (index != nullptr) std::copy_n(sorted.index, n_, order);
}

std::int32_t LabelSort::sort(std::int32_t* order, std::int32_t* level_begin, const Team& team) {
    level_begin[0] = 0;
    if (n_ == 0) return 0;
    if (are_few_whole())
        return facts_.high - facts_.low < n_ ? count_densely(order, level_begin) : count_sparsely(order, level_begin);
    const bool by_key = !facts_.finite || (has_keys_ && !(std::max(-facts_.low, facts_.high) < kExactIntegers));
    const double* const number = number_.data();
    std::int32_t* end = level_begin + 1;
    const auto find_levels = [&](const auto* sorted, auto at) {
        for (std::int32_t k = 1; k < n_; ++k) {
            *end = k;
            end += sorted[at(k - 1)] != sorted[at(k)];
        }
    };
    if (by_key) {
        make_keys();
        sort_keys(order, team);
        find_levels(key_.data(), [order](std::int32_t k) { return order[k]; });
    } else if (std::is_sorted(number, number + n_)) {
        std::iota(order, order + n_, 0);
        find_levels(number, [](std::int32_t k) { return k; });
    } else {
        sort_numbers(number, nullptr, facts_.low, facts_.high, order, team);
        find_levels(scratch_.sorted(static_cast<std::size_t>(n_)).number, [](std::int32_t k) { return k; });
    }
    *end = n_;
    return static_cast<std::int32_t>(end - level_begin);
}

}  // namespace rankgrad
