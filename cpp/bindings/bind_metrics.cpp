// Ranking metrics: one call gives the sums of every list, Python makes the metric of them.
#include <pybind11/stl.h>

#include "bindings/arrays.hpp"
#include "bindings/gil.hpp"
#include "engine/metrics.hpp"

namespace rankgrad {
namespace {

template <class Enum> Enum option(const char* argument, const std::string& given, const char* const* names, int count) {
    for (int i = 0; i < count; ++i) {
        if (given == names[i]) return static_cast<Enum>(i);
    }
    throw ArgumentError(std::string(argument) + ": unknown: '" + given + "'");
}

constexpr const char* kGains[] = {"exp2", "linear", "table"};
constexpr const char* kTies[] = {"first", "average", "worst"};

py::tuple dcg_sums(const py::array& labels, const py::array& scores, const OptionalArray& offsets,
                   const OptionalArray& mask, std::int64_t depth, const std::string& gain, const py::array& gain_table,
                   const std::string& ties, bool ignore_negative) {
    const py::ssize_t n = labels.size();
    const auto* label_data = input<double>(labels, n, "labels");
    const auto* score_data = input<double>(scores, n, "scores");
    const auto* valid = input<std::uint8_t>(mask, n, "mask");
    const Lists lists = lists_from(offsets, n);
    DcgOptions options{};
    if (depth < 1) throw ArgumentError("k: at least 1 is wanted, got " + std::to_string(depth));
    options.depth = depth;
    options.gain = option<Gain>("gain", gain, kGains, 3);
    options.ties = option<Ties>("ties", ties, kTies, 3);
    options.gain_table = input<double>(gain_table, gain_table.size(), "gain");
    options.gain_table_size = gain_table.size();
    options.ignore_negative = ignore_negative;
    py::array_t<double> dcg(lists.count()), ideal(lists.count());
    double* dcg_data = dcg.mutable_data();
    double* ideal_data = ideal.mutable_data();
    {
        const Computing computing;
        dcg_and_ideal(label_data, score_data, valid, lists, options, dcg_data, ideal_data);
    }
    return py::make_tuple(dcg, ideal);
}

}  // namespace

void bind_metrics(py::module_& module) {
    module.def("dcg_sums", &dcg_sums, py::arg("labels"), py::arg("scores"), py::arg("offsets"), py::arg("mask"),
               py::arg("depth"), py::arg("gain"), py::arg("gain_table"), py::arg("ties"), py::arg("ignore_negative"));
}

}  // namespace rankgrad
