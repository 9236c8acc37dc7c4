// DCG and the best DCG of ragged lists: one sort per list, ties as asked.
#include "engine/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "engine/errors.hpp"

namespace rankgrad {
namespace {

struct Ranked {
    std::uint64_t key;
    std::int64_t item;
    bool operator<(const Ranked& other) const { return key != other.key ? key < other.key : item < other.item; }
};

/// An integer that is smaller for a higher score and equal for equal scores (-0.0 and 0.0 are equal).
std::uint64_t descending_key(double score) {
    const double canonical = score + 0.0;
    std::uint64_t bits;
    std::memcpy(&bits, &canonical, sizeof bits);
    const std::uint64_t sign = std::uint64_t{1} << 63;
    return (bits & sign) != 0 ? bits : ~(bits | sign);
}

/// The usual labels 0, 1, 2, ... need no call of exp2.
double power_of_two(double label) {
    const bool in_range = label >= 0.0 && label < 63.0;
    const int whole = in_range ? static_cast<int>(label) : -1;
    return whole == label ? static_cast<double>(std::int64_t{1} << whole) : std::exp2(label);
}

double gain_of(double label, const DcgOptions& options) {
    if (options.gain == Gain::kExp2) return power_of_two(label) - 1.0;
    if (options.gain == Gain::kLinear) return label;
    const bool known =
        label >= 0.0 && label < static_cast<double>(options.gain_table_size) && label == std::floor(label);
    return known ? options.gain_table[static_cast<std::int64_t>(label)] : std::numeric_limits<double>::quiet_NaN();
}

[[noreturn]] void refuse_label(double label, const std::string& place, const DcgOptions& options) {
    std::ostringstream text;
    text << "labels: " << place << " holds " << label;
    if (!std::isnan(label) && options.gain == Gain::kTable) {
        text << ", but gain knows the labels 0 to " << options.gain_table_size - 1;
    } else if (!std::isnan(label)) {
        text << ", whose gain is not finite";
    }
    throw ArgumentError(text.str());
}

/// Puts the first `count` in their places; what follows is in no order.
template <class Iterator, class Less> void sort_first(Iterator begin, std::int64_t count, Iterator end, Less less) {
    if (begin + count == end) {
        std::sort(begin, end, less);
    } else {
        std::partial_sort(begin, begin + count, end, less);
    }
}

/// Scratch for one list at a time; the discounts are those of every list.
class DcgSums {
public:
    DcgSums(std::int64_t longest, const DcgOptions& options)
        : options_(options), order_(longest), gains_(longest), sorted_(longest),
          discounts_(std::min(longest, options.depth)) {
        for (std::size_t rank = 0; rank < discounts_.size(); ++rank) {
            discounts_[rank] = 1.0 / std::log2(static_cast<double>(rank) + 2.0);
        }
    }

    void start_list() { size_ = 0; }

    void add(double label, double score, const Lists& lists, std::int64_t item) {
        const double gain = gain_of(label, options_);
        if (!std::isfinite(gain)) refuse_label(label, lists.place(item), options_);
        if (std::isnan(score)) throw ArgumentError("scores: " + lists.place(item) + " is NaN");
        gains_[size_] = gain;
        order_[size_] = {descending_key(score), size_};
        ++size_;
    }

    double ideal() {
        const std::int64_t depth = counted(size_);
        std::copy_n(gains_.begin(), size_, sorted_.begin());
        sort_first(sorted_.begin(), depth, sorted_.begin() + size_, std::greater<>());
        return discounted(0, depth);
    }

    double dcg() {
        const std::int64_t placed = options_.ties == Ties::kFirst ? counted(size_) : size_;
        sort_first(order_.begin(), placed, order_.begin() + size_, std::less<>());
        for (std::int64_t rank = 0; rank < placed; ++rank) sorted_[rank] = gains_[order_[rank].item];
        if (options_.ties != Ties::kFirst) settle_ties();
        return discounted(0, counted(size_));
    }

private:
    std::int64_t counted(std::int64_t rank) const {
        return std::min(rank, static_cast<std::int64_t>(discounts_.size()));
    }

    double discounted(std::int64_t first, std::int64_t last) const {
        double sum = 0.0;
        for (std::int64_t rank = first; rank < last; ++rank) sum += sorted_[rank] * discounts_[rank];
        return sum;
    }

    /// Put into each run of equal scores their mean gain, or their gains in the least favourable order.
    void settle_ties() {
        for (std::int64_t begin = 0, end = 0; begin < size_; begin = end) {
            for (end = begin + 1; end < size_ && order_[end].key == order_[begin].key;) ++end;
            if (end == begin + 1) continue;
            if (options_.ties == Ties::kWorst) {
                std::sort(sorted_.begin() + begin, sorted_.begin() + end);
            } else {
                double sum = 0.0;
                for (std::int64_t rank = begin; rank < end; ++rank) sum += sorted_[rank];
                std::fill(sorted_.begin() + begin, sorted_.begin() + end, sum / static_cast<double>(end - begin));
            }
        }
    }

    const DcgOptions& options_;
    std::int64_t size_ = 0;
    std::vector<Ranked> order_;
    std::vector<double> gains_, sorted_, discounts_;
};

}  // namespace

void dcg_and_ideal(const double* labels, const double* scores, const std::uint8_t* valid, const Lists& lists,
                   const DcgOptions& options, double* dcg, double* ideal) {
    std::int64_t longest = 0;
    for (std::int64_t q = 0; q < lists.count(); ++q) longest = std::max(longest, lists.end(q) - lists.begin(q));
    DcgSums sums(longest, options);
    for (std::int64_t q = 0; q < lists.count(); ++q) {
        sums.start_list();
        for (std::int64_t i = lists.begin(q); i < lists.end(q); ++i) {
            const bool masked = valid != nullptr && valid[i] == 0;
            if (masked || (options.ignore_negative && labels[i] < 0.0)) continue;
            sums.add(labels[i], scores[i], lists, i);
        }
        ideal[q] = sums.ideal();
        dcg[q] = sums.dcg();
    }
}

}  // namespace rankgrad
