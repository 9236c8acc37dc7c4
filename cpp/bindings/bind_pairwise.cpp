// Pairwise losses bound to data.
#include <memory>

#include "bindings/bind_loss.hpp"
#include "bindings/construct.hpp"
#include "engine/pairwise.hpp"

namespace rankgrad {
namespace {

Choice choice_named(const std::string& algorithm) {
    if (algorithm == "auto") return Choice::automatic;
    if (algorithm == "direct") return Choice::direct;
    if (algorithm == "fast") return Choice::fast;
    throw ArgumentError("algorithm: one of 'auto', 'direct', 'fast' is wanted, got '" + algorithm + "'");
}

}  // namespace

void bind_pairwise(py::module_& module) {
    module.attr("VALUE") = static_cast<int>(kValue);
    module.attr("VALUE_GRAD") = static_cast<int>(kValueGrad);
    module.attr("GRAD_HESS") = static_cast<int>(kGradHess);
    module.attr("GRAD_POSITIVE_HESS") = static_cast<int>(kGradPositiveHess);
    module.attr("HESS_VECTOR") = static_cast<int>(kHessVector);
    py::class_<Pairwise> loss(module, "Pairwise");
    def_constructor(
        loss,
        [](const std::string& name, double temperature, double tau, const py::array& labels,
           const OptionalArray& offsets, const OptionalArray& mask, bool ignore_negative, bool propagate_nan,
           const std::string& algorithm) {
            const DefaultFloatMode mode;
            PlanOptions options;
            options.ignore_negative = ignore_negative;
            options.propagate_nan = propagate_nan;
            const auto* valid = input<std::uint8_t>(mask, labels.size(), "mask");
            LossParameters parameters;
            parameters.tau = tau;
            return std::make_unique<Pairwise>(PairwiseLoss{name, temperature, parameters, choice_named(algorithm)},
                                              lists_from(offsets, labels.size()), labels_from(labels), valid, options);
        },
        py::arg("loss"), py::arg("temperature"), py::arg("tau"), py::arg("labels"), py::arg("offsets"), py::arg("mask"),
        py::arg("ignore_negative"), py::arg("propagate_nan"), py::arg("algorithm"));
    def_loss_methods(loss);
}

}  // namespace rankgrad
