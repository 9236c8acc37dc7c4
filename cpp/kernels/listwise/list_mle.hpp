// ListMLE: -log of the Plackett-Luce probability of the order by labels, highest first, ties by position.
//   L = sum_t w_t (log sum_{j >= t} e^z_j - z_t) over the items in that order
// Each item competes with all later ones: nested softmaxes with one item per level, the order read backwards, gains w.
#pragma once

#include "kernels/listwise/nested_softmax.hpp"

namespace rankgrad {
namespace {

struct ListMleLoss : NestedLoss<ItemLevels> {
    static constexpr const char* name = "list_mle";
    static constexpr ItemOrder order = kByLabelLastFirst;
};

}  // namespace
}  // namespace rankgrad
