// Three steps for a block of positives: choose a negative for each (or take every one), sum the formula over the pairs in
// the kernels, put the results where they belong. What is computed for one positive depends on the block cutting alone,
// which depends on the shapes alone: threads cannot change a bit.
#include "engine/implicit.hpp"

#include <algorithm>
#include <atomic>
#include <limits>

#include "engine/implicit_checks.hpp"
#include "engine/implicit_choice.hpp"
#include "engine/rank_weight.hpp"

namespace rankgrad {
namespace {

constexpr std::int64_t kRowsPerFlush = 64;    // additions in T before they go to double
constexpr std::int64_t kRaggedTask = 8192;    // negatives in one task
constexpr std::int64_t kSerialPairs = 32768;  // below this, starting threads costs more than it gains

template <class T> class Evaluation {
public:
    Evaluation(const ImplicitLoss& loss, const ImplicitCall<T>& call)
        : loss_(loss), call_(call), kernels_(implicit_kernels<T>()), filler_(loss, call), b_(call.n_positives),
          narrow_(loss.formula == kSigmoidGap && loss.choice == Counted::kEvery ? kNarrowSigmoidGap : loss.formula) {
        check_implicit(loss, call);
        const bool seen = loss.choice == Counted::kEvery || NegativeChoice<T>::sees_all(loss, call);
        if (!seen || !call.new_results) check_negatives(loss, call);
        if (loss.choice != Counted::kFirstViolation) return;
        std::int64_t most = call.n_rows;
        for (std::int64_t b = 0; call.lists != nullptr && b < b_; ++b)
            most = std::max(most, call.lists->end(b) - call.lists->begin(b));
        for (std::int64_t t = 1; t <= most; ++t)
            rank_weights_.push_back(static_cast<T>(rank_weight(loss, static_cast<double>(t))));
    }

    double run() {
        const std::vector<std::int64_t> bounds = call_.lists == nullptr ? cut_rows() : cut_lists();
        std::vector<double> value_of(bounds.size(), 0.0);  // one per task, where values are wanted
        const std::int64_t pairs = call_.lists == nullptr ? b_ * call_.n_rows : call_.lists->n_items();
        const int threads = pairs < kSerialPairs ? 1 : call_.threads;
        parallel_for(static_cast<std::int64_t>(bounds.size()) - 1, threads, call_.interrupt,
                     [&](std::int64_t t, Worker& worker) {
                         const auto task = static_cast<std::size_t>(t);
                         value_of[task] = block(bounds[task], bounds[task + 1], worker);
                     });
        if (any_bad_) check_negatives(loss_, call_);
        return call_.scale * total(value_of.data(), static_cast<std::int64_t>(value_of.size()));
    }

private:
    /// Tasks: at most kBlock positives each.
    std::vector<std::int64_t> cut_rows() const {
        std::vector<std::int64_t> bounds;
        for (std::int64_t b = 0; b < b_; b += kBlock) bounds.push_back(b);
        bounds.push_back(b_);
        return bounds;
    }

    /// Tasks: at most kBlock positives and about kRaggedTask negatives each.
    std::vector<std::int64_t> cut_lists() const {
        std::vector<std::int64_t> bounds{0};
        for (std::int64_t b = 1; b < b_; ++b)
            if (b - bounds.back() == kBlock || call_.lists->begin(b) - call_.lists->begin(bounds.back()) >= kRaggedTask)
                bounds.push_back(b);
        bounds.push_back(b_);
        return bounds;
    }

    /// The weighted value of the block's positives, if the mode has one.
    double block(std::int64_t begin, std::int64_t end, Worker& worker) {
        Pairs<T> pairs;
        Sums sums;
        if (!block(begin, end, narrow_, pairs, sums, worker) &&
            (narrow_ == loss_.formula || !block(begin, end, loss_.formula, pairs, sums, worker)))
            any_bad_ = true;
        return finish(begin, end - begin, sums);
    }

    /// False if the formula cannot compute a pair.
    bool block(std::int64_t begin, std::int64_t end, ImplicitFormula formula, Pairs<T>& pairs, Sums& sums,
               Worker& worker) const {
        std::fill_n(sums.value, end - begin, 0.0);
        std::fill_n(sums.slope, end - begin, 0.0);
        std::fill_n(sums.curvature, end - begin, 0.0);
        filler_.clear(pairs, call_.lists == nullptr ? end - begin : kBlock);
        pairs.formula = formula;
        if (loss_.choice != Counted::kEvery) return chosen(begin, end, pairs, sums, worker);
        if (call_.lists == nullptr) return rows(begin, end, pairs, sums, worker);
        return lists(begin, end, pairs, sums, worker);
    }

    double finish(std::int64_t begin, std::int64_t n, Sums& sums) const {
        for (std::int64_t i = 0; call_.weight != nullptr && i < n; ++i) sums.value[i] *= call_.weight[begin + i];
        for (std::int64_t i = 0; call_.values != nullptr && i < n; ++i)
            call_.values[begin + i] = static_cast<T>(sums.value[i]);
        for (std::int64_t i = 0; call_.mode != kValue && i < n; ++i)
            call_.grad_positive[begin + i] = static_cast<T>(0.0 - sums.slope[i]);
        for (std::int64_t i = 0; call_.mode == kGradHess && i < n; ++i)
            call_.hess_positive[begin + i] = static_cast<T>(sums.curvature[i]);
        return total(sums.value, n);
    }

    bool sum(Pairs<T>& pairs, const T* negative, std::int64_t n, T* grad, T* hess, std::int64_t rows = 1) const {
        ImplicitPairs<T> job;
        job.positive = pairs.positive;
        job.negative = negative;
        job.ideal = pairs.ideal;
        job.rank_weight = loss_.formula == kRankedHinge ? pairs.rank_weight : nullptr;
        job.factor = pairs.factor;
        job.square_factor = pairs.square_factor;
        job.n = n;
        job.rows = rows;
        job.stride = b_;
        job.kink = loss_.kink;
        job.square = loss_.square ? 1.0 : 0.0;
        job.value = pairs.value;
        job.slope = pairs.slope;
        job.curvature = pairs.curvature;
        job.grad_negative = grad;
        job.hess_negative = hess;
        return kernels_.sums[pairs.formula].mode[call_.mode](job);
    }

    /// Every negative of (K, B): the positives of the block against one row at a time.
    bool rows(std::int64_t begin, std::int64_t end, Pairs<T>& pairs, Sums& sums, Worker& worker) const {
        const std::int64_t n = end - begin;
        bool usable = true;
        filler_.fill_each(pairs, begin, end);
        for (std::int64_t k = 0; k < call_.n_rows && !worker.stopped();) {
            const std::int64_t stop = std::min(k + kRowsPerFlush, call_.n_rows);
            while (k < stop) {
                const std::int64_t at = k * b_ + begin;
                const std::int64_t count = filler_.has_credit() ? 1 : stop - k;  // credit is a matter of each pair
                filler_.set_ideals(pairs, begin, end, at);
                usable &= sum(pairs, call_.negative + at, n, shifted(call_.grad_negative, at),
                              shifted(call_.hess_negative, at), count);
                k += count;
            }
            flush(call_.mode, sums, pairs, n);
        }
        return usable;
    }

    static T* shifted(T* x, std::int64_t by) { return x == nullptr ? nullptr : x + by; }

    /// Every negative of ragged lists: runs of kBlock negatives, whatever positives they belong to.
    bool lists(std::int64_t begin, std::int64_t end, Pairs<T>& pairs, Sums& sums, Worker& worker) const {
        const Lists& all = *call_.lists;
        std::int64_t first = begin;
        bool usable = true;
        for (std::int64_t at = all.begin(begin); at < all.end(end - 1) && !worker.stopped();) {
            const std::int64_t stop = std::min(at + kBlock, all.end(end - 1));
            while (all.end(first) <= at) ++first;
            std::int64_t last = first;
            for (; last < end && all.begin(last) < stop; ++last) {
                const std::int64_t from = std::max(all.begin(last), at), to = std::min(all.end(last), stop);
                filler_.fill(pairs, last, from - at, to - from);
            }
            if (filler_.has_credit()) filler_.subtract_credit(pairs, call_.ideal.negative_items + at, stop - at);
            usable &= sum(pairs, call_.negative + at, stop - at, shifted(call_.grad_negative, at),
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
        return usable;
    }

    std::int64_t place(std::int64_t b, std::int64_t k) const {
        return call_.lists == nullptr ? k * b_ + b : call_.lists->begin(b) + k;
    }

    /// One negative per positive, or none: the pair's results, and 0 for all other negatives.
    bool chosen(std::int64_t begin, std::int64_t end, Pairs<T>& pairs, Sums& sums, Worker& worker) const {
        const std::int64_t n = end - begin;
        std::int64_t choice[kBlock];
        bool usable = NegativeChoice<T>(loss_, call_, filler_).choose(begin, end, pairs, choice, worker);
        filler_.fill_each(pairs, begin, end);
        const bool known = NegativeChoice<T>::sees_all(loss_, call_);  // left there by the choice
        for (std::int64_t i = 0; i < n; ++i) {
            const bool any = choice[i] >= 0;
            if (!known)
                pairs.negative[i] =
                    any ? call_.negative[place(begin + i, choice[i])] : -std::numeric_limits<T>::infinity();
            if (any && !rank_weights_.empty())
                pairs.rank_weight[i] = rank_weights_[static_cast<std::size_t>(choice[i])];
            if (filler_.has_credit())
                pairs.negative_item[i] =
                    any ? call_.ideal.negative_items[place(begin + i, choice[i])] : pairs.positive_item[i];
        }
        if (filler_.has_credit()) filler_.subtract_credit(pairs, pairs.negative_item, n);
        usable &= sum(pairs, pairs.negative, n, pairs.grad, pairs.hess);
        flush(call_.mode, sums, pairs, n);
        const auto put = [&](const T* x, T* out) {
            if (call_.lists != nullptr) put_in_lists(begin, end, choice, x, out);
            else kernels_.put_in_rows(x, pairs.row, b_, call_.n_rows, n, out + begin);
        };
        if (call_.mode != kValue) put(pairs.grad, call_.grad_negative);
        if (call_.mode == kGradHess) put(pairs.hess, call_.hess_negative);
        return usable;
    }

    void put_in_lists(std::int64_t begin, std::int64_t end, const std::int64_t* choice, const T* x, T* out) const {
        std::fill(out + call_.lists->begin(begin), out + call_.lists->end(end - 1), T(0));
        for (std::int64_t b = begin; b < end; ++b)
            if (choice[b - begin] >= 0) out[place(b, choice[b - begin])] = x[b - begin];
    }

    const ImplicitLoss& loss_;
    const ImplicitCall<T>& call_;
    const ImplicitKernels<T>& kernels_;
    PairFiller<T> filler_;
    std::int64_t b_;
    ImplicitFormula narrow_;            // what is tried first; the loss's own formula computes what that one cannot
    std::atomic<bool> any_bad_{false};  // a negative is
    std::vector<T> rank_weights_;       // of the first, second, ... negative tried
};

}  // namespace

template <class T> double evaluate_implicit(const ImplicitLoss& loss, const ImplicitCall<T>& call) {
    return Evaluation<T>(loss, call).run();
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
