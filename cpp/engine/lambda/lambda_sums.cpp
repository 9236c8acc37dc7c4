// Sums over the pairs of one list with pair weights: the ranks of its items, and the choice of the algorithm.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/pairwise/pairwise.hpp"

namespace rankgrad {
namespace {

/// Lists of up to so many items are ranked by counting, longer ones by sorting.
constexpr std::int32_t kCountedItems = 192;

}  // namespace

/// Ranks by descending score, ties by position: fills by_rank and discount.
template <class T> void Pairwise::rank(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    WeightedScratch& w = s.weighted;
    const auto n = static_cast<std::size_t>(plan_.size(list));
    const T* scores = call.scores + plan_.lists().begin(list);
    const std::int32_t *order = plan_.order(list), *by_position = weights_.by_position(list);
    double* discount = zeroed(w.discount, n);
    std::int32_t* by_rank = padded(w.by_rank, n);
    const auto place = [&](std::int32_t r, std::int32_t k) {
        by_rank[r] = k;
        discount[k] = weights_.discount(r);
    };
    if (static_cast<std::int32_t>(n) <= kCountedItems) {
        T *x, *rank;
        if constexpr (std::is_same_v<T, float>) {
            x = padded(s.float_row, n);
            rank = padded(s.float_column, n);
        } else {
            x = padded(s.row, n);
            rank = padded(s.column, n);
        }
        for (std::size_t m = 0; m < n; ++m) x[m] = scores[order[by_position[m]]];
        std::fill_n(x + n, kPadding, -std::numeric_limits<T>::infinity());
        if constexpr (std::is_same_v<T, float>) kernels().weighted->float_ranks(x, static_cast<std::int32_t>(n), rank);
        else kernels().weighted->double_ranks(x, static_cast<std::int32_t>(n), rank);
        for (std::size_t m = 0; m < n; ++m) place(static_cast<std::int32_t>(rank[m]), by_position[m]);
        return;
    }
    double* number = padded(s.row, n);
    for (std::size_t m = 0; m < n; ++m) number[m] = -static_cast<double>(scores[order[by_position[m]]]);
    const auto [low, high] = std::minmax_element(number, number + n);
    const Sortable<double> sorted = s.sort.sorted(n);
    radix_argsort<double>({number}, static_cast<std::int32_t>(n), *low, *high, sorted, s.sort.room(n), s.sort.count,
                          team);
    for (std::size_t r = 0; r < n; ++r) place(static_cast<std::int32_t>(r), by_position[sorted.index[r]]);
}

bool Pairwise::sums_weighted_fast(std::int64_t list, const Scratch& s, PairMode mode, bool is_float) const {
    const std::int32_t n = plan_.size(list);
    const bool truncated = weights_.truncation() > 0 && weights_.truncation() < n;
    if (truncated || !weights_.ascending()) return false;
    const PairLossKernels& loss = kernels().pair->losses[loss_index_];
    if (loss.merge_sum != nullptr && !(range(s) <= kPowersRange)) return false;
    const ListFacts of_list = is_float ? facts<float>(list, range(s), mode) : facts<double>(list, range(s), mode);
    return choose_weighted_algorithm(loss_.choice, loss, mode, of_list) != Algorithm::direct;
}

void Pairwise::sum_weighted_by_rank(std::int64_t list, Scratch& s, PairMode mode, bool is_float,
                                    const Team& team) const {
    const int precision = is_float ? 0 : 1;
    const RankedList ranked{s.score.data(),
                            s.weight.data(),
                            weights_.gain(list),
                            s.weighted.discount.data(),
                            s.vector.data(),
                            plan_.level_begin(list),
                            s.weighted.by_rank.data(),
                            plan_.n_levels(list),
                            weights_.ranked(),
                            s.low,
                            s.high,
                            s.unit.unit(),
                            with_value(mode) ? s.value.data() : nullptr,
                            mode == kValue ? nullptr : s.grad.data(),
                            with_hess(mode) ? s.hess.data() : nullptr};
    const WeightedPairKernels& weighted = kernels().weighted->losses[loss_index_];
    const bool hinge = weighted.slack_scan != nullptr;
    const RankTreeKernels of_loss{mode, hinge ? nullptr : &kernels().pair->losses[loss_index_].expansion[precision],
                                  hinge ? weighted.slack_scan : kernels().weighted->rank_scan[precision],
                                  weighted.double_sum[kGapProduct][mode],
                                  kernels().pair->losses[loss_index_].factored[mode]};
    RankTreeScratch& tree = s.weighted.tree;
    const auto swap_with_sort = [&] {  // the ranks are known: the memory of numbers and sort is free
        tree.item.swap(s.sort.index);
        tree.place.swap(s.sort.number);
        tree.strength.swap(s.sort.dealt);
        tree.discount.swap(s.row);
    };
    swap_with_sort();
    rank_tree_sums(of_loss, ranked, tree, team);
    swap_with_sort();
}

template <class T>
void Pairwise::sum_weighted_pairs(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const {
    const double scale = weights_.scale(list);
    if (scale == 0) return;
    const auto n = static_cast<std::size_t>(plan_.size(list));
    const bool fast = sums_weighted_fast(list, s, call.mode, std::is_same_v<T, float>);
    if (fast || weights_.ranked()) rank(call, list, s, team);
    else zeroed(s.weighted.discount, n);
    if (fast) sum_weighted_by_rank(list, s, call.mode, std::is_same_v<T, float>, team);
    else sum_weighted_directly(call, list, s, team);
    if (scale > 1) {  // last, as weights and the temperature may make it small again
        s.pair_scale = scale;
        return;
    }
    for (Buffer<double>* sum : {with_value(call.mode) ? &s.value : nullptr, call.mode != kValue ? &s.grad : nullptr,
                                with_hess(call.mode) ? &s.hess : nullptr})
        for (std::size_t k = 0; sum != nullptr && k < n; ++k) (*sum)[k] *= scale;
}

template void Pairwise::sum_weighted_pairs(const LossCall<float>&, std::int64_t, Scratch&, const Team&) const;
template void Pairwise::sum_weighted_pairs(const LossCall<double>&, std::int64_t, Scratch&, const Team&) const;

}  // namespace rankgrad
