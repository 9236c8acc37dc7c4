// A listwise or pointwise loss bound to a plan: one kernel call per list, for new scores at every call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/call.hpp"
#include "engine/smooth_ranks.hpp"
#include "engine/targets.hpp"

namespace rankgrad {

/// Names of the registered listwise and pointwise losses.
std::vector<std::string> list_loss_names();

struct ListwiseLoss {
    std::string name;
    std::string target;  ///< see Target
    double temperature = 1.0;
    LossParameters parameters{};
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
    const ListLossKernels& kernel() const;
    void scale_by_ideal();
    template <class T>
    double evaluate_list(const LossCall<T>& call, std::int64_t list, Scratch& s, const Team& team) const;
    template <class T> bool fits_float(const LossCall<T>& call, std::int64_t list) const;
    template <class T> bool finite_arguments(const LossCall<T>& call, std::int64_t list) const;
    template <class P, class T>
    double sum_list(const LossCall<T>& call, std::int64_t list, P high, Scratch& s, const Team& team) const;
    template <class P, class T> ListJob<P> job(const LossCall<T>& call, std::int64_t list, Scratch& s) const;
    template <class P, class T>
    const P* target(const LossCall<T>& call, std::int64_t list, ListBuffers<P>& buffers) const;
    template <class P, class T> void scatter(const LossCall<T>& call, std::int64_t list, ListBuffers<P>& buffers) const;
    template <class T> void fill(const LossCall<T>& call, std::int64_t list, T number) const;

    ListwiseLoss loss_;
    int loss_index_;
    double per_temperature_ = 1;
    Target target_kind_;
    Plan plan_;
    std::vector<double> target_;
    std::vector<float> float_target_;  ///< the same, for losses with float sums
    bool targets_fit_float_ = true;    ///< of all lists
    std::vector<double> ideal_;        ///< per list, for ApproxNDCG
    mutable ScratchPool<Scratch> pool_;
};

}  // namespace rankgrad
