// A stable partition of items with their numbers. With AVX2 eight items at a time: a permutation moves those of one
// group to the front of a register, which is stored whole at the end of the group [cf. Lemire, Boytsov & Kurz, SIMD
// compression and the intersection of sorted integers, 2016].
#pragma once

#include "kernels/simd/lanes.hpp"
#include "kernels/contract/sorted.hpp"

namespace rankgrad {
namespace {

#if defined(__AVX2__) && (defined(__GNUC__) || defined(__clang__))
#define RANKGRAD_PACKS_ITEMS

/// For each set of lanes, as bits, the indices that permute the 32-bit words of these lanes to the front.
template <int lanes> struct FrontWords {
    static constexpr int words_per_lane = 8 / lanes;
    std::int32_t word[1 << lanes][8] = {};

    constexpr FrontWords() {
        for (int set = 0; set < 1 << lanes; ++set)
            for (int l = 0, n = 0; l < lanes; ++l)
                for (int w = 0; (set >> l & 1) != 0 && w < words_per_lane; ++w) word[set][n++] = l * words_per_lane + w;
    }
};
template <int lanes> constexpr FrontWords<lanes> kFrontWords;

typedef std::int32_t EightWords __attribute__((vector_size(32)));
typedef std::int32_t EightWordsAnywhere __attribute__((vector_size(32), aligned(4), may_alias));

RANKGRAD_INLINE EightWords load_words(const void* from) { return *static_cast<const EightWordsAnywhere*>(from); }
template <int lanes> RANKGRAD_INLINE void store_front(EightWords words, int set, void* to) {
    *static_cast<EightWordsAnywhere*>(to) =
        __builtin_ia32_permvarsi256(words, load_words(kFrontWords<lanes>.word[set]));
}
#endif

template <class N> class ItemPartition {
    template <int n_carried> static void run(const PartitionJob<N>& all) {
        const PartitionJob<N> job = all;  // a copy: through the reference each item would load it again
        std::int32_t k = job.begin, low = job.low, high = job.high;
#if defined(RANKGRAD_PACKS_ITEMS)
        for (; k + 8 <= job.end && low + 8 <= job.low_end && high + 8 <= job.high_end; k += 8) {
            const EightWords item = load_words(job.index + k), is_low = item < job.middle;
            typename Native<float>::real signs;
            std::memcpy(&signs, &is_low, sizeof signs);
            const int lows = __builtin_ia32_movmskps256(signs), n_low = __builtin_popcount(static_cast<unsigned>(lows));
            const auto move = [=](const std::int32_t* from, std::int32_t* to) {
                const EightWords words = load_words(from + k);
                store_front<8>(words, lows, to + low);
                store_front<8>(words, lows ^ 0xff, to + high);
            };
            move(job.index, job.index_to);
            for (int c = 0; c < n_carried; ++c) move(job.carried[c], job.carried_to[c]);
            for (int first = 0, l = low, h = high; first < 8; first += kNumbers) {
                const int set = lows >> first & kAllNumbers, n = __builtin_popcount(static_cast<unsigned>(set));
                const EightWords words = load_words(job.number + k + first);
                store_front<kNumbers>(words, set, job.number_to + l);
                store_front<kNumbers>(words, set ^ kAllNumbers, job.number_to + h);
                l += n;
                h += kNumbers - n;
            }
            low += n_low;
            high += 8 - n_low;
        }
#endif
        for (; k < job.end; ++k) {
            const std::int32_t item = job.index[k], is_low = item < job.middle;
            const std::int32_t slot = high ^ ((low ^ high) & -is_low);
            job.number_to[slot] = job.number[k];
            job.index_to[slot] = item;
            for (int c = 0; c < n_carried; ++c) job.carried_to[c][slot] = job.carried[c][k];
            low += is_low;
            high += 1 - is_low;
        }
    }

    static constexpr int kNumbers = 32 / sizeof(N), kAllNumbers = (1 << kNumbers) - 1;  ///< of a register

public:
    static void call(const PartitionJob<N>& job) {
        if (job.n_carried == 0) run<0>(job);
        else if (job.n_carried == 1) run<1>(job);
        else run<2>(job);
    }
};

}  // namespace
}  // namespace rankgrad
