// Listwise and pointwise losses bound to data.
#include <memory>

#include "bindings/bind_loss.hpp"
#include "bindings/construct.hpp"
#include "engine/listwise/listwise.hpp"

namespace rankgrad {

void bind_listwise(py::module_& module) {
    module.def("list_losses", &list_loss_names);
    py::class_<Listwise> loss(module, "Listwise");
    def_constructor(
        loss,
        [](const std::string& name, const std::string& target, double temperature, double epsilon, std::int64_t cutoff,
           std::uint64_t seed, const py::array& labels, const OptionalArray& offsets, const OptionalArray& mask,
           bool ignore_negative, bool propagate_nan, const std::string& algorithm) {
            const DefaultFloatMode mode;
            check_temperature(temperature);
            PlanOptions options;
            options.ignore_negative = ignore_negative;
            options.propagate_nan = propagate_nan;
            const auto* valid = input<std::uint8_t>(mask, labels.size(), "mask");
            LossParameters parameters;
            parameters.epsilon = epsilon;
            parameters.cutoff = static_cast<double>(cutoff);
            return std::make_unique<Listwise>(
                ListwiseLoss{name, target, temperature, parameters, seed, choice_named(algorithm)},
                lists_from(offsets, labels.size()), labels_from(labels), valid, options);
        },
        py::arg("loss"), py::arg("target"), py::arg("temperature"), py::arg("epsilon"), py::arg("cutoff"),
        py::arg("seed"), py::arg("labels"), py::arg("offsets"), py::arg("mask"), py::arg("ignore_negative"),
        py::arg("propagate_nan"), py::arg("algorithm") = "auto");
    def_loss_methods(loss);
}

}  // namespace rankgrad
