// Methods whose arguments are the fields of one call, by name. They follow Python's own calling convention: pybind11
// would make two dicts of the names, which takes as long as the sums of a short list.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>
#ifdef __GLIBCXX__
#include <cxxabi.h>
#endif

namespace rankgrad {

/// What Python hands over: n arguments by place, then those of `names`.
struct GivenFields {
    PyObject* const* values;
    Py_ssize_t n;
    PyObject* names;
};

/// Calls fields.set(name, value) for each argument but None; those by place have the names of `first`. Where it gives
/// false, the argument is unknown: TypeError, as it is where a value is of another type.
template <class Fields, std::size_t count>
void read_fields(const GivenFields& given, const char* const (&first)[count], Fields& fields) {
    if (given.n > static_cast<Py_ssize_t>(count))
        throw pybind11::type_error("evaluate: at most " + std::to_string(count) + " arguments without a name");
    const Py_ssize_t n_names = given.names == nullptr ? 0 : PyTuple_GET_SIZE(given.names);
    for (Py_ssize_t k = 0; k < given.n + n_names; ++k) {
        const pybind11::handle value = given.values[k];
        if (value.is_none()) continue;
        const char* name = k < given.n ? first[k] : PyUnicode_AsUTF8(PyTuple_GET_ITEM(given.names, k - given.n));
        if (name == nullptr) throw pybind11::error_already_set();
        try {
            if (fields.set(name, value)) continue;
        } catch (const pybind11::cast_error&) {
            throw pybind11::type_error(std::string(name) + ": a value of another type is wanted");
        }
        throw pybind11::type_error("evaluate: has no argument '" + std::string(name) + "'");
    }
}

/// A method of T by this convention; call(T, GivenFields) gives a float.
template <class T, double (*call)(const T&, const GivenFields&)> struct FieldsMethod {
    static PyObject* run(PyObject* self, PyObject* const* values, Py_ssize_t n, PyObject* names) {
        try {
            return PyFloat_FromDouble(call(pybind11::handle(self).cast<const T&>(), {values, n, names}));
#ifdef __GLIBCXX__
        } catch (abi::__forced_unwind&) {  // a thread that Python ends
            throw;
#endif
        } catch (...) {
            pybind11::detail::try_translate_exceptions();
            return nullptr;
        }
    }
    static void define(const pybind11::object& type, const char* name, const char* what) {
        static PyMethodDef method = {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&run)),
                                     METH_FASTCALL | METH_KEYWORDS, what};
        PyObject* made = PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type.ptr()), &method);
        if (made == nullptr) throw pybind11::error_already_set();
        type.attr(name) = pybind11::reinterpret_steal<pybind11::object>(made);
    }
};

}  // namespace rankgrad
