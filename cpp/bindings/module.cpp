// The extension module rankgrad._core: each family of calls binds itself.
#include <pybind11/pybind11.h>

#include "engine/runtime/errors.hpp"
#include "engine/runtime/parallel.hpp"

namespace rankgrad {
void bind_metrics(pybind11::module_& module);
void bind_runtime(pybind11::module_& module);
void bind_objective(pybind11::module_& module);
void bind_implicit(pybind11::module_& module);
void bind_xla(pybind11::module_& module);
}  // namespace rankgrad

PYBIND11_MODULE(core_of_main_interpreter, module, pybind11::mod_gil_not_used()) {
    module.doc() = "The compiled core of rankgrad. Private: use the names of the rankgrad package.";
    pybind11::register_exception_translator([](std::exception_ptr error) {
        try {
            std::rethrow_exception(error);
        } catch (const rankgrad::ArgumentError& e) {
            PyErr_SetString(PyExc_ValueError, e.what());
        } catch (const rankgrad::Interrupted&) {
            // The signal handler's exception is already set.
        }
    });
    rankgrad::bind_metrics(module);
    rankgrad::bind_runtime(module);
    rankgrad::bind_objective(module);
    rankgrad::bind_implicit(module);
    rankgrad::bind_xla(module);
}

/// The entry point. pybind11's own asks for the GIL in a way that ends up at the main interpreter's and then waits for
/// ever.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit_core_of_main_interpreter();
    PyErr_SetString(PyExc_ImportError,
                    "rankgrad works in the main interpreter only, not in sub-interpreters; "
                    "use threads, which share bound objectives, or processes");
    return nullptr;
}
