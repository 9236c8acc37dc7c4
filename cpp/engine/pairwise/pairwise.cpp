// One list at a time: its scores are gathered in label order, one of the wings adds up the pairs, the results are
// scattered. Sums of a list depend on that list alone, so threads cannot change a bit.
#include "engine/pairwise/pairwise.hpp"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

#include "engine/direct/direct_sums.hpp"
#include "engine/direct/overflowed_sums.hpp"
#include "engine/expansion/expansion_sums.hpp"
#include "engine/lambda/lambda_sums.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/settings/loss_names.hpp"
#include "engine/sorted/sorted_sums.hpp"

namespace rankgrad {
namespace {

/// The square of a temperature, and one divided by it, are normal numbers: level tables do not take a unit apart.
constexpr double kLeastTemperature = 1e-150;

}  // namespace

Pairwise::Pairwise(PairwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options)
    : loss_(std::move(loss)), loss_index_(find_loss(*kernels().pair, loss_.name)), plan_([&] {
          const PairLossKernels& of_loss = kernels().pair->losses[loss_index_];
          options.labels_are_numbers = of_loss.uses_label_gap || loss_.weight.form >= 0;
          options.near_linear_cost = loss_.choice != Choice::direct && has_fast_sums(of_loss);
          return Plan(std::move(lists), labels, mask, options);
      }()),
      weights_(loss_.weight, plan_, options.crew) {
    if (this->loss().all_pairs) loss_.temperature = 1.0;
    unit_ = ScoreUnit(loss_.temperature);
    if (weights_.any()) return;
    std::vector<std::int64_t> with_codes;
    for (std::int64_t l = 0; l < plan_.lists().count(); ++l)
        if (plan_.n_levels(l) <= kMostCodes && may_take_tables(loss_.choice, this->loss(), facts(l)))
            with_codes.push_back(l);
    codes_ = LevelCodes(plan_, with_codes, options.crew);
}

double Pairwise::pairs(std::int64_t list) const {
    const double m = plan_.size(list);
    return loss().all_pairs ? m * m : plan_.pairs(list);
}

ListFacts Pairwise::facts(std::int64_t list) const {
    ListFacts facts;
    facts.items = plan_.size(list);
    facts.pairs = pairs(list);
    facts.levels = plan_.n_levels(list);
    facts.has_pair_weights = weights_.any();
    facts.weights_separate = weights_.separate() && !weights_.truncates(plan_.size(list));
    return facts;
}

template <class T> ListFacts Pairwise::facts(const LossCall<T>& call, std::int64_t list) const {
    ListFacts facts = this->facts(list);
    facts.is_float = std::is_same_v<T, float>;
    if (plan_.is_nan(list)) return facts;
    const bool moderate = loss_.temperature >= kLeastTemperature && loss_.temperature <= 1 / kLeastTemperature;
    facts.has_codes = moderate && codes_.level(list) != nullptr;
    facts.counted = loss().counts != nullptr && !weights_.any() && call.item_weight == nullptr &&
                    call.row_value == nullptr && call.mode != kHessVector && facts.pairs > 0;
    return facts;
}

template <class T> double Pairwise::evaluate(const LossCall<T>& call) const {
    if (!reads_all_first()) check_finite(plan_, call);
    if (!plan_.all_valid())
        for (T* out : {call.row_value, call.grad, call.hess})
            if (out != nullptr) std::fill(out, out + plan_.lists().n_items(), T(0));

    return sum_over_lists(
        plan_, call, pool_,
        [&](std::int64_t list, Scratch& scratch, const Team& team) { return evaluate_list(call, list, scratch, team); },
        plan_.long_lists());
}

/// Level tables and counts read the scores in their own way, and decline what they find too far apart.
template <class T>
double Pairwise::evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    if (plan_.size(list) == 0) return 0.0;
    ListFacts facts = this->facts(call, list);
    const Route before_reading = route(call.mode, facts);
    if (before_reading == Route::level_tables) {
        LevelTableSum<T> sum(plan_, codes_, call, list, s.tables, team);
        const bool finite = sum.read();
        facts.range = sum.range() / loss_.temperature;
        if (finite && route(call.mode, facts) == Route::level_tables)
            return sum.run(loss().expansion[facts.is_float ? 0 : 1], loss_.temperature,
                           call.list_weight == nullptr ? 1.0 : call.list_weight[list], s.expansion);
    } else if (before_reading != Route::after_reading) {
        const std::optional<double> value =
            counted_hinge(call, plan_, list, loss(), unit_, before_reading == Route::counted_merges, s.counts, team);
        if (value) return *value;
    }
    return sum_gathered(call, list, s, team);
}

template <class T>
double Pairwise::sum_gathered(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    GatheredList gathered(call, plan_, list, {loss(), loss_.parameters, unit_}, !weights_.any(), s.list, team);
    if (!gathered.finite || plan_.is_nan(list)) {
        if (reads_all_first()) check_finite(plan_, call);
        gathered.set_nan();
    } else {
        ListFacts facts = this->facts(list);
        facts.is_float = gathered.is_float;
        facts.range = gathered.range();
        if (wants_bins(loss(), facts))
            facts.bins = count_bins(gathered.scores(), gathered.n(),
                                    loss().expansion[facts.is_float ? 0 : 1].bin_width * gathered.unit.unit());
        sum(route(call.mode, facts), gathered, call.scores + plan_.lists().begin(list), s);
    }
    return gathered.scatter(call);
}

template <class T> void Pairwise::sum(Route route, GatheredList& list, const T* scores, Scratch& s) const {
    const LambdaKernels lambda{kernels().lambda->losses[loss_index_], *kernels().lambda};
    switch (route) {
        case Route::direct: direct_sums(list); break;
        case Route::sorted: sorted_sums(list); break;
        case Route::closed_form: closed_form_sums(list); break;
        case Route::expansion: expansion_sums(list, s.expansion); break;
        case Route::lambda_pairs: lambda_sums(list, scores, lambda, weights_, false, s.lambda); break;
        case Route::lambda_scans: lambda_sums(list, scores, lambda, weights_, true, s.lambda); break;
        default: return;  // there are no pairs
    }
    if (list.loss.exponential)
        mend_overflowed_sums(list, weights_.any() ? pair_weights_of(list, weights_, s.lambda) : PairWeightsOf());
}

template double Pairwise::evaluate(const LossCall<float>&) const;
template double Pairwise::evaluate(const LossCall<double>&) const;

}  // namespace rankgrad
