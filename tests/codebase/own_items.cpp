// Direct sums over parts of a list: what they add to must be the items of the part, as its neighbours may be another
// thread's.
//
// All sums begin as -0.0, which stays -0.0 only where nothing is added, not even 0. Prints the first index that is
// touched though it belongs to no pair, and ends with 1. Counts, which have no such number, lie in a page of memory
// between two that cannot be written to: at its end, then at its beginning.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "kernels/direct/count_tiles.hpp"
#include "kernels/direct/direct_sum.hpp"
#include "kernels/losses/pair_weights.hpp"

namespace rankgrad {
namespace {

constexpr std::int32_t kItems = 61, kRoom = kItems + 16;

struct Part {
    std::int32_t row_begin, row_end, column_begin, column_end;
    bool has(std::int32_t k) const { return (k >= row_begin && k < row_end) || (k >= column_begin && k < column_end); }
};

template <class Job> void set_pairs(Job& job, const std::vector<std::int32_t>& level_begin, const Part& part) {
    job.level_begin = level_begin.data();
    job.n_levels = static_cast<std::int32_t>(level_begin.size()) - 1;
    job.row_begin = part.row_begin;
    job.row_end = part.row_end;
    job.column_begin = part.column_begin;
    job.column_end = part.column_end;
}

template <class Loss, class T, PairMode mode, bool weighted, bool lambda = false>
void check(const char* what, const std::vector<std::int32_t>& level_begin, const Part& part) {
    std::vector<T> row(kRoom, T(0.5)), ones(kRoom, T(1));
    std::vector<double> sums[3];
    for (std::vector<double>& sum : sums) sum.assign(kRoom, -0.0);
    const PairRectangle all{part.row_begin, part.row_end, part.column_begin, part.column_end};
    PairJob<T> job;
    job.row = job.column = row.data();
    job.weight = job.label = job.vector = job.gain = job.discount = job.discount_rest = job.rank = ones.data();
    job.pair_weights = &pair_weights<GapProduct, T>;
    set_pairs(job, level_begin, part);
    job.rectangles = &all;
    job.n_rectangles = 1;
    job.factored = Loss::factored;
    job.value = sums[0].data();
    job.grad = sums[1].data();
    job.hess = sums[2].data();
    if (!weighted) job.weight = nullptr;
    DirectPairSum<Loss, T, lambda>::of_mode[mode](job);
    for (const std::vector<double>& sum : sums)
        for (std::int32_t k = 0; k < kRoom; ++k)
            if (!part.has(k) && !(sum[k] == 0 && std::signbit(sum[k]))) {
                std::printf("%s: item %d of rows %d to %d, columns %d to %d is touched\n", what, k, part.row_begin,
                            part.row_end, part.column_begin, part.column_end);
                std::exit(1);
            }
}

/// A page that can be written to, between two that cannot.
std::int32_t* guarded_page(std::size_t& numbers) {
    const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    char* pages = static_cast<char*>(mmap(nullptr, 3 * bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (mprotect(pages + bytes, bytes, PROT_READ | PROT_WRITE) != 0) std::exit(2);
    numbers = bytes / sizeof(std::int32_t);
    return reinterpret_cast<std::int32_t*>(pages + bytes);
}

template <class N> void check_counts(const std::vector<std::int32_t>& level_begin, const Part& part) {
    static std::size_t numbers[2];
    static std::int32_t* const page[] = {guarded_page(numbers[0]), guarded_page(numbers[1])};
    std::vector<N> score(kRoom, N(0.5));
    PartnerCountJob<N> job;
    job.score = score.data();
    set_pairs(job, level_begin, part);
    const std::int32_t first = std::min(part.row_begin, part.column_begin),
                       last = std::max(part.row_end, part.column_end);
    for (const bool at_end : {true, false}) {
        for (int k : {0, 1}) {
            std::int32_t* const zero = page[k] + (at_end ? numbers[k] - last : 0) - (at_end ? 0 : first);
            (k == 0 ? job.slope : job.partners) = zero;
        }
        CountTiles<N>::count(job);
    }
}

}  // namespace
}  // namespace rankgrad

int main() {
    using namespace rankgrad;
    std::mt19937 random;
    const auto below = [&](int n) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(n)); };
    for (int repeat = 0; repeat < 2000; ++repeat) {
        std::vector<std::int32_t> level_begin{0};
        while (level_begin.back() < kItems)
            level_begin.push_back(std::min(kItems, level_begin.back() + 1 + below(repeat % 2 ? 3 : 20)));
        const std::int32_t middle = 1 + below(kItems - 1), end = middle + 1 + below(kItems - middle);
        for (const Part& part : {Part{middle, end, middle, end}, Part{middle, end, below(middle), middle}}) {
            check<Hinge, float, kValueGrad, false>("hinge, float", level_begin, part);
            check<Hinge, double, kValueGrad, true>("hinge, double", level_begin, part);
            check<Logistic, double, kGradHess, true>("logistic", level_begin, part);
            check_counts<float>(level_begin, part);
            check_counts<double>(level_begin, part);
            check<Quantile, float, kValueGrad, true>("quantile", level_begin, part);
            if (part.column_end <= part.row_begin)
                check<Logistic, float, kGradPositiveHess, true, true>("weighted pairs", level_begin, part);
        }
    }
    std::puts("no other item is touched");
}
