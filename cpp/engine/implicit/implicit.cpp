// Work is cut into blocks of positives. Each is computed fast, or carefully where that would not do. What is computed
// for one positive depends on the block cutting and on the block's numbers alone: threads cannot change a bit.
#include "engine/implicit/implicit.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "engine/implicit/block_sums.hpp"
#include "engine/implicit/implicit_checks.hpp"
#include "engine/implicit/warp_weight.hpp"
#include "engine/settings/loss_names.hpp"

namespace rankgrad {
namespace {

constexpr std::int64_t kRaggedTask = 8192;    // negatives in one task
constexpr std::int64_t kSerialPairs = 32768;  // below this, starting threads costs more than it gains

/// Of the first, second, ... negative tried.
template <class T> std::vector<double> rank_weights(const ImplicitLoss& loss, const ImplicitCall<T>& call) {
    std::vector<double> weights;
    if (loss.choice != Counted::kFirstViolation) return weights;
    std::int64_t most = call.n_rows;
    for (std::int64_t b = 0; call.lists != nullptr && b < call.n_positives; ++b)
        most = std::max(most, call.lists->end(b) - call.lists->begin(b));
    for (std::int64_t t = 1; t <= most; ++t) weights.push_back(rank_weight(loss, static_cast<double>(t)));
    return weights;
}

template <class T> class Evaluation {
public:
    Evaluation(const ImplicitLoss& loss, const ImplicitCall<T>& call)
        : loss_(loss), call_(call), rank_weights_(rank_weights(loss, call)) {}

    /// unit times the weighted sum of the values.
    double run(double unit) {
        const BlockSums<T, T> fast(loss_, call_, rank_weights_, unit, false);
        const BlockSums<T, double> careful(loss_, call_, rank_weights_, unit, true);
        const std::vector<std::int64_t> bounds = call_.lists == nullptr ? cut_rows() : cut_lists();
        std::vector<double> value_of(bounds.size(), 0.0);  // one per task, where values are wanted
        const std::int64_t pairs = call_.lists == nullptr ? call_.n_positives * call_.n_rows : call_.lists->n_items();
        const int threads = pairs < kSerialPairs ? 1 : call_.threads;
        parallel_for(static_cast<std::int64_t>(bounds.size()) - 1, threads, call_.interrupt,
                     [&](std::int64_t t, Worker& worker) {
                         const auto task = static_cast<std::size_t>(t);
                         const std::int64_t begin = bounds[task], end = bounds[task + 1];
                         Sums sums;
                         if (!sum(fast, begin, end, sums, worker) && !careful.sum(false, begin, end, sums, worker))
                             any_bad_ = true;
                         value_of[task] = finish(begin, end - begin, sums);
                     });
        if (any_bad_) check_negatives(loss_, call_);
        return total(value_of.data(), static_cast<std::int64_t>(value_of.size()));
    }

private:
    /// Tasks: at most kBlock positives each.
    std::vector<std::int64_t> cut_rows() const {
        std::vector<std::int64_t> bounds;
        for (std::int64_t b = 0; b < call_.n_positives; b += kBlock) bounds.push_back(b);
        bounds.push_back(call_.n_positives);
        return bounds;
    }

    /// Tasks: at most kBlock positives and about kRaggedTask negatives each.
    std::vector<std::int64_t> cut_lists() const {
        std::vector<std::int64_t> bounds{0};
        for (std::int64_t b = 1; b < call_.n_positives; ++b)
            if (b - bounds.back() == kBlock || call_.lists->begin(b) - call_.lists->begin(bounds.back()) >= kRaggedTask)
                bounds.push_back(b);
        bounds.push_back(call_.n_positives);
        return bounds;
    }

    /// Fast sums of a block, weighted; false if they are not to be had.
    bool sum(const BlockSums<T, T>& fast, std::int64_t begin, std::int64_t end, Sums& sums, Worker& worker) const {
        if (!fast.filler().is_usual(begin, end)) return false;
        const bool narrow = loss_.choice == Counted::kEvery && loss_.kernels().has_narrow;
        if (!(narrow && fast.sum(true, begin, end, sums, worker)) && !fast.sum(false, begin, end, sums, worker))
            return false;
        fast.filler().weigh(sums, begin, end);
        return true;
    }

    double finish(std::int64_t begin, std::int64_t n, const Sums& sums) const {
        for (std::int64_t i = 0; call_.values != nullptr && i < n; ++i)
            call_.values[begin + i] = static_cast<T>(sums.value[i]);
        for (std::int64_t i = 0; call_.mode != kValue && i < n; ++i)
            call_.grad_positive[begin + i] = static_cast<T>(0.0 - sums.slope[i]);
        for (std::int64_t i = 0; call_.mode == kGradHess && i < n; ++i)
            call_.hess_positive[begin + i] = static_cast<T>(sums.curvature[i]);
        return total(sums.value, n);
    }

    const ImplicitLoss& loss_;
    const ImplicitCall<T>& call_;
    std::vector<double> rank_weights_;
    std::atomic<bool> any_bad_{false};  // a negative is
};

}  // namespace

ImplicitLoss::ImplicitLoss(Settings settings) {
    constexpr const char* families[] = {"implicit"};
    one_of<int>("family of losses", settings.name(), families);
    Settings named = settings.settings("loss", "");
    index = find_loss(*rankgrad::kernels().implicit, named.name());
    take_parameters(named, kernels().parameters, parameters);
    choice = settings.choice<Counted>("choice", kCountedNames, "every");
    square = settings.flag("square", true);
    rank_weight = settings.choice<RankWeight>("rank_weight", kRankWeightNames, "collie");
    floor = settings.flag("floor", false);
    clip = settings.number("clip", std::numeric_limits<double>::infinity());
    num_items = settings.count("num_items");
    negative_name = settings.word("negative_name", "negative_scores");
    settings.refuse_others();
}

const ImplicitLossKernels& ImplicitLoss::kernels() const { return rankgrad::kernels().implicit->losses[index]; }

template <class T> double evaluate_implicit(const ImplicitLoss& loss, const ImplicitCall<T>& call) {
    check_implicit(loss, call);
    const bool seen = loss.choice == Counted::kEvery || NegativeChoice<T, T>::sees_all(loss, call);
    if (!seen || !call.new_results) check_negatives(loss, call);
    Evaluation<T> evaluation(loss, call);
    const double value = call.scale * evaluation.run(1.0);
    if (std::isfinite(value) || call.values != nullptr) return value;
    constexpr double small = 0x1p-64;  // a sum of as many numbers as memory holds overflows no more than its terms
    return evaluation.run(call.scale * small) / small;
}
template double evaluate_implicit(const ImplicitLoss&, const ImplicitCall<float>&);
template double evaluate_implicit(const ImplicitLoss&, const ImplicitCall<double>&);

void ideal_difference(const Ideal& ideal, std::int64_t n, double* out) {
    check_items(ideal, n, n);
    const ImplicitDoubleKernels& k = kernels().implicit->in_double;
    std::fill_n(out, n, 1.0);
    for (const Feature& f : ideal.features) {
        if (f.integers != nullptr)
            k.subtract_integer_matches(f.integers, f.weight, ideal.positive_items, ideal.negative_items, n, out);
        else k.subtract_real_matches(f.reals, f.weight, ideal.positive_items, ideal.negative_items, n, out);
    }
}

}  // namespace rankgrad
