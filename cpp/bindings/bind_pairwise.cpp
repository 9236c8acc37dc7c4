// Pairwise losses bound to data.
#include <memory>

#include "bindings/bind_loss.hpp"
#include "bindings/construct.hpp"
#include "engine/pairwise/pairwise.hpp"

namespace rankgrad {
namespace {

/// weight: "none", "label_difference" or "ndcg"; gain: "exp2", "linear" or "table"; 0 for no cutoff, no truncation.
std::unique_ptr<PairWeightOptions> make_weight(const std::string& weight, const std::string& gain,
                                               const py::array& gain_table, std::int64_t cutoff,
                                               std::int64_t truncation, bool normalize) {
    auto made = std::make_unique<PairWeightOptions>();
    PairWeightOptions& options = *made;
    options.ranked = weight != "label_difference";
    options.form = weight == "none" ? "" : weight == "label_difference" || weight == "ndcg" ? "gap_product" : weight;
    options.gain = gain == "exp2"     ? Gain::kExp2
                   : gain == "linear" ? Gain::kLinear
                   : gain == "table"  ? Gain::kTable
                                      : throw ArgumentError("gain: unknown: '" + gain + "'");
    const auto* table = input<double>(gain_table, gain_table.size(), "gain");
    options.gain_table.assign(table, table + gain_table.size());
    if (cutoff < 0 || truncation < 0) throw ArgumentError("k, truncation: at least 1 is wanted");
    options.cutoff = cutoff;
    options.truncation = truncation;
    options.normalize = normalize;
    return made;
}

}  // namespace

void bind_pairwise(py::module_& module) {
    module.attr("VALUE") = static_cast<int>(kValue);
    module.attr("VALUE_GRAD") = static_cast<int>(kValueGrad);
    module.attr("GRAD_HESS") = static_cast<int>(kGradHess);
    module.attr("GRAD_POSITIVE_HESS") = static_cast<int>(kGradPositiveHess);
    module.attr("HESS_VECTOR") = static_cast<int>(kHessVector);
    py::class_<PairWeightOptions> pair_weight(module, "PairWeight");
    def_constructor(pair_weight, &make_weight, py::arg("weight"), py::arg("gain"), py::arg("gain_table"),
                    py::arg("cutoff"), py::arg("truncation"), py::arg("normalize"));
    py::class_<Pairwise> loss(module, "Pairwise");
    def_constructor(
        loss,
        [](const std::string& name, double temperature, double tau, const py::array& labels,
           const OptionalArray& offsets, const OptionalArray& mask, bool ignore_negative, bool propagate_nan,
           const std::string& algorithm, const PairWeightOptions& weight) {
            const DefaultFloatMode mode;
            check_temperature(temperature);
            PlanOptions options;
            options.ignore_negative = ignore_negative;
            options.propagate_nan = propagate_nan;
            const auto* valid = input<std::uint8_t>(mask, labels.size(), "mask");
            LossParameters parameters;
            parameters.tau = tau;
            return std::make_unique<Pairwise>(
                PairwiseLoss{name, temperature, parameters, choice_named(algorithm), weight},
                lists_from(offsets, labels.size()), labels_from(labels), valid, options);
        },
        py::arg("loss"), py::arg("temperature"), py::arg("tau"), py::arg("labels"), py::arg("offsets"), py::arg("mask"),
        py::arg("ignore_negative"), py::arg("propagate_nan"), py::arg("algorithm"), py::arg("weight"));
    def_loss_methods(loss);
}

}  // namespace rankgrad
