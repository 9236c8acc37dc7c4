// The handler that compiled JAX programs call: an evaluation of an objective, without Python. What does not change from
// call to call is a text, as settings are:
//   call(loss=pairwise(...), mode=1, rank=2, lists=groups, mask=true, weight=item, ...)
// The operands are scores, labels, then, where the text says so, mask, lists, weight, cotangent, vector and iteration;
// the results those of the mode. Under vmap one call has all slots of the batch.
#include <pybind11/pybind11.h>

#include <limits>
#include <new>
#include <string>

#include "bindings/xla_data.hpp"
#include "engine/runtime/float_mode.hpp"
#include "engine/runtime/parallel.hpp"

namespace rankgrad {
namespace {

/// Scores in fewer than so many numbers are not worth a second thread.
constexpr std::int64_t kFewScores = 1 << 14;

struct Call {
    xla::Data data;
    PairMode mode;
    xla::Each cotangent_of;
    bool unreduced, check_vector;
    int threads;
    double min_hessian;
    std::uint64_t iteration;
    std::optional<xla::Operand> scores, cotangent, vector, iterations;
    xla::Index batch;

    Call(Settings text, const xla::Arrays& arguments) {
        data.loss = text.settings("loss", "pairwise");
        data.lists_by = text.choice<xla::ListsBy>("lists", xla::kListsByNames, "rows");
        data.weight_of = text.choice<xla::Each>("weight", xla::kEachNames, "none");
        data.shared_name = text.word("shared", "");
        mode = static_cast<PairMode>(text.whole("mode", 0));
        cotangent_of = text.choice<xla::Each>("cotangent", xla::kEachNames, "none");
        unreduced = text.flag("unreduced", false);
        check_vector = text.flag("check_vector", true);
        threads = threads_for(static_cast<int>(text.whole("threads", 0)));
        min_hessian = text.number("min_hessian", 0);
        iteration = text.whole("iteration", 0);
        const std::int64_t rank = text.count("rank");
        const bool mask = text.flag("mask", false), counted = text.flag("counted", false);
        text.refuse_others();
        std::int64_t next = 0;
        const auto take = [&](std::optional<xla::Operand>& operand, const char* name) {
            if (next == arguments.count) throw ArgumentError(std::string(name) + ": is missing");
            const xla::Buffer& buffer = *arguments.buffers[next++];
            operand.emplace(buffer, scores ? static_cast<std::int64_t>(batch.size()) : buffer.rank - rank, name);
            if (batch.empty()) batch = operand->batch();
            for (std::size_t d = 0; d < batch.size(); ++d)
                if (batch[d] == 1) batch[d] = operand->batch()[d];
        };
        take(scores, "scores (y_pred)");
        data.row = scores->row();
        data.n_rows = scores->n_rows();
        take(data.labels, "labels (y_true)");
        if (mask) take(data.mask, "y_true[\"mask\"]");
        if (data.lists_by != xla::ListsBy::kRows) take(data.lists, "lists");
        if (data.weight_of != xla::Each::kNone) take(data.weight, "sample_weight");
        if (cotangent_of != xla::Each::kNone) take(cotangent, "cotangent");
        if (mode == kHessVector) take(vector, "vector");
        if (counted) take(iterations, "iteration");
    }
};

std::uint64_t iteration_of(const xla::Operand& iterations, const xla::Index& slot) {
    const bool natural = iterations.type() == xla::kUint64;
    if (const auto given = iterations.numbers<std::int64_t>(slot, 1)[0]; given < 0 && !natural)
        throw ArgumentError("iteration: a whole number, from 0 to " +
                            std::to_string(std::numeric_limits<std::uint64_t>::max()) + ", is wanted, got " +
                            std::to_string(given));
    return iterations.numbers<std::uint64_t>(slot, 1)[0];
}

/// The value or values where the mode has such, then the derivatives.
template <class T> void evaluate(const Call& call, const xla::Arrays& results, const xla::Index& slot,
                                 const Objective& objective, int threads) {
    const std::int64_t n = objective.plan().lists().n_items();
    std::int64_t next = 0;
    const auto result = [&](std::int64_t size) {
        if (next == results.count) throw ArgumentError("results: one is missing");
        return xla::Operand(*results.buffers[next++], static_cast<std::int64_t>(slot.size()), "results")
            .template data<T>(slot, size);
    };
    LossCall<T> asked;
    asked.mode = call.mode == kValue ? kValueGrad : call.mode;  // its bits are those that the gradient comes with
    asked.scores = call.scores->data<T>(slot, n);
    T* const values = with_value(call.mode) ? result(call.unreduced ? objective.n_values() : 1) : nullptr;
    asked.row_value = call.unreduced ? values : nullptr;
    std::vector<T> unwanted(call.mode == kValue ? static_cast<std::size_t>(n) : 0);
    asked.grad = call.mode == kValue ? unwanted.data() : result(n);
    asked.hess = with_hess(call.mode) ? result(n) : nullptr;
    asked.vector = call.vector ? call.vector->data<T>(slot, n) : nullptr;
    if (call.vector && call.check_vector)
        if (const std::int64_t bad = objective.plan().first_nonfinite(asked.vector, 1); bad >= 0)
            throw ArgumentError("vector: NaN or infinity at " + objective.plan().lists().place(bad) +
                                "; finite numbers are wanted");
    std::vector<double> cotangent;
    if (call.cotangent_of != xla::Each::kNone) {
        const bool all = call.cotangent_of == xla::Each::kAll;
        cotangent = call.cotangent->numbers<double>(slot, all ? 1 : objective.n_values());
        if (all) asked.cotangent_factor = cotangent[0];
        else asked.cotangent = cotangent.data();
    }
    asked.min_hessian = call.min_hessian;
    asked.threads = threads;
    asked.iteration = call.iterations ? iteration_of(*call.iterations, slot) : call.iteration;
    const double value = objective.evaluate(asked);
    if (values != nullptr && !call.unreduced) *values = static_cast<T>(value);
}

void run(const xla::Frame& frame) {
    const xla::Attributes& attributes = frame.attributes;
    if (attributes.count != 1 || attributes.kinds[0] != xla::kTextAttribute) throw ArgumentError("call: one text");
    const auto& text = *static_cast<const xla::Text*>(attributes.values[0]);
    const Call call(Settings::parse(std::string(text.begin, text.size)), frame.arguments);
    std::int64_t n_slots = 1;
    for (const std::int64_t n : call.batch) n_slots *= n;
    std::shared_ptr<const Objective> common;
    if (call.data.are_same_everywhere() && n_slots > 0) common = call.data.bind(xla::Index(call.batch.size()));
    const auto at = [&](std::int64_t k, int threads) {
        xla::Index slot(call.batch.size());
        for (std::size_t d = slot.size(); d-- > 0; k /= call.batch[d]) slot[d] = k % call.batch[d];
        const auto objective = common ? common : call.data.bind(slot);
        (call.scores->type() == xla::kFloat32 ? evaluate<float> : evaluate<double>)(call, frame.results, slot,
                                                                                    *objective, threads);
    };
    if (n_slots == 1) return at(0, call.threads);
    const bool few = n_slots * call.scores->size() < kFewScores;
    parallel_for(n_slots, few ? 1 : call.threads, nullptr, [&](std::int64_t k, Worker&) { at(k, 1); });
}

xla::Error* failed(const xla::Frame& frame, const char* message, int code) {
    xla::ErrorText text{{sizeof(xla::ErrorText), nullptr}, message, code};
    return frame.api->create_error(&text);
}

/// What the handler says it was made for; the runtime may refuse it.
int told_minor = xla::kMinor;

bool told_metadata(const xla::Frame& frame) {
    const xla::Extension* extension = frame.head.extensions;
    if (extension == nullptr || extension->kind != xla::kMetadataExtension) return false;
    xla::Version& version = reinterpret_cast<const xla::MetadataExtension*>(extension)->metadata->version;
    version.major = xla::kMajor;
    version.minor = told_minor;
    return true;
}

xla::Error* handle(xla::Frame* frame) {
    if (told_metadata(*frame) || frame->stage != xla::kExecute) return nullptr;
    try {
        const DefaultFloatMode mode;
        run(*frame);
        return nullptr;
    } catch (const ArgumentError& error) {
        return failed(*frame, error.what(), xla::kInvalidArgument);
    } catch (const std::bad_alloc&) {
        return failed(*frame, "out of memory", xla::kResourceExhausted);
    } catch (const std::exception& error) {
        return failed(*frame, error.what(), xla::kInternal);
    }
}

}  // namespace

void bind_xla(pybind11::module_& module) {
    module.attr("XLA_MINORS") = pybind11::make_tuple(xla::kOldestMinor, xla::kMinor);
    module.def(
        "xla_handler",
        [](int minor) {
            told_minor = minor;
            return pybind11::capsule(reinterpret_cast<void*>(&handle), "xla._CUSTOM_CALL_TARGET");
        },
        pybind11::arg("minor") = xla::kMinor);
    module.def("xla_share", &xla::share, pybind11::arg("objective"), pybind11::arg("name"));
}

}  // namespace rankgrad
