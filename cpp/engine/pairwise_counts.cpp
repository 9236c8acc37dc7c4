// A list of the hinge without weights: its scores go into label order, and the numbers of partners come back as derivatives.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/label_order.hpp"
#include "engine/pairwise.hpp"

namespace rankgrad {

template <class T> bool Pairwise::may_count(const LossCall<T>& call, std::int64_t list) const {
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    return loss.merge_counts != nullptr && !weights_.any() && call.item_weight == nullptr &&
           call.row_value == nullptr && call.mode != kHessVector && plan_.pairs(list) > 0 && !plan_.is_nan(list) &&
           choose_algorithm(loss_.choice, loss, call.mode, facts<T>(list, 0)) == Algorithm::sorted;
}

/// False, with nothing written, if a number is not finite.
template <class T>
bool Pairwise::count(const LossCall<T>& call, std::int64_t list, Scratch& s, Team team, double& value) const {
    // Scores that need not be divided stay what they are.
    return loss_.temperature == 1.0 ? count_in<T>(call, list, s, team, value)
                                    : count_in<double>(call, list, s, team, value);
}

template <class N, class T>
bool Pairwise::count_in(const LossCall<T>& call, std::int64_t list, Scratch& s, Team team, double& value) const {
    const std::int64_t base = plan_.lists().begin(list), n = plan_.size(list);
    const auto size = static_cast<std::size_t>(n);
    const std::int32_t* order = plan_.order(list);
    const double list_weight = call.list_weight == nullptr ? 1.0 : call.list_weight[list];
    if (!std::isfinite(list_weight)) return false;
    CountScratch<N>& own = std::get<CountScratch<N>>(s.counts);
    N* score = padded(own.score, size);
    PartnerCountJob<N> job;
    if (call.grad != nullptr) job.slope = padded(s.slope, size);
    if (call.mode == kGradPositiveHess) job.partners = padded(s.partners, size);
    for_parts(team, n, s.parts, [&](std::int64_t begin, std::int64_t end, ItemPart& part) {
        part = {};
        gather_scores(call.scores + base, order + begin, end - begin, loss_.temperature, score + begin, part);
    });
    const ItemPart all = joined(s.parts);
    if (!all.finite) return false;

    job.score = score;
    job.low = all.low / loss_.temperature;
    job.high = all.high / loss_.temperature;
    job.level_begin = plan_.level_begin(list);
    job.n_levels = plan_.n_levels(list);
    value = list_weight * count_partners(kernels().pair->losses[loss_index_], call.mode, job, own.sort, team);

    const double grad_factor = call.scale * list_weight / loss_.temperature;
    const double hess_factor = grad_factor / loss_.temperature;
    T* const grad = call.grad == nullptr ? nullptr : call.grad + base;
    T* const hess = call.hess == nullptr ? nullptr : call.hess + base;
    for_parts(team, n, s.parts, [&](std::int64_t begin, std::int64_t end, ItemPart&) {
        scatter_results(job.slope, order, begin, end, grad_factor, kNoLeast, grad);
        if (job.partners != nullptr)
            return scatter_results(job.partners, order, begin, end, hess_factor, call.min_hessian, hess);
        for (std::int64_t k = begin; hess != nullptr && k < end; ++k)  // exactly, the hinge has no curvature
            hess[order[k]] = static_cast<T>(std::max(0.0, call.min_hessian));
    });
    return true;
}

template bool Pairwise::may_count(const LossCall<float>&, std::int64_t) const;
template bool Pairwise::may_count(const LossCall<double>&, std::int64_t) const;
template bool Pairwise::count(const LossCall<float>&, std::int64_t, Scratch&, Team, double&) const;
template bool Pairwise::count(const LossCall<double>&, std::int64_t, Scratch&, Team, double&) const;

}  // namespace rankgrad
