// A listwise or pointwise loss bound to a plan: one kernel call per list, for new scores at every call.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/data/evaluation.hpp"
#include "engine/listwise/smooth_ranks.hpp"
#include "engine/data/targets.hpp"

namespace rankgrad {

struct ListwiseLoss {
    std::string name;
    Target target = Target::kLabel;
    double temperature = 1.0;
    double parameters[kMostParameters] = {};
    std::uint64_t seed = 0;  ///< of the noise of target "noisy_power"
    Choice choice = Choice::automatic;
};

/// Arrays of one list in the arithmetic's type, one register longer than the list.
template <class P> struct ListBuffers {
    Buffer<P> score, target, weight, vector, value, grad, hess;
};
struct ListScratch {
    ListBuffers<float> single;
    ListBuffers<double> twice;
    template <class P> ListBuffers<P>& buffers() {
        if constexpr (std::is_same_v<P, float>) return single;
        else return twice;
    }
    Buffer<double> work[6];
    SmoothRankScratch ranks;
};

class Listwise {
public:
    Listwise(ListwiseLoss loss, Lists lists, Labels labels, const std::uint8_t* mask, PlanOptions options);

    const Plan& plan() const { return plan_; }
    bool values_per_item() const;
    /// Throws ArgumentError: there are no pairs to count.
    double pairs(std::int64_t list) const;

    /// Writes the arrays of `call` and gives the weighted sum (0 in modes without values). Throws ArgumentError for
    /// non-finite scores (before anything is written), Interrupted.
    template <class T> double evaluate(const LossCall<T>& call) const;

private:
    using Scratch = ListScratch;
    /// The largest numbers of a list's arguments; NaN where one is not finite.
    struct Sizes {
        double list_weight = 1, item_weight = 1, vector = 1;
        bool finite() const { return !std::isnan(list_weight + item_weight + vector); }
    };
    /// What the kernel has left to multiply its results with.
    struct Left {
        int exponent = 0;         ///< of a power of two that was taken out of targets and weights
        int vector_exponent = 0;  ///< and out of the vector
        bool scale = false;       ///< the factor of all derivatives, too
    };
    const ListLossKernels& kernel() const;
    double parameter(ParameterRole role) const;
    void scale_by_ideal(const Crew& crew);
    void look_at_targets(const Crew& crew);
    /// Of all valid items, in the plan's order.
    const double* targets() const { return target_.empty() ? plan_.label(0) : target_.data(); }
    template <class T>
    double evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const;
    template <class T> Sizes sizes(const LossCall<T>& call, std::int64_t list) const;
    template <class T>
    bool fits_floats(const LossCall<T>& call, std::int64_t list, double score, const Sizes& sizes) const;

    // listwise_jobs.cpp
    template <class P, class T> double sum_list(const LossCall<T>& call, std::int64_t list, ListJob<P>& job,
                                                const Sizes& sizes, Scratch& s, const Team& team) const;
    template <class P, class T>
    Left prepare(const LossCall<T>& call, std::int64_t list, const Sizes& sizes, Scratch& s, ListJob<P>& job) const;
    template <class P, class T> int prepare_target(const LossCall<T>& call, std::int64_t list, const Sizes& sizes,
                                                   ListBuffers<P>& buffers, ListJob<P>& job) const;
    template <class P, class T>
    void scatter(const LossCall<T>& call, std::int64_t list, const Left& left, ListBuffers<P>& buffers) const;
    template <class T> void fill(const LossCall<T>& call, std::int64_t list, T number) const;

    ListwiseLoss loss_;
    int loss_index_;
    Plan plan_;
    Room<double> target_;  ///< empty where it would be the labels
    double per_temperature_ = 1;
    double largest_target_ = 0;                       ///< or label, for those over the sum of a list
    Room<float> float_target_;                        ///< the same, for losses with float sums
    bool floats_are_targets_ = true;                  ///< to the last bit
    bool targets_fit_float_ = true;                   ///< none is so small or large that products lose digits
    std::vector<SplitSum> target_sums_, float_sums_;  ///< per list, for losses that split them
    std::vector<double> ideal_;                       ///< per list, for ApproxNDCG
    mutable ScratchPool<Scratch> pool_;
};

}  // namespace rankgrad
