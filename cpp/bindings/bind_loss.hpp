// What every bound loss offers to Python, whatever its core: one evaluation and the facts of its plan.
#pragma once

#include <pybind11/stl.h>

#include <cmath>
#include <vector>

#include "bindings/arrays.hpp"
#include "bindings/gil.hpp"
#include "engine/data/evaluation.hpp"

namespace rankgrad {

/// Bins and margins are made by dividing by it.
inline void check_temperature(double temperature) {
    if (!(temperature > 0 && std::isfinite(temperature)))
        throw ArgumentError("temperature: a positive number is wanted");
}

template <class T, class Core> double evaluate_as(const Core& core, int mode, const py::array& scores,
                                                  const OptionalArray& vector, const OptionalArray& item_weight,
                                                  const OptionalArray& list_weight, double scale,
                                                  const OptionalArray& cotangent, double grad_scale, double min_hessian,
                                                  bool check_finite, int threads, OptionalArray row_value,
                                                  OptionalArray grad, OptionalArray hess, std::uint64_t iteration) {
    const Lists& lists = core.plan().lists();
    const py::ssize_t n = lists.n_items();
    LossCall<T> call;
    call.mode = static_cast<PairMode>(mode);
    call.scores = input<T>(scores, n, "scores");
    call.vector = input<T>(vector, n, "vector");
    call.item_weight = input<double>(item_weight, n, "sample_weight");
    call.list_weight = input<double>(list_weight, lists.count(), "sample_weight");
    call.of_value = {call.item_weight, call.list_weight, scale};
    const py::ssize_t n_values = core.values_per_item() ? n : lists.count();
    const auto* cotangents = input<double>(cotangent, n_values, "cotangent");
    call.check_finite = check_finite;
    call.threads = threads_for(threads);
    call.interrupt = &python_interrupted;
    call.iteration = iteration;
    call.row_value = output<T>(row_value, n_values, "out");
    call.grad = output<T>(grad, n, "out");
    call.hess = output<T>(hess, n, "out");
    if ((call.mode != kValue) != (call.grad != nullptr) || with_hess(call.mode) != (call.hess != nullptr))
        throw ArgumentError("out: the results of the mode are wanted");
    if ((call.mode == kHessVector) != (call.vector != nullptr)) throw ArgumentError("vector: the mode's is wanted");
    const Computing computing;
    std::vector<double> weights;
    set_derivative_factors(call, grad_scale, cotangents, n_values, core.values_per_item(), weights);
    set_least_hessian(call, min_hessian);
    return core.evaluate(call);
}

template <class Core> double evaluate(const Core& core, int mode, const py::array& scores, const OptionalArray& vector,
                                      const OptionalArray& item_weight, const OptionalArray& list_weight, double scale,
                                      const OptionalArray& cotangent, double grad_scale, double min_hessian,
                                      bool check_finite, int threads, const OptionalArray& row_value,
                                      const OptionalArray& grad, const OptionalArray& hess, std::uint64_t iteration) {
    if (mode < 0 || mode >= kPairModes) throw ArgumentError("mode: unknown");
    const auto run = holds<float>(scores) ? &evaluate_as<float, Core> : &evaluate_as<double, Core>;
    return run(core, mode, scores, vector, item_weight, list_weight, scale, cotangent, grad_scale, min_hessian,
               check_finite, threads, row_value, grad, hess, iteration);
}

template <class Core> std::int64_t first_nonfinite(const Core& core, const py::array& x) {
    const Plan& plan = core.plan();
    const py::ssize_t n = plan.lists().n_items();
    return holds<float>(x) ? plan.first_nonfinite(input<float>(x, n, "x"), 1)
                           : plan.first_nonfinite(input<double>(x, n, "x"), 1);
}

template <class Core> py::array_t<std::int64_t> offsets(const Core& core) {
    const std::vector<std::int64_t>& offsets = core.plan().lists().offsets();
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(offsets.size()), offsets.data());
}

/// Whether some list has two valid items, `by_label`: two whose labels differ.
template <class Core> bool compares_items(const Core& core, bool by_label) {
    const Plan& plan = core.plan();
    for (std::int64_t l = 0; l < plan.lists().count(); ++l)
        if (plan.size(l) > 1 && (!by_label || plan.pairs(l) > 0)) return true;
    return false;
}

/// One number per list.
template <class T, class Core, class Of> py::array_t<T> per_list(const Core& core, Of of) {
    py::array_t<T> out(core.plan().lists().count());
    for (py::ssize_t l = 0; l < out.size(); ++l) out.mutable_data()[l] = of(l);
    return out;
}

template <class Core> void def_loss_methods(py::class_<Core>& loss) {
    loss.def("evaluate", &evaluate<Core>, py::arg("mode"), py::arg("scores"), py::arg("vector"), py::arg("item_weight"),
             py::arg("list_weight"), py::arg("scale"), py::arg("cotangent"), py::arg("grad_scale"),
             py::arg("min_hessian"), py::arg("check_finite"), py::arg("threads"), py::arg("row_value"), py::arg("grad"),
             py::arg("hess"), py::arg("iteration") = 0)
        .def("first_nonfinite", &first_nonfinite<Core>, py::arg("x"))
        .def(
            "place", [](const Core& c, std::int64_t item) { return c.plan().lists().place(item); }, py::arg("item"))
        .def("valid",
             [](const Core& c) {
                 py::array_t<bool> out(c.plan().lists().n_items());
                 c.plan().write_mask(reinterpret_cast<std::uint8_t*>(out.mutable_data()));
                 return out;
             })
        .def("offsets", &offsets<Core>)
        .def("lists_with_items",
             [](const Core& c) { return per_list<bool>(c, [&](std::int64_t l) { return c.plan().size(l) > 0; }); })
        .def("pairs",
             [](const Core& c) {
                 const DefaultFloatMode mode;
                 return per_list<double>(c, [&](std::int64_t l) { return c.pairs(l); });
             })
        .def("compares_items", &compares_items<Core>, py::arg("by_label"))
        .def_property_readonly("values_per_item", &Core::values_per_item)
        .def_property_readonly("n_items", [](const Core& c) { return c.plan().lists().n_items(); })
        .def_property_readonly("n_lists", [](const Core& c) { return c.plan().lists().count(); })
        .def_property_readonly("n_valid", [](const Core& c) { return c.plan().n_valid(); })
        .def_property_readonly("n_nonempty_lists", [](const Core& c) { return c.plan().n_nonempty_lists(); });
}

}  // namespace rankgrad
