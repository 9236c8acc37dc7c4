// Shapes first, then numbers: cheap checks before those that read everything.
#include "engine/implicit_checks.hpp"

#include <algorithm>
#include <cmath>

#include "engine/errors.hpp"

namespace rankgrad {
namespace {

constexpr std::int64_t kChunk = 1 << 17;  // numbers in one task

std::string number(std::int64_t x) { return std::to_string(x); }

template <class T> const char* what(T x) { return std::isnan(x) ? "NaN" : "infinity"; }

template <class T>
ScoreRange<T> range_of(const T* x, std::int64_t n, const ImplicitCall<T>& call, const ImplicitKernels<T>& kernels) {
    if (n <= kChunk) return kernels.score_range(x, n);
    std::vector<ScoreRange<T>> parts(static_cast<std::size_t>((n + kChunk - 1) / kChunk));
    parallel_for(static_cast<std::int64_t>(parts.size()), call.threads, call.interrupt, [&](std::int64_t t, Worker&) {
        const std::int64_t begin = t * kChunk;
        ScoreRange<T>& part = parts[static_cast<std::size_t>(t)];
        part = kernels.score_range(x + begin, std::min(kChunk, n - begin));
        if (part.first_bad >= 0) part.first_bad += begin;
    });
    ScoreRange<T> range = parts.front();
    for (const ScoreRange<T>& part : parts) {
        range.low = std::min(range.low, part.low);
        range.high = std::max(range.high, part.high);
        if (range.first_bad < 0) range.first_bad = part.first_bad;
    }
    return range;
}

template <class T> std::string negative_place(const ImplicitCall<T>& call, std::int64_t i) {
    if (call.lists != nullptr) return call.lists->place(i);
    if (call.n_rows == 1) return "index " + number(i);
    return "index (" + number(i / call.n_positives) + ", " + number(i % call.n_positives) + ")";
}

void check_numbers(const double* x, std::int64_t n, const char* name) {
    for (std::int64_t i = 0; x != nullptr && i < n; ++i)
        if (!std::isfinite(x[i]))
            throw ArgumentError(std::string(name) + ": " + what(x[i]) + " at index " + number(i) +
                                "; finite numbers are wanted");
}

void check_range(const std::int64_t* items, std::int64_t n, const Feature& feature, const char* name) {
    for (std::int64_t i = 0; i < n; ++i)
        if (items[i] < 0 || items[i] >= feature.n_items)
            throw ArgumentError(std::string(name) + ": item " + number(items[i]) + " at flat index " + number(i) +
                                " is not in 0 to " + number(feature.n_items - 1) + ", the items of metadata['" +
                                feature.name + "']");
}

void check_tries(const ImplicitLoss& loss, std::int64_t most, const std::string& whose) {
    if (loss.choice == Choice::kFirstViolation && loss.num_items < most)
        throw ArgumentError("num_items: " + number(loss.num_items) + " is less than the " + number(most) +
                            " negatives" + whose + "; their rank weights would be negative");
}

}  // namespace

void check_items(const Ideal& ideal, std::int64_t n_positive, std::int64_t n_negative) {
    for (const Feature& feature : ideal.features) {
        check_range(ideal.positive_items, n_positive, feature, "positive_items");
        check_range(ideal.negative_items, n_negative, feature, "negative_items");
    }
}

template <class T>
bool check_implicit(const ImplicitLoss& loss, const ImplicitCall<T>& call, const ImplicitKernels<T>& kernels) {
    const std::int64_t b = call.n_positives;
    if (b < 1) throw ArgumentError("positive_scores: is empty; at least one positive is wanted");
    if (call.lists != nullptr && call.lists->count() != b)
        throw ArgumentError(number(call.lists->count()) + " lists of negatives for " + number(b) +
                            " positives; one list each is wanted");
    if (call.lists == nullptr && call.n_rows < 1)
        throw ArgumentError(loss.negative_name + ": no negatives; at least one per positive is wanted");
    check_tries(loss, call.n_rows, " of each positive");
    for (std::int64_t p = 0; call.lists != nullptr && p < b; ++p)
        check_tries(loss, call.lists->end(p) - call.lists->begin(p), " of positive " + number(p));
    constexpr std::int64_t most_rows = 1 << 24;  // row numbers are exact in float up to here
    if (call.n_rows > most_rows && sizeof(T) == sizeof(float) && loss.choice != Choice::kEvery)
        throw ArgumentError(loss.negative_name + ": at most " + number(most_rows) + " rows are possible in float32");

    const ScoreRange<T> positive = range_of(call.positive, b, call, kernels);
    std::int64_t bad = positive.first_bad;
    if (bad < 0 && std::isinf(positive.low))
        bad = std::find(call.positive, call.positive + b, positive.low) - call.positive;
    if (bad >= 0)
        throw ArgumentError("positive_scores: " + std::string(what(call.positive[bad])) + " at index " + number(bad) +
                            "; finite numbers are wanted");
    const std::int64_t n = call.lists == nullptr ? b * call.n_rows : call.lists->n_items();
    const ScoreRange<T> negative = range_of(call.negative, n, call, kernels);
    if (negative.first_bad >= 0)
        throw ArgumentError(loss.negative_name + ": " + what(call.negative[negative.first_bad]) + " at " +
                            negative_place(call, negative.first_bad) +
                            "; finite numbers, or -infinity for no negative, are wanted");
    check_numbers(call.weight, b, "sample_weight");
    check_numbers(call.ideal.margins, b, "margin");
    check_numbers(call.cotangent, b, "cotangent");
    check_items(call.ideal, b, n);
    const double apart = std::max(static_cast<double>(positive.high) - static_cast<double>(negative.low),
                                  static_cast<double>(negative.high) - static_cast<double>(positive.low));
    return apart <= kernels.narrow_range;
}
template bool check_implicit(const ImplicitLoss&, const ImplicitCall<float>&, const ImplicitKernels<float>&);
template bool check_implicit(const ImplicitLoss&, const ImplicitCall<double>&, const ImplicitKernels<double>&);

}  // namespace rankgrad
