// A pairwise loss bound to a plan: sums over the pairs of each list, for new scores at every call.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "engine/data/evaluation.hpp"
#include "engine/pairwise/cost_model.hpp"
#include "engine/expansion/expansion_sums.hpp"
#include "engine/data/parts.hpp"
#include "engine/data/level_codes.hpp"
#include "engine/expansion/level_table_sums.hpp"
#include "engine/lambda/pair_weights.hpp"
#include "engine/sorted/partner_counts.hpp"
#include "engine/data/score_unit.hpp"
#include "engine/sorted/sorted_sums.hpp"

namespace rankgrad {

struct PairwiseLoss {
    std::string name;
    double temperature = 1.0;
    LossParameters parameters{};
    Choice choice = Choice::automatic;
    PairWeightOptions weight{};
};

/// Squares of margins fit float up to here, and other numbers in these bounds stay normal when they are multiplied with them.
constexpr double kFloatMargin = 1e15, kLeastFloat = 1e-20, kMostFloat = 1e20;
/// Margins of exponentials in float are so accurate up to here.
constexpr double kFloatExponent = 8;
/// Scores fit float up to here, their differences too.
constexpr double kFloatScore = 1e37;
/// Up to this range sums of powers of the scores keep more digits than a double has.
constexpr double kPowersRange = 4e9;
/// Up to here a sum over pairs that is made of scores keeps its digits: an error of 1e-10 for each.
constexpr double kCountedRange = 1e6;
/// Pairs in one kernel call, between two looks at the interrupt flag.
constexpr double kPairsPerCall = 1e7;

/// Arrays of one list, ordered by label, one register longer than the list.
struct PairwiseScratch {
    Buffer<double> score, weight, vector, value, grad, hess;  // scores: in `unit`
    Buffer<double> row, column, label;                        // operands of the kernels in double
    Buffer<float> float_score, float_row, float_column, float_weight, float_label, float_vector;
    bool in_float = false;  // the scores are in float_score, and in score once scores() is asked for them
    ScoreUnit unit;
    double low = 0, high = 0;  // range of score
    double pair_scale = 1;     // of the pair weights
    double log_scale = 0;      // sums of the exponential loss are divided by e^log_scale
    std::size_t ones = 0;      // weights known to be 1
    std::vector<ItemPart> parts;
    ExpansionScratch expansion;
    LevelTableScratch tables;
    SortScratch<double> sort;
    WeightedScratch weighted;
    std::tuple<CountScratch<float>, CountScratch<double>> counts;
    Buffer<std::int32_t> slope, partners;
};

class Pairwise {
public:
    Pairwise(PairwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options);

    const Plan& plan() const { return plan_; }
    bool values_per_item() const { return true; }
    /// Pairs the loss sums over: squared error takes all m^2 of a list of m valid items.
    double pairs(std::int64_t list) const;

    /// Writes the arrays of `call` and gives the weighted sum (0 in modes without values). Throws ArgumentError for
    /// non-finite scores (before anything is written), Interrupted.
    template <class T> double evaluate(const LossCall<T>& call) const;

private:
    using Scratch = PairwiseScratch;
    /// A list is written to when all its scores have been read, so that one alone need not be looked through before.
    bool reads_all_first() const { return plan_.lists().count() == 1 && plan_.all_valid(); }
    template <class T>
    double evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    /// `range` is one of margins.
    template <class T> ListFacts facts(std::int64_t list, double range, PairMode mode = kValueGrad) const;
    static double range(const Scratch& s) { return (s.high - s.low) / s.unit.unit(); }
    LossParameters parameters(const Scratch& s) const;
    template <class T> bool fits_float(const LossCall<T>& call, const Scratch& s, std::size_t n, bool weighted) const;
    template <class T>
    ItemPart gather_items(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    template <class T>
    bool gather(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    template <class T> bool is_counted(const LossCall<T>& call, std::int64_t list) const;
    template <class T>
    bool count(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team, double& value) const;
    template <class N, class T> bool count_in(const LossCall<T>& call, std::int64_t list, Scratch& scratch,
                                              const Team& team, bool by_merges, double& value) const;
    template <class T>
    void sum_pairs(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    template <class T>
    void sum_overflowed_pairs(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    static const double* scores(std::size_t n, Scratch& scratch);
    template <class P> PairJob<P> job_for(std::int64_t list, Scratch& scratch) const;
    PairJob<double> score_job(std::int64_t list, Scratch& scratch) const;
    template <class T>
    PairJob<float> float_job(const LossCall<T>& call, std::int64_t list, Scratch& scratch, bool weighted) const;
    template <class T> PairJob<double> double_job(const LossCall<T>& call, std::int64_t list, Scratch& scratch) const;
    template <class T>
    void sum_weighted_pairs(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    template <class T> void rank(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    template <class T>
    void sum_weighted_directly(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;
    bool sums_weighted_fast(std::int64_t list, const Scratch& scratch, PairMode mode, bool is_float) const;
    void sum_weighted_by_rank(std::int64_t list, Scratch& scratch, PairMode mode, bool is_float,
                              const Team& team) const;
    template <class T>
    double scatter(const LossCall<T>& call, std::int64_t list, Scratch& scratch, const Team& team) const;

    PairwiseLoss loss_;
    int loss_index_;
    ScoreUnit unit_;
    Plan plan_;
    PairWeights weights_;
    LevelCodes codes_;
    mutable ScratchPool<Scratch> pool_;
};

}  // namespace rankgrad
