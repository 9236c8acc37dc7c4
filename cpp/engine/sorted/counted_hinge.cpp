// Scores go into label order, and the numbers of partners come back as derivatives.
#include "engine/sorted/counted_hinge.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "engine/data/gathered_list.hpp"
#include "engine/data/label_order.hpp"

namespace rankgrad {
namespace {

/// Up to here a sum over pairs that is made of scores keeps its digits: an error of 1e-10 for each.
constexpr double kCountedRange = 1e6;

template <class N, class T> std::optional<double> count_in(const LossCall<T>& call, const Plan& plan, std::int64_t list,
                                                           const PairLossKernels& loss, const ScoreUnit& unit,
                                                           bool by_merges, CountedHingeMemory& memory,
                                                           const Team& team) {
    const std::int64_t base = plan.lists().begin(list), n = plan.size(list);
    const auto size = static_cast<std::size_t>(n);
    const std::int32_t* order = plan.order(list);
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    if (!std::isfinite(list_weight)) return std::nullopt;
    CountScratch<N>& own = std::get<CountScratch<N>>(memory.counts);
    N* score = padded(own.score, size);
    const std::int32_t* level_begin = plan.level_begin(list);
    const std::int32_t n_levels = plan.n_levels(list);
    for_parts(team, n, memory.parts, [&](std::int64_t begin, std::int64_t end, ItemPart& part) {
        gather_only(call.scores + base, order + begin, end - begin, unit.factor(), score + begin, part);
    });
    const ItemPart all = joined(memory.parts);
    if (!all.finite) return std::nullopt;
    const double low = all.low * unit.factor(), high = all.high * unit.factor();
    if (!unit.fits(all.low, all.high, loss.degree)) return std::nullopt;
    if (std::is_same_v<N, float> && std::max(-low, high) > kFloatScore) return std::nullopt;

    PartnerCountJob<N> job;
    job.unit = unit.unit();
    job.score = score;
    job.level_begin = level_begin;
    job.n_levels = n_levels;
    job.row_end = plan.size(list);
    if (!by_merges && high - low > kCountedRange) return std::nullopt;
    job.slope = padded(memory.slope, size);
    if (call.mode == kGradPositiveHess) job.partners = padded(memory.partners, size);
    std::fill_n(score + n, kPadding, N(0));
    CountedPairs counted;
    if (by_merges) {
        counted = count_by_merges(loss, job, with_value(call.mode), low, high, own, team);
    } else {
        counted.pairs = count_pair_by_pair(loss, job, team);
        if (with_value(call.mode)) counts_of<N>(loss).add_products(score, job.slope, n, counted.products);
    }
    const double value =
        !with_value(call.mode) ? 0 : list_weight * unit.of_value(counted.value(job.unit), loss.degree).number();

    // Of numbers of pairs, which have no unit.
    const double grad_factor = unit.of_grad(call.scale * list_weight, 0).number();
    const double hess_factor = unit.of_hess(call.scale * list_weight).number();
    const bool anywhere = n_levels > kNearLevels;
    T* const grad = call.grad == nullptr ? nullptr : call.grad + base;
    T* const hess = call.hess == nullptr ? nullptr : call.hess + base;
    for_parts(team, n, memory.parts, [&](std::int64_t begin, std::int64_t end, ItemPart&) {
        scatter_results(job.slope, order, begin, end, grad_factor, kNoLeast, anywhere, grad);
        if (job.partners != nullptr)
            return scatter_results(job.partners, order, begin, end, hess_factor, call.min_hessian, anywhere, hess);
        for (std::int64_t k = begin; hess != nullptr && k < end; ++k)  // exactly, the hinge has no curvature
            hess[order[k]] = static_cast<T>(std::max(0.0, call.min_hessian));
    });
    return value;
}

}  // namespace

template <class T> std::optional<double> counted_hinge(const LossCall<T>& call, const Plan& plan, std::int64_t list,
                                                       const PairLossKernels& loss, const ScoreUnit& unit,
                                                       bool by_merges, CountedHingeMemory& memory, const Team& team) {
    // Merges compare differences that are rounded to double, whose bounds a float has for a unit of 1.
    const bool in_double = (by_merges && unit.unit() != 1) || !unit.fits_float();
    return in_double ? count_in<double>(call, plan, list, loss, unit, by_merges, memory, team)
                     : count_in<T>(call, plan, list, loss, unit, by_merges, memory, team);
}

template std::optional<double> counted_hinge(const LossCall<float>&, const Plan&, std::int64_t, const PairLossKernels&,
                                             const ScoreUnit&, bool, CountedHingeMemory&, const Team&);
template std::optional<double> counted_hinge(const LossCall<double>&, const Plan&, std::int64_t, const PairLossKernels&,
                                             const ScoreUnit&, bool, CountedHingeMemory&, const Team&);

}  // namespace rankgrad
