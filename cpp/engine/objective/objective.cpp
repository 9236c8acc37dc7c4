// Weights, divisor and cotangent of a call become the factors of a sum over lists.
#include "engine/objective/objective.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "engine/runtime/errors.hpp"

namespace rankgrad {
namespace {

template <class T> void check_wanted(const LossCall<T>& call) {
    if (call.mode < 0 || call.mode >= kPairModes) throw ArgumentError("mode: unknown");
    if ((call.mode != kValue) != (call.grad != nullptr) || with_hess(call.mode) != (call.hess != nullptr))
        throw ArgumentError("out: the results of the mode are wanted");
    if ((call.mode == kHessVector) != (call.vector != nullptr)) throw ArgumentError("vector: the mode's is wanted");
    if (!(call.min_hessian >= 0 && std::isfinite(call.min_hessian)))
        throw ArgumentError("min_hessian: a finite number of at least 0 is wanted");
}

/// 0 / 0 is 0.
double scale_of(Reduction reduction, const Weights& weights, const BoundLoss& loss) {
    const double divisor = divisor_of(reduction, weights, loss);
    return divisor != 0 ? weights.number() / divisor : 0.0;
}

}  // namespace

Objective::Objective(Settings settings, Lists lists, Labels labels, const std::uint8_t* mask,
                     const SampleWeight& weight, const Crew& crew)
    : reduction_(settings.choice<Reduction>("reduction", kReductionNames, "sum_over_batch_size")),
      raising_(settings.choice<int>("nan", kNanNames, "raise") == 0),
      loss_(bind_loss(std::move(settings), std::move(lists), labels, mask, crew)), weights_(weight, plan(), raising_) {
    if (reduction_ == Reduction::kMeanWithSampleWeight) weights_.balance();
    scale_ = scale_of(reduction_, weights_, *loss_);
}

std::int64_t Objective::n_values() const {
    return loss_->values_per_item() ? plan().lists().n_items() : plan().lists().count();
}

template <class T> double Objective::evaluate(LossCall<T> call) const {
    check_wanted(call);
    call.check_finite = raising_;
    call.item_weight = weights_.item();
    call.list_weight = weights_.list();
    call.of_value = {call.item_weight, call.list_weight, scale_};
    call.scale = scale_ * call.cotangent_factor;
    if (call.min_hessian == 0) call.min_hessian = -std::numeric_limits<double>::infinity();
    std::vector<double> product;
    if (call.cotangent != nullptr) {
        const double*& weight = loss_->values_per_item() ? call.item_weight : call.list_weight;
        product.assign(call.cotangent, call.cotangent + n_values());
        for (std::size_t k = 0; weight != nullptr && k < product.size(); ++k) product[k] *= weight[k];
        weight = product.data();
    }
    return loss_->evaluate(call);
}
template double Objective::evaluate(LossCall<float>) const;
template double Objective::evaluate(LossCall<double>) const;

}  // namespace rankgrad
