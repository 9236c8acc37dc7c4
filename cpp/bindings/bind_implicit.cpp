// Losses of implicit feedback: one call is one evaluation; nothing is kept in between.
#include <pybind11/stl.h>

#include <memory>
#include <string_view>
#include <utility>

#include "bindings/arrays.hpp"
#include "bindings/construct.hpp"
#include "bindings/fields.hpp"
#include "bindings/gil.hpp"
#include "bindings/settings.hpp"
#include "engine/implicit/implicit.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/settings/loss_names.hpp"

namespace rankgrad {
namespace {

/// (name, categories as int64 or float64, weight) of each feature, with the item numbers they are looked up by.
using Features = std::vector<std::tuple<std::string, py::array, double>>;

void set_features(const Features& features, const OptionalArray& positive_items, py::ssize_t n_positive,
                  const OptionalArray& negative_items, py::ssize_t n_negative, Ideal& ideal) {
    for (const auto& [name, categories, weight] : features) {
        const py::ssize_t n = categories.size();
        const bool whole = holds<std::int64_t>(categories);
        ideal.features.push_back({name, whole ? input<std::int64_t>(categories, n, "metadata") : nullptr,
                                  whole ? nullptr : input<double>(categories, n, "metadata"), n, weight});
    }
    if (features.empty()) return;
    if (!positive_items || !negative_items)
        throw ArgumentError("positive_items, negative_items: are wanted with metadata");
    ideal.positive_items = input<std::int64_t>(positive_items, n_positive, "positive_items");
    ideal.negative_items = input<std::int64_t>(negative_items, n_negative, "negative_items");
}

/// Holds the arrays of a call while the GIL is not held.
struct ImplicitFields {
    OptionalArray positive, negative, offsets, margins, positive_items, negative_items, weight, cotangent;
    OptionalArray values, grad_positive, grad_negative, hess_positive, hess_negative;
    Features features;
    double margin = 1, factor = 1;
    bool mean = false, new_results = false;
    int mode = -1, threads = 0;

    bool set(std::string_view name, py::handle value) {
        OptionalArray* const array = array_of(name);
        if (array != nullptr) *array = value.cast<py::array>();
        else if (name == "mode") mode = value.cast<int>();
        else if (name == "margin") margin = value.cast<double>();
        else if (name == "features") features = value.cast<Features>();
        else if (name == "mean") mean = value.cast<bool>();
        else if (name == "factor") factor = value.cast<double>();
        else if (name == "threads") threads = value.cast<int>();
        else if (name == "new_results") new_results = value.cast<bool>();
        else return false;
        return true;
    }

private:
    OptionalArray* array_of(std::string_view name) {
        const std::pair<std::string_view, OptionalArray*> arrays[] = {
            {"positive", &positive},
            {"negative", &negative},
            {"grad_positive", &grad_positive},
            {"grad_negative", &grad_negative},
            {"hess_positive", &hess_positive},
            {"hess_negative", &hess_negative},
            {"values", &values},
            {"offsets", &offsets},
            {"margins", &margins},
            {"weight", &weight},
            {"cotangent", &cotangent},
            {"positive_items", &positive_items},
            {"negative_items", &negative_items},
        };
        for (const auto& [known, array] : arrays)
            if (name == known) return array;
        return nullptr;
    }
};

template <class T> double evaluate_loss_as(const ImplicitLoss& loss, ImplicitFields& f) {
    const py::ssize_t b = f.positive->size(), n = f.negative->size();
    const Lists lists = lists_from(f.offsets, n);
    ImplicitCall<T> call;
    call.mode = static_cast<PairMode>(f.mode);
    call.positive = input<T>(*f.positive, b, "positive_scores");
    call.n_positives = b;
    call.negative = input<T>(*f.negative, n, loss.negative_name.c_str());
    call.n_rows = f.offsets || b == 0 ? 0 : n / b;
    if (!f.offsets && call.n_rows * b != n) throw ArgumentError(loss.negative_name + ": no whole number per positive");
    call.lists = f.offsets ? &lists : nullptr;
    call.ideal.margin = f.margin;
    call.ideal.margins = input<double>(f.margins, b, "margin");
    set_features(f.features, f.positive_items, b, f.negative_items, n, call.ideal);
    call.weight = input<double>(f.weight, b, "sample_weight");
    call.cotangent = input<double>(f.cotangent, b, "cotangent");
    call.threads = threads_for(f.threads);
    call.new_results = f.new_results;
    call.interrupt = &python_interrupted;
    call.values = output<T>(f.values, b, "out");
    call.grad_positive = output<T>(f.grad_positive, b, "out");
    call.grad_negative = output<T>(f.grad_negative, n, "out");
    call.hess_positive = output<T>(f.hess_positive, b, "out");
    call.hess_negative = output<T>(f.hess_negative, n, "out");
    const Computing computing;
    call.scale = f.mean ? 1.0 / static_cast<double>(b) : 1.0;
    call.grad_scale = call.scale * f.factor;
    return evaluate_implicit(loss, call);
}

double evaluate_loss(const ImplicitLoss& loss, const GivenFields& given) {
    ImplicitFields fields;
    read_fields(given, {"mode", "positive", "negative"}, fields);
    if (!fields.positive || !fields.negative) throw py::type_error("positive, negative: arrays are wanted");
    return (holds<float>(*fields.positive) ? evaluate_loss_as<float> : evaluate_loss_as<double>)(loss, fields);
}

py::array difference(const py::array& positive_items, const py::array& negative_items, const Features& features) {
    const DefaultFloatMode mode;
    const py::ssize_t n = positive_items.size();
    Ideal ideal;
    set_features(features, positive_items, n, negative_items, n, ideal);
    py::array_t<double> out(n);
    ideal_difference(ideal, n, out.mutable_data());
    return out;
}

std::unique_ptr<ImplicitLoss> make_loss(const py::object& settings) {
    return std::make_unique<ImplicitLoss>(settings_from(settings));
}

}  // namespace

void bind_implicit(py::module_& module) {
    py::class_<ImplicitLoss> loss(module, "ImplicitLoss");
    def_constructor(loss, &make_loss, py::arg("settings"));
    FieldsMethod<ImplicitLoss, &evaluate_loss>::define(
        loss, "evaluate",
        "evaluate(mode, positive, negative, *, offsets, margin, margins, features, positive_items, negative_items, "
        "weight, cotangent, mean, factor, threads, new_results, values, grad_positive, grad_negative, hess_positive, "
        "hess_negative)");
    module.def("ideal_difference", &difference, py::arg("positive_items"), py::arg("negative_items"),
               py::arg("features"));
    module.def("implicit_losses", [] { return loss_names(*kernels().implicit); });
}

}  // namespace rankgrad
