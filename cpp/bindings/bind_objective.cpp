// Objectives: losses over lists of any family, bound to labels and weights. One evaluation is one call with named
// fields.
#include <pybind11/stl.h>

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/construct.hpp"
#include "bindings/fields.hpp"
#include "bindings/gil.hpp"
#include "bindings/settings.hpp"
#include "engine/objective/objective.hpp"

namespace rankgrad {
namespace {

/// The arguments hold the arrays while the GIL is not held.
std::unique_ptr<Objective> make_objective(const py::object& settings, const py::array& labels,
                                          const OptionalArray& offsets, const OptionalArray& mask,
                                          std::optional<double> weight, const OptionalArray& item_weight,
                                          const OptionalArray& list_weight, int threads) {
    Lists lists = lists_from(offsets, labels.size());
    const SampleWeight weights{weight, input<double>(item_weight, labels.size(), "sample_weight"),
                               input<double>(list_weight, lists.count(), "sample_weight")};
    const auto* valid = input<std::uint8_t>(mask, labels.size(), "mask");
    Settings read = settings_from(settings);
    const Labels typed = labels_from(labels);
    const Crew crew{threads_for(threads), &python_interrupted};
    const Computing computing;
    return std::make_unique<Objective>(std::move(read), std::move(lists), typed, valid, weights, crew);
}

/// Holds the arrays of a call while the GIL is not held.
struct ObjectiveFields {
    OptionalArray scores, vector, cotangent, values, grad, hess;
    int mode = -1;
    double cotangent_factor = 1, min_hessian = 0;
    int threads = 0;
    std::uint64_t iteration = 0;

    bool set(std::string_view name, py::handle value) {
        if (name == "mode") mode = value.cast<int>();
        else if (name == "scores") scores = value.cast<py::array>();
        else if (name == "grad") grad = value.cast<py::array>();
        else if (name == "hess") hess = value.cast<py::array>();
        else if (name == "values") values = value.cast<py::array>();
        else if (name == "threads") threads = value.cast<int>();
        else if (name == "vector") vector = value.cast<py::array>();
        else if (name == "cotangent") cotangent = value.cast<py::array>();
        else if (name == "cotangent_factor") cotangent_factor = value.cast<double>();
        else if (name == "min_hessian") min_hessian = value.cast<double>();
        else if (name == "iteration") iteration = value.cast<std::uint64_t>();
        else return false;
        return true;
    }
};

template <class T> double evaluate_as(const Objective& objective, ObjectiveFields& fields) {
    const py::ssize_t n = objective.plan().lists().n_items(), n_values = objective.n_values();
    LossCall<T> call;
    call.mode = static_cast<PairMode>(fields.mode);
    call.scores = input<T>(*fields.scores, n, "scores");
    call.vector = input<T>(fields.vector, n, "vector");
    call.cotangent = input<double>(fields.cotangent, n_values, "cotangent");
    call.cotangent_factor = fields.cotangent_factor;
    call.min_hessian = fields.min_hessian;
    call.threads = threads_for(fields.threads);
    call.interrupt = &python_interrupted;
    call.iteration = fields.iteration;
    call.row_value = output<T>(fields.values, n_values, "out");
    call.grad = output<T>(fields.grad, n, "out");
    call.hess = output<T>(fields.hess, n, "out");
    const Computing computing;
    return objective.evaluate(call);
}

double evaluate(const Objective& objective, const GivenFields& given) {
    ObjectiveFields fields;
    read_fields(given, {"mode", "scores"}, fields);
    if (!fields.scores) throw py::type_error("scores: an array is wanted");
    return (holds<float>(*fields.scores) ? evaluate_as<float> : evaluate_as<double>)(objective, fields);
}

std::int64_t first_nonfinite(const Objective& objective, const py::array& x) {
    const Plan& plan = objective.plan();
    const py::ssize_t n = plan.lists().n_items();
    return holds<float>(x) ? plan.first_nonfinite(input<float>(x, n, "x"), 1)
                           : plan.first_nonfinite(input<double>(x, n, "x"), 1);
}

/// Whether some list has two valid items, `by_label`: two whose labels differ.
bool compares_items(const Objective& objective, bool by_label) {
    const Plan& plan = objective.plan();
    for (std::int64_t l = 0; l < plan.lists().count(); ++l)
        if (plan.size(l) > 1 && (!by_label || plan.pairs(l) > 0)) return true;
    return false;
}

py::object copy_of(const double* x, std::int64_t n) {
    if (x == nullptr) return py::none();
    return py::array_t<double>(static_cast<py::ssize_t>(n), x);
}

py::array offsets(const Objective& objective) {
    const std::vector<std::int64_t>& offsets = objective.plan().lists().offsets();
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(offsets.size()), offsets.data());
}

py::array valid(const Objective& objective) {
    py::array_t<bool> out(objective.plan().lists().n_items());
    objective.plan().write_mask(reinterpret_cast<std::uint8_t*>(out.mutable_data()));
    return out;
}

/// Of each list its pairs.
py::array pairs(const Objective& objective) {
    const DefaultFloatMode mode;
    py::array_t<double> out(objective.plan().lists().count());
    for (py::ssize_t l = 0; l < out.size(); ++l) out.mutable_data()[l] = objective.loss().pairs(l);
    return out;
}

py::array lists_with_items(const Objective& objective) {
    py::array_t<bool> out(objective.plan().lists().count());
    for (py::ssize_t l = 0; l < out.size(); ++l) out.mutable_data()[l] = objective.plan().size(l) > 0;
    return out;
}

/// The constructor's three arguments.
py::tuple weights(const Objective& objective) {
    const Weights& weights = objective.weights();
    const Lists& lists = objective.plan().lists();
    return py::make_tuple(weights.given_number(), copy_of(weights.item(), lists.n_items()),
                          copy_of(weights.list(), lists.count()));
}

std::string place(const Objective& objective, std::int64_t item) { return objective.plan().lists().place(item); }

}  // namespace

void bind_objective(py::module_& module) {
    py::class_<Objective, std::shared_ptr<Objective>> objective(module, "Objective");
    def_constructor(objective, &make_objective, py::arg("settings"), py::arg("labels"), py::arg("offsets") = py::none(),
                    py::arg("mask") = py::none(), py::arg("weight") = py::none(), py::arg("item_weight") = py::none(),
                    py::arg("list_weight") = py::none(), py::arg("threads") = 0);
    FieldsMethod<Objective, &evaluate>::define(
        objective, "evaluate",
        "evaluate(mode, scores, *, vector, cotangent, cotangent_factor, min_hessian, threads, iteration, values, grad, "
        "hess)");
    py::tuple names(std::size(kReductionNames));
    for (std::size_t k = 0; k < names.size(); ++k) names[k] = kReductionNames[k];
    module.attr("REDUCTIONS") = names;
    objective.def("first_nonfinite", &first_nonfinite, py::arg("x"))
        .def("place", &place, py::arg("item"))
        .def("compares_items", &compares_items, py::arg("by_label"))
        .def("valid", &valid)
        .def("offsets", &offsets)
        .def("lists_with_items", &lists_with_items)
        .def("pairs", &pairs)
        .def("weights", &weights)
        .def_property_readonly("values_per_item", [](const Objective& o) { return o.loss().values_per_item(); })
        .def_property_readonly("n_items", [](const Objective& o) { return o.plan().lists().n_items(); })
        .def_property_readonly("n_lists", [](const Objective& o) { return o.plan().lists().count(); })
        .def_property_readonly("n_valid", [](const Objective& o) { return o.plan().n_valid(); });
}

}  // namespace rankgrad
