// Ranking metrics: one call gives the values of every list or their means.
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/arrays.hpp"
#include "bindings/gil.hpp"
#include "engine/metrics/means.hpp"
#include "engine/metrics/metrics.hpp"
#include "engine/settings/choices.hpp"

namespace rankgrad {
namespace {

constexpr const char* kTies[] = {"first", "average", "worst"};

py::array_t<double> ranking_metric(const py::array& labels, const py::array& scores, const OptionalArray& offsets,
                                   const OptionalArray& mask, std::vector<std::int64_t> depths, const std::string& gain,
                                   const py::array& gain_table, const std::string& ties, bool ignore_negative,
                                   bool normalize, double empty) {
    const py::ssize_t n = labels.size();
    const Lists lists = lists_from(offsets, n);
    const bool single = holds<float>(scores);
    const MetricData data{labels_from(labels), single ? input<float>(scores, n, "scores") : nullptr,
                          single ? nullptr : input<double>(scores, n, "scores"), input<std::uint8_t>(mask, n, "mask"),
                          lists};
    MetricOptions options;
    if (depths.empty() || *std::min_element(depths.begin(), depths.end()) < 1)
        throw ArgumentError("k: numbers of at least 1 are wanted");
    options.depths = std::move(depths);
    options.gain = {one_of<Gain::Kind>("gain", gain, Gain::kNames),
                    input<double>(gain_table, gain_table.size(), "gain"), gain_table.size()};
    options.ties = one_of<Ties>("ties", ties, kTies);
    options.ignore_negative = ignore_negative;
    options.normalize = normalize;
    options.empty = empty;
    options.threads = default_threads();
    options.interrupt = &python_interrupted;
    py::array_t<double> values({lists.count(), static_cast<std::int64_t>(options.depths.size())});
    double* const out = values.mutable_data();
    {
        const Computing computing;
        metric_values(data, options, out);
    }
    return values;
}

py::array_t<double> mean_over_lists(const py::array& values, const OptionalArray& weights, bool skip_nan) {
    if (values.ndim() != 2) throw ArgumentError("values: a table is wanted");
    const std::int64_t n_rows = values.shape(0), n_columns = values.shape(1);
    const auto* table = input<double>(values, values.size(), "values");
    const auto* weight = input<double>(weights, n_rows, "sample_weight");
    py::array_t<double> means(n_columns);
    double* const out = means.mutable_data();
    {
        const Computing computing;
        weighted_means(table, weight, n_rows, n_columns, skip_nan, &python_interrupted, out);
    }
    return means;
}

py::array_t<double> mean_of_lists(const py::array& x, const OptionalArray& offsets) {
    const auto* numbers = input<double>(x, x.size(), "weight");
    const Lists lists = lists_from(offsets, x.size());
    py::array_t<double> means(lists.count());
    double* const out = means.mutable_data();
    {
        const Computing computing;
        list_means(numbers, lists, out);
    }
    return means;
}

}  // namespace

void bind_metrics(py::module_& module) {
    module.def("ranking_metric", &ranking_metric, py::arg("labels"), py::arg("scores"), py::arg("offsets"),
               py::arg("mask"), py::arg("depths"), py::arg("gain"), py::arg("gain_table"), py::arg("ties"),
               py::arg("ignore_negative"), py::arg("normalize"), py::arg("empty"));
    module.def("weighted_means", &mean_over_lists, py::arg("values"), py::arg("weights"), py::arg("skip_nan"));
    module.def("list_means", &mean_of_lists, py::arg("x"), py::arg("offsets"));
}

}  // namespace rankgrad
