// What the fuzzed program reads of its bytes: ragged lists, right or wrong.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace rankgrad {

/// Reads the input; zeros after its end.
class Bytes {
public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    template <class T> T take() {
        T x{};
        const std::size_t n = std::min(sizeof(T), size_);
        if (n > 0) std::memcpy(&x, data_, n);
        data_ += n;
        size_ -= n;
        return x;
    }
    std::uint8_t byte() { return take<std::uint8_t>(); }
    int below(int n) { return byte() % n; }

private:
    const std::uint8_t* data_;
    std::size_t size_;
};

struct Input {
    std::vector<std::int64_t> offsets{0};
    std::vector<double> labels, scores, weights;
    std::vector<std::uint8_t> mask;
    bool right_offsets = true, nan_label = false, bad_score = false, odd = false;
};

/// Numbers that are likely to matter, or any bits.
inline double odd_number(Bytes& in) {
    const double numbers[] = {NAN, INFINITY, -INFINITY, 1e308, -1e308, 5e-324, -0.0, 1e4, -1e4, 1e-300, 2147483648.0};
    const int k = in.below(12);
    return k < 11 ? numbers[k] : in.take<double>();
}

inline Input read_input(Bytes& in) {
    Input x;
    const int lists = in.below(6);
    for (int l = 0; l < lists; ++l) {
        const int size = in.below(16);
        const bool is_long = size == 15 && in.below(16) == 0;  // the plain sums of long lists take milliseconds
        x.offsets.push_back(x.offsets.back() + (is_long ? 15 * in.below(6) : size));
    }
    const auto n = static_cast<std::size_t>(x.offsets.back());
    const std::uint8_t flags = in.byte();
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t bits = in.byte();
        x.labels.push_back(static_cast<double>(bits % 6) - 1);
        x.scores.push_back(static_cast<double>(static_cast<std::int8_t>(in.byte())) / 8);
        x.weights.push_back((flags & 1) != 0 ? static_cast<double>(bits / 64) / 2 : 1.0);
        x.mask.push_back((flags & 2) == 0 || bits / 16 % 4 != 0);
    }
    for (int k = (flags & 4) != 0 ? in.below(3) : 0; k > 0 && n > 0; --k) {
        const std::size_t item = in.take<std::uint16_t>() % n;
        ((flags & 8) != 0 ? x.labels : x.scores)[item] = odd_number(in);
        x.odd = true;
    }
    for (int k = (flags & 0x30) == 0x30 ? in.below(3) : 0; k > 0; --k) {  // a quarter of the inputs is hostile
        const std::size_t place = in.byte() % x.offsets.size();
        const std::int64_t odd[] = {-1, std::numeric_limits<std::int64_t>::max(), std::int64_t{1} << 32, 3};
        const int which = in.below(5);
        x.offsets[place] = which < 4 ? odd[which] : in.take<std::int64_t>();
    }
    x.right_offsets = x.offsets.front() == 0 && x.offsets.back() == static_cast<std::int64_t>(n) &&
                      std::is_sorted(x.offsets.begin(), x.offsets.end());
    return x;
}

inline void see_what_is_valid(Input& x, bool ignore_negative) {
    for (std::size_t i = 0; i < x.labels.size(); ++i) {
        const bool valid = x.mask[i] != 0 && !(ignore_negative && x.labels[i] < 0);
        x.nan_label = x.nan_label || (valid && std::isnan(x.labels[i]));
        x.bad_score = x.bad_score || (valid && !std::isfinite(x.scores[i]));
        x.mask[i] = valid ? x.mask[i] : 0;
    }
}

}  // namespace rankgrad
