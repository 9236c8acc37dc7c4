// Levels, threads, build facts, and the elementwise functions that tests check.
#include <pybind11/stl.h>

#include <cfenv>
#include <memory>
#include <optional>

#include "bindings/arrays.hpp"
#include "bindings/construct.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/runtime/float_mode.hpp"
#include "engine/data/cost_model.hpp"
#include "engine/settings/loss_names.hpp"
#include "engine/runtime/parallel.hpp"

namespace rankgrad {
namespace {

/// DefaultFloatMode for Python's part, with the rounding of x87, by which NumPy converts long doubles.
class FloatModeInPython {
public:
    void enter() {
        if (mode_) return;
        mode_.emplace();
        rounding_ = std::fegetround();
        std::fesetround(FE_TONEAREST);
    }
    void leave() {
        if (mode_) std::fesetround(rounding_);
        mode_.reset();
    }

private:
    std::optional<DefaultFloatMode> mode_;
    int rounding_ = FE_TONEAREST;
};

template <class T> py::array math_array(const std::string& name, const py::array& x, const MathKernels<T>& math) {
    const auto function = name == "exp"          ? math.exp
                          : name == "exp_inside" ? math.exp_inside
                          : name == "log"        ? math.log
                          : name == "log1p"      ? math.log1p
                                                 : nullptr;
    if (function == nullptr)
        throw ArgumentError("name: one of exp, exp_inside, log, log1p is wanted, got '" + name + "'");
    py::array_t<T> out(x.size());
    function(input<T>(x, x.size(), "x"), x.size(), out.mutable_data());
    return out;
}

py::dict build_info() {
    py::dict info;
    info["version"] = RANKGRAD_VERSION;
    info["compiler"] = RANKGRAD_COMPILER;
    info["kernel_flags"] = RANKGRAD_KERNEL_FLAGS;
    info["threads"] = thread_backend();
    return info;
}

}  // namespace

void bind_runtime(py::module_& module) {
    py::class_<FloatModeInPython> mode(module, "DefaultFloatMode");
    def_constructor(mode, [] { return std::make_unique<FloatModeInPython>(); });
    mode.def("__enter__", &FloatModeInPython::enter).def("__exit__", [](FloatModeInPython& self, const py::args&) {
        self.leave();
    });
    module.attr("__version__") = RANKGRAD_VERSION;
    module.def("build_info", &build_info);
    module.def("isa_levels", &available_isas);
    module.def("isa_level", [] { return std::string(kernels().isa); });
    module.def(
        "select_isa",
        [](const std::string& name) {
            try {
                select_isa(name);
            } catch (const std::invalid_argument& error) {
                throw ArgumentError(error.what());
            }
        },
        py::arg("name"));
    module.def("set_default_threads", &set_default_threads, py::arg("threads"), "Sets, and gives the setting before.");
    module.def("default_threads", &default_threads);
    module.def("pair_losses", [] { return loss_names(*kernels().pair); });
    module.def("list_losses", [] { return loss_names(*kernels().list); });
    module.attr("VALUE") = static_cast<int>(kValue);
    module.attr("VALUE_GRAD") = static_cast<int>(kValueGrad);
    module.attr("GRAD_HESS") = static_cast<int>(kGradHess);
    module.attr("GRAD_POSITIVE_HESS") = static_cast<int>(kGradPositiveHess);
    module.attr("HESS_VECTOR") = static_cast<int>(kHessVector);
    module.def("cost_constants", [] {
        py::dict constants;
        for (const auto& [name, nanoseconds] : cost_constants()) constants[py::str(name)] = nanoseconds;
        return constants;
    });
    module.def(
        "vector_math",
        [](const std::string& name, const py::array& x) {
            return holds<float>(x) ? math_array<float>(name, x, kernels().float_math)
                                   : math_array<double>(name, x, kernels().double_math);
        },
        py::arg("name"), py::arg("x"));
}

}  // namespace rankgrad
