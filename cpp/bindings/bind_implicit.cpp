// Losses of implicit feedback: one call is one evaluation; nothing is kept in between.
#include <pybind11/stl.h>

#include <memory>
#include <utility>

#include "bindings/arrays.hpp"
#include "bindings/construct.hpp"
#include "bindings/gil.hpp"
#include "engine/implicit/implicit.hpp"

namespace rankgrad {
namespace {

template <class Enum>
Enum choice_of(const char* argument, const std::string& given, std::initializer_list<const char*> names) {
    int k = 0;
    for (const char* name : names) {
        if (given == name) return static_cast<Enum>(k);
        ++k;
    }
    throw ArgumentError(std::string(argument) + ": unknown: '" + given + "'");
}

std::unique_ptr<ImplicitLoss> make_loss(const std::string& formula, const std::string& choice, double kink, bool square,
                                        const std::string& rank_weight, bool floor, double clip, std::int64_t num_items,
                                        const std::string& negative_name) {
    auto made = std::make_unique<ImplicitLoss>();
    ImplicitLoss& loss = *made;
    loss.formula = formula == "sigmoid_gap"            ? kSigmoidGap
                   : formula == "negative_log_sigmoid" ? kNegativeLogSigmoid
                   : formula == "hinge"                ? kSlackHinge
                   : formula == "ranked_hinge"         ? kRankedHinge
                                                       : throw ArgumentError("form: unknown: '" + formula + "'");
    loss.choice = choice_of<Counted>("choice", choice, {"every", "largest", "first_violation"});
    loss.kink = kink;
    loss.square = square;
    loss.rank_weight = choice_of<RankWeight>("rank_weight", rank_weight, {"collie", "log", "harmonic"});
    loss.floor = floor;
    loss.clip = clip;
    loss.num_items = num_items;
    loss.negative_name = negative_name;
    return made;
}

/// (name, categories as int64 or float64, weight) of each feature, with the item numbers they are looked up by.
using Features = std::vector<std::tuple<std::string, py::array, double>>;

Ideal make_ideal(double margin, const OptionalArray& margins, py::ssize_t n_margins, const Features& features,
                 const OptionalArray& positive_items, py::ssize_t n_positive, const OptionalArray& negative_items,
                 py::ssize_t n_negative) {
    Ideal ideal;
    ideal.margin = margin;
    ideal.margins = input<double>(margins, n_margins, "margin");
    for (const auto& [name, categories, weight] : features) {
        const py::ssize_t n = categories.size();
        const bool whole = holds<std::int64_t>(categories);
        ideal.features.push_back({name, whole ? input<std::int64_t>(categories, n, "metadata") : nullptr,
                                  whole ? nullptr : input<double>(categories, n, "metadata"), n, weight});
    }
    if (features.empty()) return ideal;
    if (!positive_items || !negative_items)
        throw ArgumentError("positive_items, negative_items: are wanted with metadata");
    ideal.positive_items = input<std::int64_t>(positive_items, n_positive, "positive_items");
    ideal.negative_items = input<std::int64_t>(negative_items, n_negative, "negative_items");
    return ideal;
}

struct Evaluation {
    int mode;
    py::array positive, negative;
    OptionalArray offsets;
    Ideal ideal;
    OptionalArray weight, cotangent;
    bool mean;
    double factor;
    int threads;
    bool new_results;
    OptionalArray values, grad_positive, grad_negative, hess_positive, hess_negative;
};

template <class T> double evaluate_as(const ImplicitLoss& loss, Evaluation& e) {
    const py::ssize_t b = e.positive.size(), n = e.negative.size();
    const Lists lists = lists_from(e.offsets, n);
    ImplicitCall<T> call;
    call.mode = static_cast<PairMode>(e.mode);
    call.positive = input<T>(e.positive, b, "positive_scores");
    call.n_positives = b;
    call.negative = input<T>(e.negative, n, loss.negative_name.c_str());
    call.n_rows = e.offsets || b == 0 ? 0 : n / b;
    if (!e.offsets && call.n_rows * b != n) throw ArgumentError(loss.negative_name + ": no whole number per positive");
    call.lists = e.offsets ? &lists : nullptr;
    call.ideal = std::move(e.ideal);
    call.weight = input<double>(e.weight, b, "sample_weight");
    call.cotangent = input<double>(e.cotangent, b, "cotangent");
    call.threads = e.threads > 0 ? e.threads : default_threads();
    call.new_results = e.new_results;
    call.interrupt = &python_interrupted;
    const bool grad = e.mode != kValue, hess = e.mode == kGradHess;
    if (grad != (e.grad_positive && e.grad_negative) || hess != (e.hess_positive && e.hess_negative))
        throw ArgumentError("out: the results of the mode are wanted");
    call.values = output<T>(e.values, b, "out");
    call.grad_positive = output<T>(e.grad_positive, b, "out");
    call.grad_negative = output<T>(e.grad_negative, n, "out");
    call.hess_positive = output<T>(e.hess_positive, b, "out");
    call.hess_negative = output<T>(e.hess_negative, n, "out");
    const Computing computing;
    call.scale = e.mean ? 1.0 / static_cast<double>(b) : 1.0;
    call.grad_scale = call.scale * e.factor;
    return evaluate_implicit(loss, call);
}

double implicit(const ImplicitLoss& loss, int mode, const py::array& positive, const py::array& negative,
                const OptionalArray& offsets, double margin, const OptionalArray& margins, const Features& features,
                const OptionalArray& positive_items, const OptionalArray& negative_items, const OptionalArray& weight,
                const OptionalArray& cotangent, bool mean, double factor, int threads, bool new_results,
                const OptionalArray& values, const OptionalArray& grad_positive, const OptionalArray& grad_negative,
                const OptionalArray& hess_positive, const OptionalArray& hess_negative) {
    if (mode < kValue || mode > kGradHess) throw ArgumentError("mode: unknown");
    Evaluation e{mode,
                 positive,
                 negative,
                 offsets,
                 make_ideal(margin, margins, positive.size(), features, positive_items, positive.size(), negative_items,
                            negative.size()),
                 weight,
                 cotangent,
                 mean,
                 factor,
                 threads,
                 new_results,
                 values,
                 grad_positive,
                 grad_negative,
                 hess_positive,
                 hess_negative};
    return holds<float>(positive) ? evaluate_as<float>(loss, e) : evaluate_as<double>(loss, e);
}

py::array difference(const py::array& positive_items, const py::array& negative_items, const Features& features) {
    const DefaultFloatMode mode;
    const py::ssize_t n = positive_items.size();
    const Ideal ideal = make_ideal(1.0, {}, 0, features, positive_items, n, negative_items, n);
    py::array_t<double> out(n);
    ideal_difference(ideal, n, out.mutable_data());
    return out;
}

}  // namespace

void bind_implicit(py::module_& module) {
    py::class_<ImplicitLoss> loss(module, "ImplicitLoss");
    def_constructor(loss, &make_loss, py::arg("formula"), py::arg("choice"), py::arg("kink"), py::arg("square"),
                    py::arg("rank_weight"), py::arg("floor"), py::arg("clip"), py::arg("num_items"),
                    py::arg("negative_name"));
    loss.def("evaluate", &implicit, py::arg("mode"), py::arg("positive"), py::arg("negative"), py::arg("offsets"),
             py::arg("margin"), py::arg("margins"), py::arg("features"), py::arg("positive_items"),
             py::arg("negative_items"), py::arg("weight"), py::arg("cotangent"), py::arg("mean"), py::arg("factor"),
             py::arg("threads"), py::arg("new_results"), py::arg("values"), py::arg("grad_positive"),
             py::arg("grad_negative"), py::arg("hess_positive"), py::arg("hess_negative"));
    module.def("ideal_difference", &difference, py::arg("positive_items"), py::arg("negative_items"),
               py::arg("features"));
}

}  // namespace rankgrad
