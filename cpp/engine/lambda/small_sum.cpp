// The operands of a direct sum over a few items, and where its results go.
#include "engine/lambda/small_sum.hpp"

#include <algorithm>
#include <utility>

#include "engine/data/cost_model.hpp"
#include "engine/runtime/isa_dispatch.hpp"

namespace rankgrad {

const double* SmallSum::gather(const double* from, Numbers& to) const {
    for (std::size_t k = 0; k < n_; ++k) to[k] = from[item_[k]];
    std::fill_n(to.begin() + n_, kPadding, 0.0);
    return to.data();
}

double* SmallSum::zeros(Numbers& x) const {
    std::fill_n(x.begin(), n_ + kPadding, 0.0);
    return x.data();
}

void SmallSum::set_operands(PairJob<double>& job) {
    const auto [low, high] = std::minmax_element(score.begin(), score.begin() + n_);
    const double range = (*high - *low) / list_.unit, middle = 0.5 * *low + 0.5 * *high;
    job.parameters.unit = list_.unit;
    job.factored = sums_of_.factored && range <= kDoubleRange;
    job.row = job.column = score.data();
    if (!job.factored) return;
    kernels().double_exponentials(score.data(), static_cast<std::int64_t>(n_), middle, 1 / list_.unit, score.data(),
                                  column_.data());
    job.column = column_.data();
}

void SmallSum::sum() {
    if (n_rectangles_ == 0) return;
    PairJob<double> job;
    set_operands(job);
    job.weight = gather(list_.weight, weight_);
    static constexpr Numbers none{};
    job.gain = list_.gain == nullptr ? none.data() : gather(list_.gain, gain_);
    job.discount = list_.discount == nullptr ? none.data() : gather(list_.discount, discount_);
    job.weight_constant = list_.discount == nullptr ? 1 : 0;
    job.pair_weights = sums_of_.weights;
    if (sums_of_.mode == kHessVector) job.vector = gather(list_.vector, vector_);
    job.value = zeros(value_);
    job.grad = zeros(grad_);
    job.hess = zeros(hess_);
    job.discount_rest = job.rank = none.data();  // gaps are all that such weights are made of
    job.rectangles = rectangles_.data();
    job.n_rectangles = n_rectangles_;
    sums_of_.direct(job);
    for (const auto& [from, to] : {std::pair{job.value, list_.value}, {job.grad, list_.grad}, {job.hess, list_.hess}})
        for (std::size_t k = 0; to != nullptr && k < n_; ++k) to[item_[k]] += from[k];
}

}  // namespace rankgrad
