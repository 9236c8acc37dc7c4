// Near-linear sums of a list with few label levels, its items in the order they came in
// (kernels/expansion/level_tables.hpp).
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "engine/data/evaluation.hpp"
#include "engine/data/score_bins.hpp"
#include "engine/runtime/parts.hpp"
#include "engine/data/level_codes.hpp"
#include "engine/runtime/parallel.hpp"

namespace rankgrad {

template <class T> struct TableItems {
    Buffer<T> score, vector, grad, hess;  // all but the first where some items are not valid
};

struct LevelTableScratch {
    std::tuple<TableItems<float>, TableItems<double>> items;
    Buffer<double> weight, value, moments, potentials;
    std::vector<ItemPart> parts;
};

template <class T> class LevelTableSum {
public:
    /// `codes` has the list.
    LevelTableSum(const Plan& plan, const LevelCodes& codes, const LossCall<T>& call, std::int64_t list,
                  LevelTableScratch& scratch, const Team& team);

    /// Copies the items. False if one of their numbers is not finite.
    bool read();
    /// Of the scores, undivided; after read().
    double range() const { return high_ - low_; }
    /// Writes the results of the list and gives the weighted sum of its values.
    double run(const ExpansionKernels& kernels, double temperature, double list_weight, ExpansionScratch& expansion);

private:
    void read_part(std::int64_t part);
    T* score_of(std::int64_t part) const;
    LevelTableJob<T> job_of(std::int64_t part) const;
    void add_moments(const LevelTableSums<T>& sums, std::int64_t slots);
    void write_values(std::int64_t part) const;
    void scatter() const;

    const Plan& plan_;
    const LossCall<T>& call_;
    const std::int64_t list_, base_, n_;
    const std::int64_t n_parts_;
    const std::uint8_t* const level_;
    const std::int32_t* const position_;  ///< null: all items are valid
    LevelTableScratch& scratch_;
    TableItems<T>& items_;
    Team team_;
    LevelTableJob<T> job_;
    double low_ = 0, high_ = 0;
};

}  // namespace rankgrad
