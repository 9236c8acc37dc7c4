// Three steps for a block of positives: choose a negative for each (or take every one), sum the formula over the pairs in
// the kernels, put the results where they belong. What is computed for one positive depends on the block cutting alone,
// which depends on the shapes alone: threads cannot change a bit.
#include "engine/implicit.hpp"

#include <algorithm>
#include <limits>

#include "engine/implicit_checks.hpp"
#include "engine/implicit_choice.hpp"
#include "engine/rank_weight.hpp"

namespace rankgrad {
namespace {

constexpr std::int64_t kRowsPerFlush = 32;    // additions in T before they go to double
constexpr std::int64_t kRaggedTask = 8192;    // negatives in one task
constexpr std::int64_t kSerialPairs = 32768;  // below this, starting threads costs more than it gains

/// Sums in double over the pairs of each positive of a block.
struct Sums {
    double value[kBlock], slope[kBlock], curvature[kBlock];
};

/// Several running sums, so that one addition need not wait for the one before.
template <class T> double total(const T* x, std::int64_t n) {
    double part[4] = {0, 0, 0, 0};
    std::int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; ++k) part[k] += static_cast<double>(x[i + k]);
    for (; i < n; ++i) part[0] += static_cast<double>(x[i]);
    return (part[0] + part[1]) + (part[2] + part[3]);
}

template <class T> class Evaluation {
public:
    Evaluation(const ImplicitLoss& loss, const ImplicitCall<T>& call, bool narrow)
        : loss_(loss), call_(call), filler_(loss, call),
          sum_(implicit_kernels<T>()
                   .sums[loss.formula == kSigmoidGap && narrow ? kNarrowSigmoidGap : loss.formula]
                   .mode[call.mode]),
          b_(call.n_positives), value_of_(call.mode == kGradHess ? 0 : static_cast<std::size_t>(b_)) {
        if (loss.choice != Choice::kFirstViolation) return;
        std::int64_t most = call.n_rows;
        for (std::int64_t b = 0; call.lists != nullptr && b < b_; ++b)
            most = std::max(most, call.lists->end(b) - call.lists->begin(b));
        for (std::int64_t t = 1; t <= most; ++t)
            rank_weights_.push_back(static_cast<T>(rank_weight(loss, static_cast<double>(t))));
    }

    double run() {
        const std::vector<std::int64_t> bounds = cut();
        const std::int64_t pairs = call_.lists == nullptr ? b_ * call_.n_rows : call_.lists->n_items();
        const int threads = pairs < kSerialPairs ? 1 : call_.threads;
        parallel_for(static_cast<std::int64_t>(bounds.size()) - 1, threads, call_.interrupt,
                     [&](std::int64_t t, Worker& worker) {
                         block(bounds[static_cast<std::size_t>(t)], bounds[static_cast<std::size_t>(t) + 1], worker);
                     });
        double result = 0;
        for (std::int64_t b = 0; b < static_cast<std::int64_t>(value_of_.size()); ++b)
            result += filler_.weight(b) * value_of_[static_cast<std::size_t>(b)];
        return call_.scale * result;
    }

private:
    /// Tasks: at most kBlock positives each, of ragged lists also about kRaggedTask negatives.
    std::vector<std::int64_t> cut() const {
        std::vector<std::int64_t> bounds{0};
        for (std::int64_t b = 1; b < b_; ++b) {
            const std::int64_t begin = bounds.back();
            if (b - begin == kBlock ||
                (call_.lists != nullptr && call_.lists->begin(b) - call_.lists->begin(begin) >= kRaggedTask))
                bounds.push_back(b);
        }
        bounds.push_back(b_);
        return bounds;
    }

    void block(std::int64_t begin, std::int64_t end, Worker& worker) {
        Pairs<T> pairs;
        Sums sums;
        std::fill_n(sums.value, end - begin, 0.0);
        std::fill_n(sums.slope, end - begin, 0.0);
        std::fill_n(sums.curvature, end - begin, 0.0);
        filler_.clear(pairs, call_.lists == nullptr ? end - begin : kBlock);
        if (loss_.choice != Choice::kEvery) chosen(begin, end, pairs, sums, worker);
        else if (call_.lists == nullptr) rows(begin, end, pairs, sums, worker);
        else lists(begin, end, pairs, sums, worker);
        for (std::int64_t b = begin; b < end; ++b) finish(b, sums, b - begin);
    }

    void finish(std::int64_t b, const Sums& sums, std::int64_t k) {
        if (call_.mode != kGradHess) value_of_[static_cast<std::size_t>(b)] = sums.value[k];
        if (call_.values != nullptr) call_.values[b] = static_cast<T>(filler_.weight(b) * sums.value[k]);
        if (call_.mode != kValue) call_.grad_positive[b] = static_cast<T>(0.0 - sums.slope[k]);
        if (call_.mode == kGradHess) call_.hess_positive[b] = static_cast<T>(sums.curvature[k]);
    }

    void sum(Pairs<T>& pairs, const T* negative, std::int64_t n, T* grad, T* hess) const {
        ImplicitPairs<T> job;
        job.positive = pairs.positive;
        job.negative = negative;
        job.ideal = pairs.ideal;
        job.rank_weight = loss_.formula == kRankedHinge ? pairs.rank_weight : nullptr;
        job.factor = pairs.factor;
        job.square_factor = pairs.square_factor;
        job.n = n;
        job.kink = loss_.kink;
        job.square = loss_.square ? 1.0 : 0.0;
        job.value = pairs.value;
        job.slope = pairs.slope;
        job.curvature = pairs.curvature;
        job.grad_negative = grad;
        job.hess_negative = hess;
        sum_(job);
    }

    /// Every negative of (K, B): the positives of the block against one row at a time.
    void rows(std::int64_t begin, std::int64_t end, Pairs<T>& pairs, Sums& sums, Worker& worker) const {
        const std::int64_t n = end - begin;
        for (std::int64_t b = begin; b < end; ++b) filler_.fill(pairs, b, b - begin, 1);
        for (std::int64_t k = 0; k < call_.n_rows && !worker.stopped();) {
            const std::int64_t flush = std::min(k + kRowsPerFlush, call_.n_rows);
            for (; k < flush; ++k) {
                const std::int64_t at = k * b_ + begin;
                filler_.set_ideals(pairs, begin, end, at);
                sum(pairs, call_.negative + at, n, shifted(call_.grad_negative, at), shifted(call_.hess_negative, at));
            }
            flush_to(sums.value, pairs.value, n);
            flush_to(sums.slope, pairs.slope, n);
            flush_to(sums.curvature, pairs.curvature, n);
        }
    }

    static T* shifted(T* x, std::int64_t by) { return x == nullptr ? nullptr : x + by; }

    static void flush_to(double* sums, T* x, std::int64_t n) {
        for (std::int64_t i = 0; i < n; ++i) {
            sums[i] += static_cast<double>(x[i]);
            x[i] = T(0);
        }
    }

    /// Every negative of ragged lists: runs of kBlock negatives, whatever positives they belong to.
    void lists(std::int64_t begin, std::int64_t end, Pairs<T>& pairs, Sums& sums, Worker& worker) const {
        const Lists& all = *call_.lists;
        std::int64_t first = begin;
        for (std::int64_t at = all.begin(begin); at < all.end(end - 1) && !worker.stopped();) {
            const std::int64_t stop = std::min(at + kBlock, all.end(end - 1));
            while (all.end(first) <= at) ++first;
            std::int64_t last = first;
            for (; last < end && all.begin(last) < stop; ++last) {
                const std::int64_t from = std::max(all.begin(last), at), to = std::min(all.end(last), stop);
                filler_.fill(pairs, last, from - at, to - from);
            }
            if (filler_.has_credit()) filler_.subtract_credit(pairs, call_.ideal.negative_items + at, stop - at);
            sum(pairs, call_.negative + at, stop - at, shifted(call_.grad_negative, at),
                shifted(call_.hess_negative, at));
            for (std::int64_t b = first; b < last; ++b) {
                const std::int64_t from = std::max(all.begin(b), at) - at, n = std::min(all.end(b), stop) - at - from;
                sums.value[b - begin] += total(pairs.value + from, n);
                sums.slope[b - begin] += total(pairs.slope + from, n);
                sums.curvature[b - begin] += total(pairs.curvature + from, n);
            }
            for (T* x : {pairs.value, pairs.slope, pairs.curvature}) std::fill_n(x, stop - at, T(0));
            at = stop;
        }
    }

    std::int64_t place(std::int64_t b, std::int64_t k) const {
        return call_.lists == nullptr ? k * b_ + b : call_.lists->begin(b) + k;
    }

    /// One negative per positive, or none: the pair's results, and 0 for all other negatives.
    void chosen(std::int64_t begin, std::int64_t end, Pairs<T>& pairs, Sums& sums, Worker& worker) const {
        const std::int64_t n = end - begin;
        std::int64_t choice[kBlock];
        NegativeChoice<T>(loss_, call_, filler_).choose(begin, end, pairs, choice, worker);
        for (std::int64_t i = 0; i < n; ++i) {
            const bool any = choice[i] >= 0;
            filler_.fill(pairs, begin + i, i, 1);
            pairs.negative[i] = any ? call_.negative[place(begin + i, choice[i])] : -std::numeric_limits<T>::infinity();
            if (any && !rank_weights_.empty())
                pairs.rank_weight[i] = rank_weights_[static_cast<std::size_t>(choice[i])];
            if (filler_.has_credit())
                pairs.negative_item[i] =
                    any ? call_.ideal.negative_items[place(begin + i, choice[i])] : pairs.positive_item[i];
        }
        if (filler_.has_credit()) filler_.subtract_credit(pairs, pairs.negative_item, n);
        sum(pairs, pairs.negative, n, pairs.grad, pairs.hess);
        flush_to(sums.value, pairs.value, n);
        flush_to(sums.slope, pairs.slope, n);
        flush_to(sums.curvature, pairs.curvature, n);
        if (call_.mode != kValue) scatter(begin, end, choice, pairs.grad, call_.grad_negative);
        if (call_.mode == kGradHess) scatter(begin, end, choice, pairs.hess, call_.hess_negative);
    }

    void scatter(std::int64_t begin, std::int64_t end, const std::int64_t* choice, const T* x, T* out) const {
        if (call_.lists != nullptr) std::fill(out + call_.lists->begin(begin), out + call_.lists->end(end - 1), T(0));
        for (std::int64_t k = 0; k < call_.n_rows; ++k) std::fill_n(out + k * b_ + begin, end - begin, T(0));
        for (std::int64_t b = begin; b < end; ++b)
            if (choice[b - begin] >= 0) out[place(b, choice[b - begin])] = x[b - begin];
    }

    const ImplicitLoss& loss_;
    const ImplicitCall<T>& call_;
    PairFiller<T> filler_;
    void (*sum_)(const ImplicitPairs<T>&);
    std::int64_t b_;
    std::vector<double> value_of_;  // one per positive, where values are wanted
    std::vector<T> rank_weights_;   // of the first, second, ... negative tried
};

}  // namespace

template <class T> double evaluate_implicit(const ImplicitLoss& loss, const ImplicitCall<T>& call) {
    const bool narrow = check_implicit(loss, call, implicit_kernels<T>());
    return Evaluation<T>(loss, call, narrow && loss.choice == Choice::kEvery).run();
}
template double evaluate_implicit(const ImplicitLoss&, const ImplicitCall<float>&);
template double evaluate_implicit(const ImplicitLoss&, const ImplicitCall<double>&);

void ideal_difference(const Ideal& ideal, std::int64_t n, double* out) {
    check_items(ideal, n, n);
    const ImplicitKernels<double>& k = implicit_kernels<double>();
    std::fill_n(out, n, 1.0);
    for (const Feature& f : ideal.features) {
        if (f.integers != nullptr)
            k.subtract_integer_matches(f.integers, f.weight, ideal.positive_items, ideal.negative_items, n, out);
        else k.subtract_real_matches(f.reals, f.weight, ideal.positive_items, ideal.negative_items, n, out);
    }
}

}  // namespace rankgrad
