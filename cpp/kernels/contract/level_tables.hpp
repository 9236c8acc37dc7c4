// The part of the contract between the engine and the kernels that is about lists of few levels. No code.
#pragma once

#include <cstdint>

#include "kernels/contract/bin_grid.hpp"
#include "kernels/contract/modes.hpp"

namespace rankgrad {

struct Expansion;

/// Items of one list, in any order, and the tables of its levels and bins (level_tables.hpp).
template <class T> struct LevelTableJob {
    std::int64_t n = 0;
    const T* score = nullptr;  ///< in one of n_bins bins of the grid
    const std::uint8_t* level = nullptr;
    std::int32_t n_bins = 0;
    BinGrid grid;
    const double* weight = nullptr;  ///< of rows; null: 1
    const T* vector = nullptr;       ///< for kHessVector; its origin is subtracted
    double vector_origin = 0;
    double* moments = nullptr;           ///< moment_doubles for each slot, added to
    const double* potentials = nullptr;  ///< potential_doubles for each slot
    double grad_factor = 1, hess_factor = 1, min_hessian = 0;
    double* value = nullptr;  ///< may be null
    T* grad = nullptr;        ///< final
    T* hess = nullptr;
};

/// Potentials of all slots from their moments: a forward pass, then a backward pass unless only values are wanted.
struct LevelPotentialJob {
    const Expansion* expansion = nullptr;  ///< its tables, bins, marks, n_bins and backward
    std::int32_t n_levels = 0;
    const double* moments = nullptr;
    double* potentials = nullptr;  ///< added to
};

template <class T> struct LevelTableSums {
    int moment_doubles, potential_doubles;  ///< of a slot
    void (*moments)(const LevelTableJob<T>&);
    void (*potentials)(const LevelPotentialJob&);
    double (*sums)(const LevelTableJob<T>&);  ///< gives the weighted sum of the values
};

template <class T> struct LevelTableKernels {
    LevelTableSums<T> of[kPairModes][2];  ///< [mode][weighted]
};
struct LevelTableFamily {
    LevelTableKernels<float> of_float;
    LevelTableKernels<double> of_double;
};

}  // namespace rankgrad
