// From settings to a bound loss. A new family of losses over lists is added here.
#include "engine/objective/bound_loss.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/listwise/listwise.hpp"
#include "engine/pairwise/pairwise.hpp"
#include "engine/runtime/errors.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/settings/loss_names.hpp"

namespace rankgrad {
namespace {

constexpr const char* kNegativeLabels[] = {"ignore", "use"};

/// Bins and margins are made by dividing by it.
double take_temperature(Settings& settings) {
    const double temperature = settings.number("temperature", 1.0);
    if (!(temperature > 0 && std::isfinite(temperature)))
        throw ArgumentError("temperature: a positive number is wanted");
    return temperature;
}

/// The gap product is known by what it is made of; other forms bear their own names.
PairWeightOptions take_pair_weight(Settings& loss) {
    const LambdaFamily& family = *kernels().lambda;
    std::vector<const char*> names = {"none", "label_difference", "ndcg"};
    for (int form = 1; form < family.n_weights; ++form) names.push_back(family.weights[form].name);
    Settings settings = loss.settings("lambda_weight", "none");
    const int k = place_in("lambda_weight", settings.name(), names.data(), names.size());
    PairWeightOptions options;
    options.form = k == 0 ? -1 : std::max(k - 2, 0);
    options.ranked = k >= 2;
    if (options.ranked) {
        options.gain = settings.choice<Gain::Kind>("gain", Gain::kNames, "exp2");
        options.gain_table = settings.numbers("gain_table");
        options.cutoff = settings.count("k");
        options.truncation = settings.count("truncation");
        options.normalize = settings.flag("normalize", true);
    }
    settings.refuse_others();
    return options;
}

PairwiseLoss take_loss(Settings& settings, const Pairwise* /*family*/) {
    PairwiseLoss loss;
    Settings named = settings.settings("loss", "");
    loss.name = named.name();
    take_parameters(named, *kernels().pair, loss.parameters.own);
    loss.weight = take_pair_weight(settings);
    return loss;
}

ListwiseLoss take_loss(Settings& settings, const Listwise* /*family*/) {
    ListwiseLoss loss;
    Settings named = settings.settings("loss", "");
    loss.name = named.name();
    take_parameters(named, *kernels().list, loss.parameters);
    loss.target = settings.choice<Target>("target", kTargetNames, "label");
    loss.seed = settings.whole("seed", 0);
    return loss;
}

template <class Core> class BoundCore : public BoundLoss {
public:
    template <class... Arguments> explicit BoundCore(Arguments&&... arguments)
        : core_(std::forward<Arguments>(arguments)...) {}

    const Plan& plan() const override { return core_.plan(); }
    bool values_per_item() const override { return core_.values_per_item(); }
    double pairs(std::int64_t list) const override { return core_.pairs(list); }
    double evaluate(const LossCall<float>& call) const override { return core_.evaluate(call); }
    double evaluate(const LossCall<double>& call) const override { return core_.evaluate(call); }

private:
    Core core_;
};

template <class Core> std::unique_ptr<const BoundLoss> bind_as(Settings settings, Lists lists, Labels labels,
                                                               const std::uint8_t* mask, const Crew& crew) {
    auto loss = take_loss(settings, static_cast<const Core*>(nullptr));
    loss.temperature = take_temperature(settings);
    loss.choice = settings.choice<Choice>("algorithm", kChoiceNames, "auto");
    PlanOptions options;
    options.crew = crew;
    options.ignore_negative = settings.choice<int>("negative_labels", kNegativeLabels, "ignore") == 0;
    options.propagate_nan = settings.choice<int>("nan", kNanNames, "raise") == 1;
    settings.refuse_others();
    return std::make_unique<BoundCore<Core>>(std::move(loss), std::move(lists), labels, mask, options);
}

}  // namespace

std::unique_ptr<const BoundLoss> bind_loss(Settings settings, Lists lists, Labels labels, const std::uint8_t* mask,
                                           const Crew& crew) {
    constexpr const char* families[] = {"pairwise", "listwise"};
    const bool pairs = one_of<int>("family of losses", settings.name(), families) == 0;
    return (pairs ? bind_as<Pairwise> : bind_as<Listwise>)(std::move(settings), std::move(lists), labels, mask, crew);
}

}  // namespace rankgrad
