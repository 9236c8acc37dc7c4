// Pair weights bound to a plan: what labels fix of them once, and what ranks need.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/data/gains.hpp"
#include "engine/data/plan.hpp"
#include "engine/sorting/argsort.hpp"
#include "engine/lambda/lambda_tree.hpp"
#include "engine/data/targets.hpp"

namespace rankgrad {

struct PairWeightOptions {
    int form = -1;        ///< of LambdaFamily::weights; -1: no weights
    bool ranked = false;  ///< it is made of ranks and gains, else of labels alone
    Gain::Kind gain = Gain::kExp2;
    std::vector<double> gain_table{};
    std::int64_t cutoff = 0;      ///< ranks from here on have discount 0; 0: none
    std::int64_t truncation = 0;  ///< pairs with neither item among the best so many have no weight; 0: all pairs
    bool normalize = true;        ///< divide by the ideal DCG of the list
};

/// Memory of one list's sums with pair weights.
struct LambdaMemory {
    Buffer<double> discount, rank;       ///< in label order
    Buffer<std::int32_t> by_rank;        ///< place in label order of each rank
    Buffer<std::int32_t> order, places;  ///< place in label order of each item as arranged for truncated sums
    Buffer<double> arranged[10];         ///< the arrays of a list in that order
    Buffer<double> no_rest;
    Buffer<float> float_gain, float_discount, float_rest, float_rank;
    std::vector<PairRectangle> rectangles;
    LambdaTreeScratch tree;
    const PairWeightKernels* weight = nullptr;
};

/// The weight of a pair is the scale of its list times a form of its gains, and of discounts D that are functions of
/// ranks.
class PairWeights {
public:
    /// Throws ArgumentError for a label without a finite gain, and Interrupted.
    PairWeights(const PairWeightOptions& options, const Plan& plan, const Crew& crew);

    bool any() const { return form_ >= 0; }
    int form() const { return form_; }
    bool ranked() const { return ranked_; }
    double constant() const { return ranked() ? 0.0 : 1.0; }
    std::int64_t truncation() const { return truncation_; }
    /// Some pairs of n items have no weight, as neither item is among the best.
    bool truncates(std::int32_t n) const { return truncation_ > 0 && truncation_ < n; }

    /// Gains of a list in label order, multiplied by a power of two so that they are below 2. Readable one register
    /// past.
    const double* gain(std::int64_t list) const { return gain_.data() + plan_begin_[static_cast<std::size_t>(list)]; }
    double scale(std::int64_t list) const { return scale_[static_cast<std::size_t>(list)]; }
    /// All gains are exact in float.
    bool fit_float() const { return fit_float_; }
    /// Weights are products of gaps, and in no list has a higher label a lower gain: sums over all pairs have a
    /// near-linear form.
    bool separate() const { return form_ == 0 && ascending_; }
    /// Places in label order of a list's items as they come.
    const std::int32_t* by_position(std::int64_t list) const {
        return by_position_.data() + plan_begin_[static_cast<std::size_t>(list)];
    }
    /// By rank, from 0.
    double discount(std::int32_t rank) const { return discount_.data()[rank]; }

private:
    void make_gains(const PairWeightOptions& options, const Plan& plan, const Crew& crew);
    void scale_gains(const Plan& plan, const IdealSums& ideal, const Crew& crew);
    void sort_positions(const Plan& plan, const Crew& crew);

    int form_;
    bool ranked_;
    std::int64_t truncation_;
    std::vector<std::int64_t> plan_begin_;
    std::vector<double> scale_;
    Room<double> gain_, discount_;
    Room<std::int32_t> by_position_;
    bool fit_float_ = true, ascending_ = true;
};

}  // namespace rankgrad
