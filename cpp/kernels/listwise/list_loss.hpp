// What a listwise or pointwise loss has unless it says otherwise. Each file of losses ends with a list of them, where a
// new one is added; listwise_kernels.cpp puts the lists together.
#pragma once

#include "kernels/contract/listwise.hpp"
#include "kernels/losses/type_list.hpp"

namespace rankgrad {
namespace {

struct ListLoss {
    static constexpr Parameter parameters[kMostParameters] = {};
    static constexpr ItemOrder order = kByPosition;
    static constexpr bool per_item = false, splits_target = false;
    static constexpr bool scratch_hess = true;  ///< the Hessian's array is written even if it is not wanted
    static constexpr double float_range = -1;
    static constexpr int work_arrays = 0, work_arrays_along_vector = 0;
    static constexpr RankKernels rank = {};

    /// Of a loss with sums of its own; one of smooth ranks has `rank` instead.
    template <class T, PairMode mode> static constexpr ListSum<T> sum() { return nullptr; }
};

}  // namespace
}  // namespace rankgrad
