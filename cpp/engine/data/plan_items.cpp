// What is asked of the items of a plan in a call: which of their numbers are not finite, and which items are valid.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/runtime/parallel.hpp"
#include "engine/data/plan.hpp"

namespace rankgrad {
namespace {

bool all_finite(const float* x, std::int64_t n) { return kernels().float_finite(x, n); }
bool all_finite(const double* x, std::int64_t n) { return kernels().double_finite(x, n); }

/// Fewest numbers that another thread is worth being asked to look at.
constexpr std::int64_t kFinitePart = 1 << 16;

}  // namespace

template <class T> std::int64_t Plan::first_nonfinite(const T* x, int threads) const {
    if (all_valid()) {
        const std::int64_t n = lists_.n_items(),
                           parts = std::clamp<std::int64_t>(n / kFinitePart, 1, std::max(threads, 1));
        std::atomic<bool> all{true};
        parallel_for(parts, threads, nullptr, [&](std::int64_t part, Worker&) {
            const std::int64_t begin = n * part / parts, end = n * (part + 1) / parts;
            if (!all_finite(x + begin, end - begin)) all.store(false, std::memory_order_relaxed);
        });
        const T* bad = all.load() ? x + n : std::find_if_not(x, x + n, [](T v) { return std::isfinite(v); });
        return bad == x + n ? -1 : bad - x;  // somebody may have made the numbers finite meanwhile
    }
    std::int64_t first = -1;
    for (std::int64_t l = 0; l < lists_.count() && first < 0; ++l)
        for (std::int32_t k = 0; k < size(l); ++k) {
            const std::int64_t i = item(l, k);
            if (!std::isfinite(x[i]) && (first < 0 || i < first)) first = i;
        }
    return first;
}
template std::int64_t Plan::first_nonfinite(const float*, int) const;
template std::int64_t Plan::first_nonfinite(const double*, int) const;

void Plan::write_mask(std::uint8_t* out) const {
    std::fill(out, out + lists_.n_items(), std::uint8_t{all_valid()});
    if (all_valid()) return;
    for (std::int64_t l = 0; l < lists_.count(); ++l)
        for (std::int32_t k = 0; k < size(l); ++k) out[item(l, k)] = 1;
}

}  // namespace rankgrad
