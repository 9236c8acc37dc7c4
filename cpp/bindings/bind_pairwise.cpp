// Pairwise losses bound to data.
#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "engine/pairwise.hpp"

namespace rankgrad {
namespace {

struct Evaluation {
    int mode;
    py::array scores;
    OptionalArray vector, item_weight, list_weight;
    double scale, min_hessian;
    bool check_finite;
    int threads;
    OptionalArray row_value, grad, hess;
};

template <class T> double evaluate_as(const Pairwise& pairwise, Evaluation& e) {
    const py::ssize_t n = pairwise.plan().lists().n_items();
    PairwiseCall<T> call;
    call.mode = static_cast<PairMode>(e.mode);
    call.scores = input<T>(e.scores, n, "scores");
    call.vector = input<T>(e.vector, n, "vector");
    call.item_weight = input<double>(e.item_weight, n, "sample_weight");
    call.list_weight = input<double>(e.list_weight, pairwise.plan().lists().count(), "sample_weight");
    call.scale = e.scale;
    call.min_hessian = e.min_hessian;
    call.check_finite = e.check_finite;
    call.threads = e.threads > 0 ? e.threads : default_threads();
    call.interrupt = &python_interrupted;
    call.row_value = output<T>(e.row_value, n, "out");
    call.grad = output<T>(e.grad, n, "out");
    call.hess = output<T>(e.hess, n, "out");
    const py::gil_scoped_release release;
    return pairwise.evaluate(call);
}

double evaluate(const Pairwise& pairwise, int mode, const py::array& scores, const OptionalArray& vector,
                const OptionalArray& item_weight, const OptionalArray& list_weight, double scale, double min_hessian,
                bool check_finite, int threads, const OptionalArray& row_value, const OptionalArray& grad,
                const OptionalArray& hess) {
    if (mode < 0 || mode >= kPairModes) throw ArgumentError("mode: unknown");
    Evaluation e{mode,        scores,       vector,  item_weight, list_weight, scale,
                 min_hessian, check_finite, threads, row_value,   grad,        hess};
    return holds<float>(scores) ? evaluate_as<float>(pairwise, e) : evaluate_as<double>(pairwise, e);
}

Choice choice_named(const std::string& algorithm) {
    if (algorithm == "auto") return Choice::automatic;
    if (algorithm == "direct") return Choice::direct;
    if (algorithm == "fast") return Choice::fast;
    throw ArgumentError("algorithm: one of 'auto', 'direct', 'fast' is wanted, got '" + algorithm + "'");
}

std::int64_t first_nonfinite(const Pairwise& pairwise, const py::array& x) {
    const py::ssize_t n = pairwise.plan().lists().n_items();
    return holds<float>(x) ? pairwise.plan().first_nonfinite(input<float>(x, n, "x"))
                           : pairwise.plan().first_nonfinite(input<double>(x, n, "x"));
}

}  // namespace

void bind_pairwise(py::module_& module) {
    module.attr("VALUE") = static_cast<int>(kValue);
    module.attr("VALUE_GRAD") = static_cast<int>(kValueGrad);
    module.attr("GRAD_HESS") = static_cast<int>(kGradHess);
    module.attr("GRAD_POSITIVE_HESS") = static_cast<int>(kGradPositiveHess);
    module.attr("HESS_VECTOR") = static_cast<int>(kHessVector);
    py::class_<Pairwise>(module, "Pairwise")
        .def(py::init([](const std::string& loss, double temperature, double tau, const py::array& labels,
                         const OptionalArray& offsets, const OptionalArray& mask, bool ignore_negative,
                         bool propagate_nan, const std::string& algorithm) {
                 PlanOptions options;
                 options.ignore_negative = ignore_negative;
                 options.propagate_nan = propagate_nan;
                 const auto* valid = input<std::uint8_t>(mask, labels.size(), "mask");
                 LossParameters parameters;
                 parameters.tau = tau;
                 return std::make_unique<Pairwise>(PairwiseLoss{loss, temperature, parameters, choice_named(algorithm)},
                                                   lists_from(offsets, labels.size()), labels_from(labels), valid,
                                                   options);
             }),
             py::arg("loss"), py::arg("temperature"), py::arg("tau"), py::arg("labels"), py::arg("offsets"),
             py::arg("mask"), py::arg("ignore_negative"), py::arg("propagate_nan"),
             py::arg("algorithm"))
        .def("evaluate", &evaluate, py::arg("mode"), py::arg("scores"), py::arg("vector"), py::arg("item_weight"),
             py::arg("list_weight"), py::arg("scale"), py::arg("min_hessian"), py::arg("check_finite"),
             py::arg("threads"), py::arg("row_value"), py::arg("grad"), py::arg("hess"))
        .def("first_nonfinite", &first_nonfinite, py::arg("x"))
        .def("place", [](const Pairwise& p, std::int64_t item) { return p.plan().lists().place(item); }, py::arg("item"))
        .def("valid", [](const Pairwise& p) {
            py::array_t<bool> out(p.plan().lists().n_items());
            p.plan().write_mask(reinterpret_cast<std::uint8_t*>(out.mutable_data()));
            return out;
        })
        .def("list_of_item", [](const Pairwise& p) {
            const Lists& lists = p.plan().lists();
            py::array_t<std::int64_t> out(lists.n_items());
            for (std::int64_t l = 0; l < lists.count(); ++l)
                for (std::int64_t i = lists.begin(l); i < lists.end(l); ++i) out.mutable_data()[i] = l;
            return out;
        })
        .def("lists_with_items", [](const Pairwise& p) {
            py::array_t<bool> out(p.plan().lists().count());
            for (py::ssize_t l = 0; l < out.size(); ++l) out.mutable_data()[l] = p.plan().size(l) > 0;
            return out;
        })
        .def("pairs", [](const Pairwise& p) {
            py::array_t<double> out(p.plan().lists().count());
            for (py::ssize_t l = 0; l < out.size(); ++l) out.mutable_data()[l] = p.pairs(l);
            return out;
        })
        .def_property_readonly("n_items", [](const Pairwise& p) { return p.plan().lists().n_items(); })
        .def_property_readonly("n_lists", [](const Pairwise& p) { return p.plan().lists().count(); })
        .def_property_readonly("n_valid", [](const Pairwise& p) { return p.plan().n_valid(); })
        .def_property_readonly("n_nonempty_lists", [](const Pairwise& p) { return p.plan().n_nonempty_lists(); });
}

}  // namespace rankgrad
