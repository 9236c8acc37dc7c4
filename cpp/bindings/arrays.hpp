// NumPy arrays in and out: the only file that knows NumPy's types. Python has already converted what may be converted;
// here every array is checked again, so that no caller can make the engine read or write outside it.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>
#include <string>

#include "engine/runtime/errors.hpp"
#include "engine/data/lists.hpp"
#include "engine/data/labels.hpp"

namespace rankgrad {

namespace py = pybind11;

using OptionalArray = std::optional<py::array>;

inline bool is_plain(const py::array& array) {
    constexpr int wanted = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    return (array.flags() & wanted) == wanted;
}

template <class T> bool holds(const py::array& array) {
    return py::detail::npy_api::get().PyArray_EquivTypes_(array.dtype().ptr(), py::dtype::of<T>().ptr());
}

inline std::string dtype_text(const py::array& array) { return py::str(py::object(array.dtype())).cast<std::string>(); }

/// A pointer to `size` numbers of type T, or TypeError/ValueError naming the argument.
template <class T> const T* input(const py::array& array, py::ssize_t size, const char* name) {
    if (!holds<T>(array) || !is_plain(array))
        throw py::type_error(std::string(name) + ": a contiguous array of " +
                             py::str(py::object(py::dtype::of<T>())).cast<std::string>() + " is wanted, got " +
                             dtype_text(array));
    if (array.size() != size)
        throw ArgumentError(std::string(name) + ": has " + std::to_string(array.size()) + " numbers, but " +
                            std::to_string(size) + " are wanted");
    return static_cast<const T*>(array.data());
}
template <class T> const T* input(const OptionalArray& array, py::ssize_t size, const char* name) {
    return array ? input<T>(*array, size, name) : nullptr;
}
template <class T> T* output(OptionalArray& array, py::ssize_t size, const char* name) {
    if (!array) return nullptr;
    if (!array->writeable()) throw ArgumentError(std::string(name) + ": is read-only");
    return const_cast<T*>(input<T>(*array, size, name));
}

inline Lists lists_from(const OptionalArray& offsets, py::ssize_t n_items) {
    if (!offsets) return Lists(n_items);
    return Lists(input<std::int64_t>(*offsets, offsets->size(), "offsets"), offsets->size(), n_items);
}

template <class T> bool read_labels(const py::array& labels, Labels::Type type, Labels& out) {
    if (!holds<T>(labels)) return false;
    out = {type, input<T>(labels, labels.size(), "labels")};
    return true;
}
inline Labels labels_from(const py::array& labels) {
    Labels out{};
    if (read_labels<double>(labels, Labels::kFloat64, out) || read_labels<float>(labels, Labels::kFloat32, out) ||
        read_labels<std::int64_t>(labels, Labels::kInt64, out) ||
        read_labels<std::int32_t>(labels, Labels::kInt32, out) ||
        read_labels<std::int16_t>(labels, Labels::kInt16, out) ||
        read_labels<std::int8_t>(labels, Labels::kInt8, out) ||
        read_labels<std::uint8_t>(labels, Labels::kUint8, out) ||
        read_labels<std::uint16_t>(labels, Labels::kUint16, out) ||
        read_labels<std::uint32_t>(labels, Labels::kUint32, out))
        return out;
    return {Labels::kUint64, input<std::uint64_t>(labels, labels.size(), "labels")};
}

}  // namespace rankgrad
