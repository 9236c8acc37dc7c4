// The fuzzed program: bytes become ragged lists, right or wrong, and a call of the engine. It must refuse exactly what
// is wrong, and where the input is plain, agree with the plain sums.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "engine/runtime/errors.hpp"
#include "engine/listwise/listwise.hpp"
#include "engine/metrics/means.hpp"
#include "engine/metrics/metrics.hpp"
#include "engine/pairwise/pairwise.hpp"
#include "engine/runtime/isa_dispatch.hpp"
#include "engine/settings/loss_names.hpp"
#include "input.hpp"
#include "plain_sums.hpp"

namespace {

using namespace rankgrad;

[[noreturn]] void fail(const char* what, const std::string& detail = {}) {
    std::fprintf(stderr, "%s %s\n", what, detail.c_str());
    std::abort();
}

void compare(const char* what, const std::string& loss, double got, plain::Real want, plain::Real terms, double rtol) {
    if (!(std::abs(plain::Real(got) - want) <= rtol * terms + 1e-30L))
        fail(what, loss + ": " + std::to_string(got) + " instead of " + std::to_string(static_cast<double>(want)));
}

template <class T> struct Results {
    explicit Results(std::size_t n) : value(n), grad(n), hess(n) {}
    std::vector<T> value, grad, hess;
};

template <class T, class Core> double evaluate(const Core& core, const Input& x, PairMode mode, Results<T>& out) {
    std::vector<T> scores(x.scores.begin(), x.scores.end());
    LossCall<T> call;
    call.mode = mode;
    call.scores = scores.data();
    call.vector = mode == kHessVector ? scores.data() : nullptr;
    call.item_weight = core.values_per_item() ? x.weights.data() : nullptr;
    call.row_value = with_value(mode) && core.values_per_item() ? out.value.data() : nullptr;
    call.grad = mode != kValue ? out.grad.data() : nullptr;
    call.hess = with_hess(mode) ? out.hess.data() : nullptr;
    call.min_hessian = -std::numeric_limits<double>::infinity();
    return core.evaluate(call);
}

plain::PairWeight plain_weight(const PairWeightOptions& options, const std::vector<double>& labels) {
    plain::PairWeight weight;
    weight.any = options.form >= 0;
    weight.constant = options.ranked ? 0 : 1;
    weight.cutoff = static_cast<std::size_t>(options.cutoff);
    weight.truncation = static_cast<std::size_t>(options.truncation);
    const bool exp2 = options.ranked && options.gain == Gain::kExp2;
    for (const double y : labels) weight.gain.push_back(exp2 ? std::exp2(plain::Real(y)) : plain::Real(y));
    return weight;
}

template <class T> void check_pairs(const PairwiseLoss& loss, const Input& x, const Pairwise& core) {
    const std::string& name = loss.name;
    const std::size_t n = x.labels.size();
    Results<T> first(n), second(n);
    const double value = evaluate(core, x, kValueGrad, first);
    evaluate(core, x, kGradHess, second);
    const double rtol = sizeof(T) == 4 ? 2e-6 : 2e-12;
    plain::Real want_value = 0, value_terms = 0;
    for (std::size_t l = 0; l + 1 < x.offsets.size(); ++l) {
        const auto a = static_cast<std::size_t>(x.offsets[l]), b = static_cast<std::size_t>(x.offsets[l + 1]);
        const auto part = [&](const std::vector<double>& all) {
            return std::vector<double>(all.begin() + static_cast<long>(a), all.begin() + static_cast<long>(b));
        };
        const std::vector<bool> valid(x.mask.begin() + static_cast<long>(a), x.mask.begin() + static_cast<long>(b));
        plain::PairWeight weight = plain_weight(loss.weight, part(x.labels));
        weight.give_ranks(part(x.scores), valid);
        const plain::Sums want = plain::one_list(name, part(x.labels), part(x.scores), part(x.weights), valid,
                                                 loss.temperature, loss.parameters.own[0], weight);
        want_value += want.value;
        value_terms += want.value_terms;
        plain::Real most_grad = 0, most_hess = 0;  // sums by moments are right relative to the list's largest
        for (std::size_t i = 0; i < b - a; ++i) {
            most_grad = std::max(most_grad, want.grad_terms[i]);
            most_hess = std::max(most_hess, want.hess_terms[i]);
        }
        for (std::size_t i = 0; i < b - a; ++i) {
            compare("gradient", name, static_cast<double>(second.grad[a + i]), want.grad[i], most_grad, rtol);
            compare("Hessian", name, static_cast<double>(second.hess[a + i]), want.hess[i], most_hess, rtol);
        }
    }
    compare("value", name, value, want_value, value_terms, rtol);
}

void pairwise(Bytes& in) {
    const std::vector<const char*> names = loss_names(*kernels().pair);
    PairwiseLoss loss;
    loss.name = names[static_cast<std::size_t>(in.byte()) % names.size()];
    loss.temperature = in.below(4) == 0 ? 0.5 : 1.0;
    Settings usual(loss.name);
    take_parameters(usual, *kernels().pair, loss.parameters.own);
    if (loss.name.find("quantile") != std::string::npos) loss.parameters.own[0] = 0.25;
    loss.choice = static_cast<Choice>(in.below(3));
    if (in.below(2) == 0) {
        loss.weight.form = in.below(3) == 0 ? -1 : 0;  // none, or gap products
        loss.weight.ranked = loss.weight.form >= 0 && in.below(2) == 0;
        loss.weight.gain = static_cast<Gain::Kind>(in.below(2));
        loss.weight.cutoff = in.below(4);
        loss.weight.truncation = loss.weight.ranked ? in.below(4) : 0;
        loss.weight.normalize = false;
    }
    PlanOptions options;
    options.ignore_negative = in.below(2) == 0;
    options.propagate_nan = in.below(4) == 0;
    const bool single = in.below(2) == 0;
    const auto mode = static_cast<PairMode>(in.below(kPairModes));
    Input x = read_input(in);
    see_what_is_valid(x, options.ignore_negative);
    const Labels labels{Labels::kFloat64, x.labels.data()};
    try {
        const Pairwise core(loss,
                            Lists(x.offsets.data(), static_cast<std::int64_t>(x.offsets.size()),
                                  static_cast<std::int64_t>(x.labels.size())),
                            labels, x.mask.data(), options);
        if (!x.right_offsets) fail("wrong offsets were taken");
        if (x.nan_label && !options.propagate_nan) fail("a NaN label was taken");
        Results<float> floats(x.labels.size());
        Results<double> doubles(x.labels.size());
        if (single) evaluate(core, x, mode, floats);
        else evaluate(core, x, mode, doubles);
        if (x.bad_score) fail("a bad score was taken");
        if (x.odd) return;
        if (single) check_pairs<float>(loss, x, core);
        else check_pairs<double>(loss, x, core);
    } catch (const ArgumentError& error) {
        if (x.right_offsets && !x.odd) fail("right input was refused:", error.what());
    }
}

void listwise(Bytes& in) {
    const std::vector<const char*> names = loss_names(*kernels().list);
    ListwiseLoss loss;
    loss.name = names[static_cast<std::size_t>(in.byte()) % names.size()];
    loss.target = static_cast<Target>(in.below(8));
    loss.temperature = in.below(4) == 0 ? 0.5 : 1.0;
    Settings usual(loss.name);
    take_parameters(usual, *kernels().list, loss.parameters);
    const int cutoff = in.below(4);
    if (loss.name == "approx_ndcg") loss.parameters[0] = cutoff;
    loss.choice = static_cast<Choice>(in.below(3));
    PlanOptions options;
    options.ignore_negative = in.below(2) == 0;
    options.propagate_nan = in.below(4) == 0;
    const bool single = in.below(2) == 0;
    const auto mode = static_cast<PairMode>(in.below(kPairModes));
    Input x = read_input(in);
    see_what_is_valid(x, options.ignore_negative);
    try {
        const Listwise core(loss,
                            Lists(x.offsets.data(), static_cast<std::int64_t>(x.offsets.size()),
                                  static_cast<std::int64_t>(x.labels.size())),
                            {Labels::kFloat64, x.labels.data()}, x.mask.data(), options);
        if (!x.right_offsets) fail("wrong offsets were taken");
        Results<float> floats(x.labels.size());
        Results<double> doubles(x.labels.size());
        if (single) evaluate(core, x, mode, floats);
        else evaluate(core, x, mode, doubles);
        if (x.bad_score) fail("a bad score was taken");
        for (std::size_t i = 0; !x.odd && mode != kValue && i < x.labels.size(); ++i)
            if (!std::isfinite(single ? static_cast<double>(floats.grad[i]) : doubles.grad[i]))
                fail("a gradient is not finite", loss.name);
    } catch (const ArgumentError& error) {
        if (x.right_offsets && !x.odd) fail("right input was refused:", error.what());
    }
}

void metrics(Bytes& in) {
    MetricOptions options;
    const double table[] = {0.0, 1.0, 3.0, 7.0, 15.0};
    for (std::int64_t n = 1 + in.below(3); n > 0; --n)
        options.depths.push_back(in.below(4) == 0 ? std::numeric_limits<std::int64_t>::max() : 1 + in.below(9));
    options.gain = {static_cast<Gain::Kind>(in.below(3)), table, 5};
    options.ties = static_cast<Ties>(in.below(3));
    options.ignore_negative = in.below(2) == 0;
    options.normalize = in.below(2) == 0;
    Input x = read_input(in);
    try {
        const Lists lists(x.offsets.data(), static_cast<std::int64_t>(x.offsets.size()),
                          static_cast<std::int64_t>(x.labels.size()));
        if (!x.right_offsets) fail("wrong offsets were taken");
        const auto n_lists = static_cast<std::size_t>(lists.count()), n_depths = options.depths.size();
        std::vector<double> values(n_lists * n_depths), means(n_depths);
        metric_values({{Labels::kFloat64, x.labels.data()}, nullptr, x.scores.data(), x.mask.data(), lists}, options,
                      values.data());
        for (const double value : values)
            if (options.normalize && !(value >= 0 && value <= 1)) fail("an NDCG is out of its range");
        weighted_means(values.data(), nullptr, lists.count(), static_cast<std::int64_t>(n_depths), false, nullptr,
                       means.data());
    } catch (const ArgumentError& error) {
        if (x.right_offsets && !x.odd && options.ignore_negative) fail("right input was refused:", error.what());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes in(data, size);
    switch (in.below(4)) {
        case 0: metrics(in); break;
        case 1: listwise(in); break;
        default: pairwise(in); break;
    }
    return 0;
}
