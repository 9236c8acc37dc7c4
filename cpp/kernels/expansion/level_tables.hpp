// Near-linear sums for few label levels: the items stay in their order, and all they need is in tables with a slot for
// each level and bin of scores.
//
//   1. LevelMoments: each item adds itself to the moments of its slot.
//   2. LevelPass (level_potentials.hpp): from the moments, what the items of a slot get, as polynomials of their place.
//   3. LevelSums: each item looks up its polynomials.
//
// For 1 and 3 the items may be cut anywhere; moments of parts are added. The loss enters only through its tables.
#pragma once

#include "kernels/expansion/bin_polynomials.hpp"
#include "kernels/contract/expansion.hpp"
#include "kernels/simd/lane_transpose.hpp"
#include "kernels/simd/lane_sums.hpp"

namespace rankgrad {
namespace {

constexpr int kTableChunk = 256;  // items whose slots and places are computed together: 5 kB of the L1 cache

template <class T> constexpr int kTableNodes = sizeof(T) == sizeof(float) ? 8 : 16;

/// Slot and place of a chunk of items, and 2 place^2 - 1.
template <class T> struct TablePlaces {
    alignas(64) std::int32_t slot[kTableChunk];
    alignas(64) double place[kTableChunk], bend[kTableChunk];

    RANKGRAD_NOINLINE void locate(const LevelTableJob<T>& job, std::int64_t first, int count) {
        const T* score = job.score + first;
        const std::uint8_t* level = job.level + first;
        const auto put = [&, n_bins = job.n_bins](auto at) {
            for (int k = 0; k < count; ++k) {
                const BinPlace item = at(static_cast<double>(score[k]));
                slot[k] = level[k] * n_bins + item.bin;
                place[k] = item.place;
                bend[k] = 2 * item.place * item.place - 1;
            }
        };
        // Floats have so few digits that no number of bins takes one.
        const BinGrid grid = job.grid;
        if (sizeof(T) == sizeof(float) || job.n_bins <= kFewBins)
            put([grid](double x) { return place_in_few_bins(grid, x); });
        else put([grid](double x) { return bin_place(grid, x); });
        for (int k = count; k % Lanes<double>::count != 0; ++k) {  // the rest of a register
            slot[k] = slot[count - 1];
            place[k] = bend[k] = 0;
        }
    }
};

template <class Body> RANKGRAD_INLINE void for_table_chunks(std::int64_t n, Body body) {
    for (std::int64_t first = 0; first < n; first += kTableChunk)
        body(first, n - first < kTableChunk ? static_cast<int>(n - first) : kTableChunk);
}

/// Densities of sources: 1, then v where there is a vector, then w and w v where there are weights.
template <class T, bool with_vector, bool weighted> struct LevelMoments {
    static constexpr int nodes = kTableNodes<T>;
    static constexpr int plain = with_vector ? 2 : 1, densities = weighted ? 2 * plain : plain;

    static void call(const LevelTableJob<T>& job) {
        TablePlaces<T> places;
        for_table_chunks(job.n, [&](std::int64_t first, int count) {
            places.locate(job, first, count);
            for (int k = 0; k < count; ++k) {
                const BinPolynomials<nodes> basis(places.place[k], places.bend[k]);
                double* moments = job.moments + std::int64_t{places.slot[k]} * (densities * nodes);
                basis.add_to_moments(moments);
                const double w = weighted ? job.weight[first + k] : 1;
                const double v = with_vector ? static_cast<double>(job.vector[first + k]) - job.vector_origin : 0;
                if constexpr (with_vector) basis.add_to_moments(v, moments + nodes);
                if constexpr (weighted) basis.add_to_moments(w, moments + plain * nodes);
                if constexpr (with_vector && weighted) basis.add_to_moments(w * v, moments + 3 * nodes);
            }
        });
    }
};

/// What an item receives is x_0 and x_1 or, with weights, w x_0 + x_1 and w x_2 + x_3: value and gradient, gradient and
/// Hessian, or the factor of v and the rest. (A value is x_0 as it is.) Tables keep [u^k][even, odd part][x].
constexpr int table_outputs(bool weighted) { return weighted || Lanes<double>::count > 4 ? 4 : 2; }

template <class T, PairMode mode, bool weighted> class LevelSums {
    using V = Lanes<double>;
    static constexpr int nodes = kTableNodes<T>, outputs = table_outputs(weighted);
    static constexpr int row = 2 * outputs, registers = row / V::count;

    const LevelTableJob<T>& job_;
    TablePlaces<T> places_;
    alignas(64) double x_[outputs][kTableChunk];

    /// x_ of a register of items from k on.
    RANKGRAD_INLINE void look_up(int k) {
        V part[registers][V::count];
        for (int l = 0; l < V::count; ++l) {
            const double* table = job_.potentials + std::int64_t{places_.slot[k + l]} * (outputs * nodes);
            const V u(places_.bend[k + l]);
            V total[registers];
            for (int r = 0; r < registers; ++r) total[r] = V::load(table + (nodes / 2 - 1) * row + r * V::count);
            for (int j = nodes / 2 - 2; j >= 0; --j)
                for (int r = 0; r < registers; ++r)
                    total[r] = multiply_add(total[r], u, V::load(table + j * row + r * V::count));
            for (int r = 0; r < registers; ++r) part[r][l] = total[r];
        }
        for (int r = 0; r < registers; ++r) transpose(part[r]);
        const auto column = [&](int c) { return part[c / V::count][c % V::count]; };
        const V t = V::load(places_.place + k);
        for (int o = 0; o < outputs; ++o) multiply_add(t, column(outputs + o), column(o)).store(x_[o] + k);
    }

    /// The two results of each item are then in x_[0] and x_[1].
    void combine(const double* weight, int count) {
        for (int k = 0; k < count; ++k) {
            const double w = weight[k];
            if constexpr (!with_value(mode)) x_[0][k] = w * x_[0][k] + x_[1][k];
            x_[1][k] = w * x_[2][k] + x_[3][k];
        }
    }

    template <class To> static RANKGRAD_INLINE void write(const double* from, double factor, int count, To* to) {
        for (int k = 0; k < count; ++k) to[k] = static_cast<To>(factor * from[k]);
    }

    double weighted_sum(const double* weight, int count) const {
        V total(0);
        int k = 0;
        for (; k + V::count <= count; k += V::count)
            total = multiply_add(weight == nullptr ? V(1) : V::load(weight + k), V::load(x_[0] + k), total);
        double rest = 0;
        for (; k < count; ++k) rest += (weight == nullptr ? 1 : weight[k]) * x_[0][k];
        return sum(total) + rest;
    }

    double finish(std::int64_t first, int count) {
        double total = 0;
        if constexpr (with_value(mode)) {
            total = weighted_sum(job_.weight == nullptr ? nullptr : job_.weight + first, count);
            if (job_.value != nullptr) write(x_[0], 1.0, count, job_.value + first);
        }
        if constexpr (mode == kValueGrad) write(x_[1], job_.grad_factor, count, job_.grad + first);
        if constexpr (mode == kHessVector)
            for (int k = 0; k < count; ++k) {
                const double v = static_cast<double>(job_.vector[first + k]) - job_.vector_origin;
                job_.grad[first + k] = static_cast<T>(job_.grad_factor * (v * x_[0][k] + x_[1][k]));
            }
        if constexpr (with_hess(mode)) {
            write(x_[0], job_.grad_factor, count, job_.grad + first);
            const double least = job_.min_hessian;
            for (int k = 0; k < count; ++k) {
                const double h = job_.hess_factor * x_[1][k];
                job_.hess[first + k] = static_cast<T>(h < least ? least : h);
            }
        }
        return total;
    }

    explicit LevelSums(const LevelTableJob<T>& job) : job_(job) {}

public:
    /// Gives the weighted sum of the values.
    static double call(const LevelTableJob<T>& job) {
        LevelSums sums(job);
        double total = 0;
        for_table_chunks(job.n, [&](std::int64_t first, int count) {
            sums.places_.locate(job, first, count);
            for (int k = 0; k < count; k += V::count) sums.look_up(k);
            if constexpr (weighted) sums.combine(job.weight + first, count);
            total += sums.finish(first, count);
        });
        return total;
    }
};

}  // namespace
}  // namespace rankgrad
