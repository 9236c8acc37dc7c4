// The sources that are more than `near` bins from a bin, all on one side of it: running sums of exponentials, which
// shrink by e^-kh with each bin, and of a linear part.
#pragma once

#include "kernels/expansion/expansion_tables.hpp"

namespace rankgrad {
namespace {

/// Several densities of sources, as seen from one bin at a time.
template <int nodes, int densities> struct FarField {
    using Tables = ExpansionTables<nodes>;
    using V = Lanes<double>;
    static constexpr int registers = nodes / V::count;

    V sum[densities][registers];
    double count[densities] = {}, distance[densities] = {}, place[densities] = {};  ///< sums of 1, (b' - b) h, u
    bool any = false;
    int live = registers;  ///< the others' sums are nothing beside those of the first, and 0

    FarField() {
        for (auto& of_density : sum)
            for (V& x : of_density) x = V(0);
    }

    /// The moments of a bin as exponentials; `turned`: of places with the other sign.
    static RANKGRAD_INLINE void exponentials(const double* moment, bool turned,
                                             const double (&by_element)[nodes][nodes], V (&total)[registers]) {
        for (V& x : total) x = V(0);
        for (int a = 0; a < nodes; ++a) {
            const V source(turned && a >= nodes / 2 ? -moment[a] : moment[a]);
            for (int r = 0; r < registers; ++r)
                total[r] = multiply_add(source, V::load(by_element[a] + r * V::count), total[r]);
        }
    }

    /// Adds a bin's exponentials, `jump` = e^-kh bins times, and its moments of degree 0 and 1.
    RANKGRAD_INLINE void add(int d, const V (&exponentials)[registers], const V (&jump)[registers], double bins,
                             double moment, double odd_moment) {
        for (int r = 0; r < registers; ++r) sum[d][r] = multiply_add(exponentials[r], jump[r], sum[d][r]);
        distance[d] += moment * (bins * Tables::width);
        count[d] += moment;
        place[d] += odd_moment;
        any = true;
        live = registers;
    }
    /// All sources are now farther than so many widths: the k-th exponential is e^-(k - 1) of that beside the first.
    RANKGRAD_INLINE void drop_small(double bins) {
        const double needed = 1 + 40 / (V::count * Tables::width * bins);
        if (needed < live) live = static_cast<int>(needed);
        for (int d = 0; d < densities; ++d)
            for (int r = live; r < registers; ++r) sum[d][r] = V(0);
    }
    /// `bins` farther from all sources, decay = e^-kh bins.
    RANKGRAD_INLINE void recede(int d, const V (&decay)[registers], double bins) {
        for (int r = 0; r < live; ++r) sum[d][r] = sum[d][r] * decay[r];
        distance[d] += count[d] * (bins * Tables::width);
    }
    /// Density d grows by a multiple of another one.
    RANKGRAD_INLINE void add_multiple(int d, double factor, int other) {
        for (int r = 0; r < registers; ++r) sum[d][r] += V(factor) * sum[other][r];
        count[d] += factor * count[other];
        distance[d] += factor * distance[other];
        place[d] += factor * place[other];
    }
    RANKGRAD_INLINE void flush_denormals(int d, const Tables& tables) {
        for (int r = 0; r < live; ++r)
            sum[d][r] = select(abs(sum[d][r]) > V::load(tables.smallest + r * V::count), sum[d][r], V(0));
    }

    /// Adds the exponential part of a function's potential.
    RANKGRAD_INLINE void add_exponentials(int d, const double (&coefficient)[nodes],
                                          const double (&to_elements)[nodes][nodes], V (&total)[registers]) const {
        double term[nodes];
        for (int r = 0; r < live; ++r) (sum[d][r] * V::load(coefficient + r * V::count)).store(term + r * V::count);
        for (int k = 0; k < live * V::count; ++k)
            for (int r = 0; r < registers; ++r)
                total[r] = multiply_add(V(term[k]), V::load(to_elements[k] + r * V::count), total[r]);
    }
    /// Adds the linear part, of sources above: -m = (b' - b) h + (u - t) h / 2.
    void add_line(int d, const Tables& tables, int function, double* out) const {
        const double constant = tables.left_constant[function], slope = tables.left_slope[function];
        constexpr double half = Tables::width / 2;
        out[0] += constant * count[d] - slope * (distance[d] + half * place[d]);
        out[nodes / 2] += slope * half * count[d];
    }
};

}  // namespace
}  // namespace rankgrad
