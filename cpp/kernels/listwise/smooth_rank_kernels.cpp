// The near-linear sums over smooth ranks on one instruction set: the same for all metrics of ranks.
#include "kernels/listwise/smooth_ranks_binned.hpp"
#include "kernels/isa.hpp"

namespace rankgrad {
namespace {

template <class Sum, int nodes> constexpr SmoothRankSum binned_sum() {
    using Steps = SmoothRankSteps<Sum, nodes>;
    return {Steps::moment_doubles, Steps::bin_doubles, &Steps::moments,        &Steps::near,
            &Steps::far,           &Steps::carry,      Steps::carried_doubles, &Steps::results};
}
template <int nodes> constexpr ExpansionKernels kExpansion = {
    nodes, ExpansionTables<nodes>::width,   sizeof(ExpansionTables<nodes>) / sizeof(double),
    0,     &fill_tables<SmoothRank, nodes>, {}};
template <int nodes> constexpr SmoothRankKernels smooth_ranks() {
    return {&kExpansion<nodes>,
            {{binned_sum<RankOfItem, nodes>(), {}, {}},
             {binned_sum<RankOfItem, nodes>(), binned_sum<RankChangeOfItem, nodes>(), {}}},
            {{{}, {}, {}},
             {binned_sum<RankGradient, nodes>(), {}, {}},
             {binned_sum<RankHessian, nodes>(), binned_sum<RankHessianSquares, nodes>(), {}},
             {binned_sum<RankPositiveHessian, nodes>(), {}, {}},
             {binned_sum<RankProduct, nodes>(), binned_sum<RankProductTurns, nodes>(), {}}}};
}

}  // namespace

const SmoothRankFamily RANKGRAD_OF_ISA(smooth_rank_kernels) = {{smooth_ranks<8>(), smooth_ranks<16>()}};

}  // namespace rankgrad
