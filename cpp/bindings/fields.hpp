// Keyword arguments of a call as the fields of one object: only those that are given cost anything.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace rankgrad {

class FieldName {
public:
    explicit FieldName(pybind11::handle name) : name_(name) {}
    bool operator==(const char* other) const { return PyUnicode_CompareWithASCIIString(name_.ptr(), other) == 0; }

private:
    pybind11::handle name_;
};

/// Calls set(name, value) for each keyword argument but those that are None. Where it gives false, the argument is unknown:
/// TypeError.
template <class Set> void read_fields(const pybind11::kwargs& given, Set set) {
    for (const std::pair<pybind11::handle, pybind11::handle> field : given)
        if (!field.second.is_none() && !set(FieldName(field.first), field.second))
            throw pybind11::type_error("evaluate: has no argument " + std::string(pybind11::repr(field.first)));
}

}  // namespace rankgrad
