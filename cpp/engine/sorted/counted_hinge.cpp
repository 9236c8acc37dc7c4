// A list of the hinge without weights: its scores go into label order, and the numbers of partners come back as derivatives.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include "engine/data/windows.hpp"
#include "engine/data/label_order.hpp"
#include "engine/pairwise/pairwise.hpp"

namespace rankgrad {

template <class T> bool Pairwise::is_counted(const LossCall<T>& call, std::int64_t list) const {
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    return loss.counts != nullptr && !weights_.any() && call.item_weight == nullptr && call.row_value == nullptr &&
           call.mode != kHessVector && plan_.pairs(list) > 0 && !plan_.is_nan(list);
}

/// False, with nothing written, if a number is not finite or the range of the scores is too wide.
template <class T>
bool Pairwise::count(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team, double& value) const {
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    ListFacts list_facts = facts<T>(list, 0);
    list_facts.counted = true;
    const bool by_merges = choose_algorithm(loss_.choice, loss, call.mode, list_facts) == Algorithm::sorted;
    // Merges compare differences that are rounded to double, whose bounds a float has for a unit of 1.
    return (by_merges && unit_.unit() != 1) || !unit_.fits_float()
               ? count_in<double>(call, list, s, team, by_merges, value)
               : count_in<T>(call, list, s, team, by_merges, value);
}

template <class N, class T> bool Pairwise::count_in(const LossCall<T>& call, std::int64_t list, Scratch& s,
                                                    const Team& team, bool by_merges, double& value) const {
    const std::int64_t base = plan_.lists().begin(list), n = plan_.size(list);
    const auto size = static_cast<std::size_t>(n);
    const std::int32_t* order = plan_.order(list);
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    if (!std::isfinite(list_weight)) return false;
    CountScratch<N>& own = std::get<CountScratch<N>>(s.counts);
    N* score = padded(own.score, size);
    const std::int32_t* level_begin = plan_.level_begin(list);
    const std::int32_t n_levels = plan_.n_levels(list);
    for_windows(team, order, level_begin, n_levels, s.parts, [&](std::int64_t begin, std::int64_t end, ItemPart& part) {
        gather_only(call.scores + base, order + begin, end - begin, unit_.factor(), score + begin, part);
    });
    const ItemPart all = joined(s.parts);
    if (!all.finite) return false;
    const double low = all.low * unit_.factor(), high = all.high * unit_.factor();
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    if (!unit_.fits(all.low, all.high, loss.degree)) return false;
    if (std::is_same_v<N, float> && std::max(-low, high) > kFloatScore) return false;

    PartnerCountJob<N> job;
    job.unit = unit_.unit();
    job.score = score;
    job.level_begin = level_begin;
    job.n_levels = n_levels;
    job.row_end = plan_.size(list);
    if (!by_merges && high - low > kCountedRange) return false;
    job.slope = padded(s.slope, size);
    if (call.mode == kGradPositiveHess) job.partners = padded(s.partners, size);
    std::fill_n(score + n, kPadding, N(0));
    CountedPairs counted;
    if (by_merges) {
        counted = count_by_merges(loss, job, with_value(call.mode), low, high, own, team);
    } else {
        counted.pairs = count_pair_by_pair(loss, job, team);
        if (with_value(call.mode)) counts_of<N>(loss).add_products(score, job.slope, n, counted.products);
    }
    if (with_value(call.mode)) value = list_weight * unit_.of_value(counted.value(job.unit), loss.degree).number();

    // Of numbers of pairs, which have no unit.
    const double grad_factor = unit_.of_grad(call.scale * list_weight, 0).number();
    const double hess_factor = unit_.of_hess(call.scale * list_weight).number();
    const bool anywhere = n_levels > kWindowLevels;
    T* const grad = call.grad == nullptr ? nullptr : call.grad + base;
    T* const hess = call.hess == nullptr ? nullptr : call.hess + base;
    for_windows(team, order, level_begin, n_levels, s.parts, [&](std::int64_t begin, std::int64_t end, ItemPart&) {
        scatter_results(job.slope, order, begin, end, grad_factor, kNoLeast, anywhere, grad);
        if (job.partners != nullptr)
            return scatter_results(job.partners, order, begin, end, hess_factor, call.min_hessian, anywhere, hess);
        for (std::int64_t k = begin; hess != nullptr && k < end; ++k)  // exactly, the hinge has no curvature
            hess[order[k]] = static_cast<T>(std::max(0.0, call.min_hessian));
    });
    return true;
}

template bool Pairwise::is_counted(const LossCall<float>&, std::int64_t) const;
template bool Pairwise::is_counted(const LossCall<double>&, std::int64_t) const;
template bool Pairwise::count(const LossCall<float>&, std::int64_t, Scratch&, const Team&, double&) const;
template bool Pairwise::count(const LossCall<double>&, std::int64_t, Scratch&, const Team&, double&) const;

}  // namespace rankgrad
