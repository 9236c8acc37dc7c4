// The label tree with counts, and counts pair by pair.
#include "engine/sorted/partner_counts.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <vector>

#include "engine/data/tiles.hpp"
#include "engine/data/label_order.hpp"
#include "engine/sorted/label_tree.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {
namespace {

template <class N> void zero_counts(const PartnerCountJob<N>& job) {
    for (std::int32_t* count : {job.slope, job.partners})
        if (count != nullptr) std::fill_n(count, job.row_end, 0);
}

/// The counts of an item go with it through the tree.
template <class N> class CountTree final : public LabelTree<N, CountedPairs> {
    using Tree = LabelTree<N, CountedPairs>;
    using typename Tree::Carried;
    static constexpr std::int32_t kLeafItems = kMostLeafItems;

public:
    CountTree(const PairLossKernels& loss, const PartnerCountJob<N>& job, bool with_value, CountScratch<N>& scratch,
              const Team& team)
        : Tree(job.level_begin, job.n_levels, kLeafItems, scratch.sort, team), job_(job), counts_(counts_of<N>(loss)),
          with_value_(with_value) {
        const std::int32_t n = job.level_begin[job.n_levels];
        if (n <= kLeafItems) {  // else the root's merge writes them first
            zero_counts(job);
            return;
        }
        // Of two levels all ways end with the root's merge: nothing is carried on, and the slopes stay where the walk
        // has been.
        const bool only_root = job.n_levels == 2;
        this->n_carried_ = job.partners == nullptr ? 1 : 2;
        for (int at = 0; at < (only_root ? 1 : 2); ++at)
            for (int c = only_root ? 1 : 0; c < this->n_carried_; ++c)
                this->carried_[at][c] = padded_off_page(scratch.carried[at][c], static_cast<std::size_t>(n));
    }

    CountedPairs count(double low, double high) {
        const CountedPairs sum = this->run(job_.score, low, high);
        take_ended();
        return sum;
    }

private:
    /// Items of a long group that is final.
    struct Ended {
        const std::int32_t* item;
        Carried carried;
        std::ptrdiff_t begin, end;
    };

    CountedPairs merge(const MergedItems<N>& items, const Carried& carried, bool lower_is_final,
                       bool upper_is_final) override {
        CountJob<N> job;
        static_cast<MergedItems<N>&>(job) = items;
        job.unit = job_.unit;
        job.slope = job_.n_levels == 2 ? job.partner_end : carried[0];
        job.partners = carried[1];
        const std::ptrdiff_t size = items.end - items.begin;
        if (size == job_.level_begin[job_.n_levels])
            job.partner_end = job.slope;  // the root, where nothing has been carried
        const std::int64_t n = Tree::count_pieces(size);
        std::vector<MergePiece> many(n == 1 ? 0 : static_cast<std::size_t>(n));
        std::vector<CountedPairs> many_sums(many.size());
        MergePiece one, *const pieces = n == 1 ? &one : many.data();
        CountedPairs sum, *const sums = n == 1 ? &sum : many_sums.data();
        counts_.cut(job, pieces, n);
        const auto count = [&](std::int64_t k) {
            const MergeSide &upper = pieces[k].upper, &lower = pieces[k].lower;
            counts_.walk(job, pieces[k]);
            sums[k].pairs = counts_.count(job, pieces[k]);
            if (lower_is_final) add_products(job, lower.row, lower.row_end, sums[k].products);
            if (upper_is_final) add_products(job, upper.row_end + 1, upper.row + 1, sums[k].products);
        };
        const auto end = [&](std::ptrdiff_t from, std::ptrdiff_t to) {
            constexpr std::ptrdiff_t kItems = 1 << 14;
            if (n == 1) return take(job.item, {job.slope, job.partners}, from, to);
            for (; from < to; from += kItems)
                ended_.push_back({job.item, {job.slope, job.partners}, from, std::min(from + kItems, to)});
        };
        if (n == 1) count(0);
        else this->team_.run(n, count);
        if (lower_is_final) end(items.begin, items.middle);
        if (upper_is_final) end(items.middle, items.end);
        if (n == 1) return sum;
        for (const CountedPairs& of_piece : many_sums) sum += of_piece;
        return sum;
    }

    /// One group after the other, as their places are anywhere in a group: those of one fit in the cache, and threads
    /// are mostly in groups of their own.
    void take_ended() {
        this->team_.run(static_cast<std::int64_t>(ended_.size()), [&](std::int64_t k) {
            const Ended& part = ended_[static_cast<std::size_t>(k)];
            take(part.item, part.carried, part.begin, part.end);
        });
    }
    void add_products(const CountJob<N>& job, std::ptrdiff_t begin, std::ptrdiff_t end, SumWithError& products) const {
        add_products(job.score + begin, job.slope + begin, end - begin, products);
    }
    void add_products(const N* score, const std::int32_t* slope, std::ptrdiff_t n, SumWithError& products) const {
        if (with_value_) counts_.add_products(score, slope, n, products);
    }

    void take(const std::int32_t* item, const Carried& carried, std::ptrdiff_t begin, std::ptrdiff_t end) override {
        scatter_random(item + begin, carried[0] + begin, end - begin, job_.slope);
        if (job_.partners != nullptr) scatter_random(item + begin, carried[1] + begin, end - begin, job_.partners);
    }

    CountedPairs sum_directly(std::int32_t begin, const std::int32_t* level_begin, std::int32_t n_levels) override {
        PartnerCountJob<N> job = job_;
        job.score += begin;
        job.level_begin = level_begin;
        job.n_levels = n_levels;
        job.row_end = level_begin[n_levels];
        job.slope += begin;
        if (job.partners != nullptr) job.partners += begin;
        job.in_double = true;  // as merges compare scores
        CountedPairs sum;
        sum.pairs = counts_.count_directly(job);
        add_products(job.score, job.slope, job.row_end, sum.products);
        return sum;
    }

    const PartnerCountJob<N>& job_;
    const CountKernels<N>& counts_;
    bool with_value_;
    std::vector<Ended> ended_;
};

}  // namespace

void CountedPairs::operator+=(const CountedPairs& more) {
    pairs += more.pairs;
    SumWithError& all = products;
    const double next = all.sum + more.products.sum,
                 added = next - all.sum;  // exact with its error [Knuth, TAOCP 2, 4.2.2]
    all.error += (all.sum - (next - added)) + (more.products.sum - added) + more.products.error;
    all.sum = next;
}

template <class N> CountedPairs count_by_merges(const PairLossKernels& loss, const PartnerCountJob<N>& job,
                                                bool with_value, double low, double high, CountScratch<N>& scratch,
                                                const Team& team) {
    return CountTree<N>(loss, job, with_value, scratch, team).count(low, high);
}

template <class N>
std::int64_t count_pair_by_pair(const PairLossKernels& loss, const PartnerCountJob<N>& job, const Team& team) {
    zero_counts(job);
    if (job.row_end < kLeastTiledItems) return counts_of<N>(loss).count_directly(job);
    std::atomic<std::int64_t> pairs{0};
    run_tiles(team, job, [&](const PartnerCountJob<N>& part) { pairs += counts_of<N>(loss).count_directly(part); });
    return pairs;
}

template CountedPairs count_by_merges(const PairLossKernels&, const PartnerCountJob<float>&, bool, double, double,
                                      CountScratch<float>&, const Team&);
template CountedPairs count_by_merges(const PairLossKernels&, const PartnerCountJob<double>&, bool, double, double,
                                      CountScratch<double>&, const Team&);
template std::int64_t count_pair_by_pair(const PairLossKernels&, const PartnerCountJob<float>&, const Team&);
template std::int64_t count_pair_by_pair(const PairLossKernels&, const PartnerCountJob<double>&, const Team&);

}  // namespace rankgrad
