// What Python's types mean in settings; None is a value that was not given.
#include "bindings/settings.hpp"

#include <string>
#include <utility>

namespace rankgrad {

namespace py = pybind11;

namespace {

Settings read_pair(const py::handle& given, int depth);

std::vector<double> numbers_from(const py::handle& given) {
    std::vector<double> numbers;
    for (const py::handle x : py::reinterpret_borrow<py::object>(given)) numbers.push_back(x.cast<double>());
    return numbers;
}

Setting::Value value_from(const py::handle& given, int depth) {
    if (py::isinstance<py::bool_>(given)) return Settings(given.cast<bool>() ? "true" : "false");
    if (py::isinstance<py::int_>(given) && given.cast<py::int_>() >= py::int_(0)) return given.cast<std::uint64_t>();
    if (py::isinstance<py::float_>(given) || py::isinstance<py::int_>(given)) return given.cast<double>();
    if (py::isinstance<py::str>(given)) return Settings(given.cast<std::string>());
    if (py::isinstance<py::tuple>(given) && py::len(given) == 2 && py::isinstance<py::dict>(given[py::int_(1)]))
        return read_pair(given, depth);
    if (py::isinstance<py::sequence>(given)) return numbers_from(given);
    throw py::type_error("settings: a number, a name, numbers or (name, dict) is wanted as a value");
}

Settings read_pair(const py::handle& given, int depth) {
    if (depth > kDeepestSettings) throw py::type_error("settings: no deeper (name, dict) is wanted");
    if (!py::isinstance<py::tuple>(given) || py::len(given) != 2)
        throw py::type_error("settings: a text or (name, dict) is wanted");
    const auto pair = py::reinterpret_borrow<py::tuple>(given);
    if (!py::isinstance<py::str>(pair[0]) || !py::isinstance<py::dict>(pair[1]))
        throw py::type_error("settings: a text or (name, dict) is wanted");
    Settings settings(pair[0].cast<std::string>());
    for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(pair[1]))
        if (!value.is_none()) settings.set({key.cast<std::string>(), value_from(value, depth + 1)});
    return settings;
}

}  // namespace

Settings settings_from(const py::handle& given) {
    try {
        return py::isinstance<py::str>(given) ? Settings::parse(given.cast<std::string>()) : read_pair(given, 0);
    } catch (const py::cast_error&) {
        throw py::type_error("settings: names, numbers and sequences of numbers are wanted");
    }
}

}  // namespace rankgrad
