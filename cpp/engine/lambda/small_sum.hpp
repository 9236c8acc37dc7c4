// Direct sums with pair weights over a few items of a list, all in the cache and on the stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/lambda/lambda_tree.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {

class SmallSum {
public:
    static constexpr std::size_t kMostItems = 512;
    using Numbers = std::array<double, kMostItems + kPadding>;

    Numbers score{};  ///< to be filled

    /// `item` says where in the list the items are.
    SmallSum(const LambdaTreeKernels& sums_of, const RankedList& list, const std::int32_t* item, std::int32_t n)
        : sums_of_(sums_of), list_(list), item_(item), n_(static_cast<std::size_t>(n)) {}

    /// At most as many times as there are items.
    void add_pairs(const PairRectangle& pairs) { rectangles_[static_cast<std::size_t>(n_rectangles_++)] = pairs; }

    /// Adds the sums over all pairs of the rectangles to those of the list.
    void sum();

private:
    const double* gather(const double* from, Numbers& to) const;
    double* zeros(Numbers& x) const;
    void set_operands(PairJob<double>& job);

    const LambdaTreeKernels& sums_of_;
    const RankedList& list_;
    const std::int32_t* item_;
    const std::size_t n_;
    std::array<PairRectangle, kMostItems> rectangles_;
    std::int32_t n_rectangles_ = 0;
    Numbers column_, weight_, gain_, discount_, vector_, value_, grad_, hess_;
};

}  // namespace rankgrad
