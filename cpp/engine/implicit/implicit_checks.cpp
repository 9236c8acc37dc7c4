// Shapes first, then numbers: cheap checks before those that read everything.
#include "engine/implicit/implicit_checks.hpp"

#include <algorithm>
#include <cmath>

#include "engine/runtime/errors.hpp"
#include "engine/implicit/pair_filler.hpp"

namespace rankgrad {
namespace {

constexpr std::int64_t kChunk = 1 << 17;  // numbers in one task

template <class T> const char* what(T x) { return std::isnan(x) ? "NaN" : "infinity"; }

template <class T> std::string negative_place(const ImplicitCall<T>& call, std::int64_t i) {
    if (call.lists != nullptr) return call.lists->place(i);
    if (call.n_rows == 1) return "index " + std::to_string(i);
    return "index (" + std::to_string(i / call.n_positives) + ", " + std::to_string(i % call.n_positives) + ")";
}

template <class T> void check_numbers(const T* x, std::int64_t n, const char* name) {
    for (std::int64_t i = 0; x != nullptr && i < n; ++i)
        if (!std::isfinite(x[i]))
            throw ArgumentError(std::string(name) + ": " + what(x[i]) + " at index " + std::to_string(i) +
                                "; finite numbers are wanted");
}

void check_range(const std::int64_t* items, std::int64_t n, const Feature& feature, const char* name) {
    for (std::int64_t i = 0; i < n; ++i)
        if (items[i] < 0 || items[i] >= feature.n_items)
            throw ArgumentError(std::string(name) + ": item " + std::to_string(items[i]) + " at flat index " +
                                std::to_string(i) + " is not in 0 to " + std::to_string(feature.n_items - 1) +
                                ", the items of metadata['" + feature.name + "']");
}

void check_tries(const ImplicitLoss& loss, std::int64_t most, const std::string& whose) {
    if (loss.choice == Counted::kFirstViolation && loss.num_items < most)
        throw ArgumentError("num_items: " + std::to_string(loss.num_items) + " is less than the " +
                            std::to_string(most) + " negatives" + whose + "; their rank weights would be negative");
}

}  // namespace

void check_items(const Ideal& ideal, std::int64_t n_positive, std::int64_t n_negative) {
    for (const Feature& feature : ideal.features) {
        check_range(ideal.positive_items, n_positive, feature, "positive_items");
        check_range(ideal.negative_items, n_negative, feature, "negative_items");
    }
}

template <class T> void check_implicit(const ImplicitLoss& loss, const ImplicitCall<T>& call) {
    const std::int64_t b = call.n_positives;
    if (call.mode < kValue || call.mode > kGradHess) throw ArgumentError("mode: unknown");
    const bool grad = call.mode != kValue, hess = call.mode == kGradHess;
    const auto wanted = [](bool is_wanted, const T* positive, const T* negative) {
        return is_wanted ? positive != nullptr && negative != nullptr : positive == nullptr && negative == nullptr;
    };
    if (!wanted(grad, call.grad_positive, call.grad_negative) || !wanted(hess, call.hess_positive, call.hess_negative))
        throw ArgumentError("out: the results of the mode are wanted");
    if (b < 1) throw ArgumentError("positive_scores: is empty; at least one positive is wanted");
    if (call.lists != nullptr && call.lists->count() != b)
        throw ArgumentError(std::to_string(call.lists->count()) + " lists of negatives for " + std::to_string(b) +
                            " positives; one list each is wanted");
    if (call.lists == nullptr && call.n_rows < 1)
        throw ArgumentError(loss.negative_name + ": no negatives; at least one per positive is wanted");
    check_tries(loss, call.n_rows, " of each positive");
    for (std::int64_t p = 0; call.lists != nullptr && p < b; ++p)
        check_tries(loss, call.lists->end(p) - call.lists->begin(p), " of positive " + std::to_string(p));
    constexpr std::int64_t most_rows = 1 << 24;  // row numbers are exact in float up to here
    if (call.n_rows > most_rows && sizeof(T) == sizeof(float) && loss.choice != Counted::kEvery)
        throw ArgumentError(loss.negative_name + ": at most " + std::to_string(most_rows) +
                            " rows are possible in float32");

    check_numbers(call.positive, b, "positive_scores");
    const std::int64_t n = call.lists == nullptr ? b * call.n_rows : call.lists->n_items();
    check_numbers(call.weight, b, "sample_weight");
    check_numbers(call.ideal.margins, b, "margin");
    check_numbers(call.cotangent, b, "cotangent");
    check_items(call.ideal, b, n);
}
template void check_implicit(const ImplicitLoss&, const ImplicitCall<float>&);
template void check_implicit(const ImplicitLoss&, const ImplicitCall<double>&);

template <class T> void check_negatives(const ImplicitLoss& loss, const ImplicitCall<T>& call) {
    const std::int64_t n = call.lists == nullptr ? call.n_positives * call.n_rows : call.lists->n_items();
    std::vector<std::int64_t> bad(static_cast<std::size_t>((n + kChunk - 1) / kChunk));
    parallel_for(static_cast<std::int64_t>(bad.size()), call.threads, call.interrupt, [&](std::int64_t t, Worker&) {
        const std::int64_t begin = t * kChunk;
        const std::int64_t found = implicit_kernels<T>().first_bad(call.negative + begin, std::min(kChunk, n - begin));
        bad[static_cast<std::size_t>(t)] = found < 0 ? n : begin + found;
    });
    const std::int64_t i = bad.empty() ? n : *std::min_element(bad.begin(), bad.end());
    if (i < n)
        throw ArgumentError(loss.negative_name + ": " + what(call.negative[i]) + " at " + negative_place(call, i) +
                            "; finite numbers, or -infinity for no negative, are wanted");
}
template void check_negatives(const ImplicitLoss&, const ImplicitCall<float>&);
template void check_negatives(const ImplicitLoss&, const ImplicitCall<double>&);

}  // namespace rankgrad
