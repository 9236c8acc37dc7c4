// Sums over the pairs of one list with pair weights: the ranks of its items, then pair by pair or by scans.
#include "engine/lambda/lambda_sums.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "engine/lambda/lambda_direct.hpp"
#include "engine/runtime/isa_dispatch.hpp"

namespace rankgrad {
namespace {

/// Lists of up to so many items are ranked by counting, longer ones by sorting.
constexpr std::int32_t kCountedItems = 192;

/// Ranks by descending score of the list as it comes, ties by position: fills by_rank and discount.
template <class T> void rank(const T* scores, const PairWeights& weights, const GatheredList& list, LambdaMemory& w) {
    ListMemory& s = list.memory;
    const auto n = static_cast<std::size_t>(list.n());
    const std::int32_t *order = list.plan.order(list.list), *by_position = weights.by_position(list.list);
    double* discount = zeroed(w.discount, n);
    std::int32_t* by_rank = padded(w.by_rank, n);
    const auto place = [&](std::int32_t r, std::int32_t k) {
        by_rank[r] = k;
        discount[k] = weights.discount(r);
    };
    if (static_cast<std::int32_t>(n) <= kCountedItems) {
        T *x, *rank;
        if constexpr (std::is_same_v<T, float>) {
            x = padded(s.in_float.row, n);
            rank = padded(s.in_float.column, n);
        } else {
            x = padded(s.in_double.row, n);
            rank = padded(s.in_double.column, n);
        }
        for (std::size_t m = 0; m < n; ++m) x[m] = scores[order[by_position[m]]];
        std::fill_n(x + n, kPadding, -std::numeric_limits<T>::infinity());
        if constexpr (std::is_same_v<T, float>) kernels().lambda->float_ranks(x, static_cast<std::int32_t>(n), rank);
        else kernels().lambda->double_ranks(x, static_cast<std::int32_t>(n), rank);
        for (std::size_t m = 0; m < n; ++m) place(static_cast<std::int32_t>(rank[m]), by_position[m]);
        return;
    }
    double* number = padded(s.in_double.row, n);
    for (std::size_t m = 0; m < n; ++m) number[m] = -static_cast<double>(scores[order[by_position[m]]]);
    const auto [low, high] = std::minmax_element(number, number + n);
    const Sortable<double> sorted = s.sort.sorted(n);
    radix_argsort<double>({number}, static_cast<std::int32_t>(n), *low, *high, sorted, s.sort.room(n), s.sort.count,
                          list.team);
    for (std::size_t r = 0; r < n; ++r) place(static_cast<std::int32_t>(r), by_position[sorted.index[r]]);
}

/// Places in label order by descending score: all that scans want without pair weights.
void order_by_score(GatheredList& list, LambdaMemory& w) {
    SortScratch<double>& sort = list.memory.sort;
    const auto n = static_cast<std::size_t>(list.n());
    const Sortable<double> sorted = sort.sorted(n);
    radix_argsort<double>({list.scores()}, list.n(), list.low, list.high, sorted, sort.room(n), sort.count, list.team);
    std::reverse_copy(sorted.index, sorted.index + n, padded(w.by_rank, n));
}

void sum_by_scans(GatheredList& list, const LambdaKernels& lambda, const PairWeights& weights, LambdaMemory& memory) {
    const int precision = list.is_float ? 0 : 1;
    const SumArrays a = list.arrays();
    const RankedList ranked{list.scores(),
                            a.weight,
                            weights.any() ? weights.gain(list.list) : nullptr,
                            weights.ranked() ? memory.discount.data() : nullptr,
                            list.memory.vector.data(),
                            list.level_begin(),
                            memory.by_rank.data(),
                            list.n_levels(),
                            list.low,
                            list.high,
                            list.unit.unit(),
                            a.value,
                            a.grad,
                            a.hess};
    const bool hinge = lambda.of_loss.hinge_scan != nullptr;
    const LambdaTreeKernels of_loss{
        list.mode,
        hinge ? nullptr : &list.loss.expansion[precision],
        hinge ? lambda.of_loss.hinge_scan : lambda.family.expansion_scan[precision],
        lambda.of_loss.double_sum[list.mode],
        weights.any() ? lambda.family.weights[weights.form()].of_double : lambda.family.equal_weights,
        list.loss.factored[list.mode]};
    LambdaTreeScratch& tree = memory.tree;
    const auto swap_with_sort = [&] {  // the ranks are known: the memory of numbers and sort is free
        SortScratch<double>& sort = list.memory.sort;
        tree.item.swap(sort.index);
        (hinge ? tree.numbers[0].place : tree.place).swap(sort.number);
        (hinge ? tree.numbers[0].strength : tree.out).swap(sort.dealt);  // of twice as many numbers
        if (hinge) tree.numbers[0].discount.swap(list.memory.in_double.row);
    };
    swap_with_sort();
    lambda_tree_sums(of_loss, ranked, tree, list.team);
    swap_with_sort();
}

}  // namespace

template <class T> void lambda_sums(GatheredList& list, const T* scores, const LambdaKernels& lambda,
                                    const PairWeights& weights, bool by_scans, LambdaMemory& memory) {
    if (!weights.any()) {
        order_by_score(list, memory);
        return sum_by_scans(list, lambda, weights, memory);
    }
    const double scale = weights.scale(list.list);
    if (scale == 0) return;
    const auto n = static_cast<std::size_t>(list.n());
    if (by_scans || weights.ranked()) rank(scores, weights, list, memory);
    else zeroed(memory.discount, n);
    memory.weight = &lambda.family.weights[weights.form()];
    if (by_scans) {
        sum_by_scans(list, lambda, weights, memory);
    } else {
        zeroed(memory.no_rest, n);
        double* rank = zeroed(memory.rank, n);
        for (std::size_t r = 0; weights.ranked() && r < n; ++r) rank[memory.by_rank[r]] = static_cast<double>(r);
        sum_pair_by_pair(list, lambda.of_loss, weights, memory);
    }
    if (scale > 1) {  // last, as weights and the temperature may make it small again
        list.scale = scale;
        return;
    }
    const SumArrays a = list.arrays();
    for (double* sum : {a.value, a.grad, a.hess})
        for (std::size_t k = 0; sum != nullptr && k < n; ++k) sum[k] *= scale;
}

PairWeightsOf pair_weights_of(const GatheredList& list, const PairWeights& weights, const LambdaMemory& memory) {
    const double scale = std::min(weights.scale(list.list), 1.0);
    const std::int32_t n = list.n();
    if (scale == 0) return [n](std::int32_t, double* with_all) { std::fill_n(with_all, n, 0.0); };  // and no ranks
    PairJob<double> job;
    job.gain = weights.gain(list.list);
    job.discount = memory.discount.data();
    job.discount_rest = memory.no_rest.data();
    job.rank = memory.rank.data();
    job.weight_constant = weights.constant();
    std::vector<bool> is_best(static_cast<std::size_t>(n), !weights.truncates(n));
    for (std::int64_t r = 0; weights.truncates(n) && r < weights.truncation(); ++r) is_best[memory.by_rank[r]] = true;
    return [=, write = memory.weight->of_double](std::int32_t k, double* with_all) {
        write(job, {k, k + 1, 0, n}, with_all, 0);
        for (std::int32_t i = 0; i < n; ++i) with_all[i] = is_best[k] || is_best[i] ? scale * with_all[i] : 0;
    };
}

template void lambda_sums(GatheredList&, const float*, const LambdaKernels&, const PairWeights&, bool, LambdaMemory&);
template void lambda_sums(GatheredList&, const double*, const LambdaKernels&, const PairWeights&, bool, LambdaMemory&);

}  // namespace rankgrad
