// Three walks over the items, each in parts that depend on the list only: copy and check, moments, results. Moments of
// parts are kept in tables of their own and added in order.
#include "engine/expansion/level_table_sums.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/runtime/isa_dispatch.hpp"
#include "engine/runtime/memory.hpp"

namespace rankgrad {
namespace {

const LevelTableKernels<float>& table_kernels(float) { return kernels().level_table->of_float; }
const LevelTableKernels<double>& table_kernels(double) { return kernels().level_table->of_double; }

}  // namespace

template <class T> LevelTableSum<T>::LevelTableSum(const Plan& plan, const LevelCodes& codes, const LossCall<T>& call,
                                                   std::int64_t list, LevelTableScratch& scratch, const Team& team)
    : plan_(plan), call_(call), list_(list), base_(plan.lists().begin(list)), n_(plan.size(list)),
      n_parts_(count_parts(n_)), level_(codes.level(list)), position_(codes.position(list)), scratch_(scratch),
      items_(std::get<TableItems<T>>(scratch.items)), team_(team) {}

template <class T> bool LevelTableSum<T>::read() {
    const auto n = static_cast<std::size_t>(n_);
    job_.n = n_;
    job_.score = padded(items_.score, n + kPadding * static_cast<std::size_t>(n_parts_));
    job_.level = level_;
    if (call_.row_value != nullptr) job_.value = padded(scratch_.value, n);
    if (position_ != nullptr) {
        if (call_.item_weight != nullptr) job_.weight = padded(scratch_.weight, n);
        if (call_.mode == kHessVector) job_.vector = padded(items_.vector, n);
        if (call_.grad != nullptr) job_.grad = padded(items_.grad, n);
        if (call_.hess != nullptr) job_.hess = padded(items_.hess, n);
    } else {
        const auto of_list = [&](auto* x) { return x == nullptr ? nullptr : x + base_; };
        job_.weight = of_list(call_.item_weight);
        if (call_.mode == kHessVector) job_.vector = of_list(call_.vector);
        job_.grad = of_list(call_.grad);
        job_.hess = of_list(call_.hess);
    }
    scratch_.parts.resize(static_cast<std::size_t>(n_parts_));
    std::fill(scratch_.parts.begin(), scratch_.parts.end(), ItemPart());
    team_.run(n_parts_, [&](std::int64_t part) { read_part(part); });
    const ItemPart all = joined(scratch_.parts);
    low_ = all.low;
    high_ = all.high;
    double vector_low = scratch_.parts[0].vector_low, vector_high = scratch_.parts[0].vector_high;
    for (const ItemPart& part : scratch_.parts) {
        vector_low = std::min(vector_low, part.vector_low);
        vector_high = std::max(vector_high, part.vector_high);
    }
    job_.vector_origin = exact_origin(vector_low, vector_high);
    return all.finite && (call_.list_weight == nullptr || std::isfinite(call_.list_weight[list_]));
}

template <class T> void LevelTableSum<T>::read_part(std::int64_t index) {
    ItemPart& part = scratch_.parts[static_cast<std::size_t>(index)];
    const std::int64_t first = part_begin(n_, index), end = part_begin(n_, index + 1), n = end - first;
    T* score = score_of(index);
    const T* from = call_.scores + base_ + first;
    if (position_ != nullptr) {
        for (std::int64_t k = first; k < end; ++k) score[k - first] = call_.scores[base_ + position_[k]];
        if (call_.item_weight != nullptr)
            for (std::int64_t k = first; k < end; ++k)
                scratch_.weight[static_cast<std::size_t>(k)] = call_.item_weight[base_ + position_[k]];
        if (call_.mode == kHessVector)
            for (std::int64_t k = first; k < end; ++k)
                items_.vector[static_cast<std::size_t>(k)] = call_.vector[base_ + position_[k]];
        from = score;
    }
    T low, high;
    part.finite = copy_scores(from, n, score, &low, &high);
    part.low = static_cast<double>(low);
    part.high = static_cast<double>(high);
    if (job_.weight != nullptr) part.finite = kernels().double_finite(job_.weight + first, n) && part.finite;
    if (job_.vector == nullptr) return;
    const auto [vector_low, vector_high] = std::minmax_element(job_.vector + first, job_.vector + end);
    part.vector_low = static_cast<double>(*vector_low);
    part.vector_high = static_cast<double>(*vector_high);
    part.finite =
        part.finite && std::all_of(job_.vector + first, job_.vector + end, [](T v) { return std::isfinite(v); });
}

/// Scores of a part: with room of its own behind, that the copying kernel writes to.
template <class T> T* LevelTableSum<T>::score_of(std::int64_t part) const {
    return items_.score.data() + part_begin(n_, part) + part * static_cast<std::int64_t>(kPadding);
}

template <class T> LevelTableJob<T> LevelTableSum<T>::job_of(std::int64_t part) const {
    const std::int64_t first = part_begin(n_, part);
    LevelTableJob<T> job = job_;
    job.n = part_begin(n_, part + 1) - first;
    job.score = score_of(part);
    job.level += first;
    if (job.weight != nullptr) job.weight += first;
    if (job.vector != nullptr) job.vector += first;
    if (job.value != nullptr) job.value += first;
    for (T** out : {&job.grad, &job.hess})
        if (*out != nullptr) *out += first;
    return job;
}

/// Several parts share a table where private ones would take more than two doubles for an item.
template <class T> void LevelTableSum<T>::add_moments(const LevelTableSums<T>& sums, std::int64_t slots) {
    const std::int64_t table = slots * sums.moment_doubles;
    const std::int64_t tables = std::clamp<std::int64_t>(2 * n_ / table, 1, n_parts_);
    job_.moments = zeroed(scratch_.moments, static_cast<std::size_t>(tables * table));
    team_.run(tables, [&](std::int64_t t) {
        for (std::int64_t part = t * n_parts_ / tables; part < (t + 1) * n_parts_ / tables; ++part) {
            LevelTableJob<T> job = job_of(part);
            job.moments += t * table;
            sums.moments(job);
        }
    });
    for (std::int64_t t = 1; t < tables; ++t)
        for (std::int64_t k = 0; k < table; ++k) job_.moments[k] += job_.moments[t * table + k];
}

template <class T> double LevelTableSum<T>::run(const ExpansionKernels& loss, double temperature, double list_weight,
                                                ExpansionScratch& scratch) {
    const LevelTableSums<T>& sums = table_kernels(T()).of[call_.mode][call_.item_weight != nullptr];
    job_.grid = make_grid(low_, loss.bin_width * temperature);
    Expansion e;
    e.n_bins = job_.n_bins = bin_place(job_.grid, high_).bin + 1;
    const std::int64_t slots = std::int64_t{plan_.n_levels(list_)} * e.n_bins;
    add_moments(sums, slots);

    LevelPotentialJob potentials;
    potentials.expansion = &e;
    potentials.n_levels = plan_.n_levels(list_);
    potentials.moments = job_.moments;
    potentials.potentials = zeroed(scratch_.potentials, static_cast<std::size_t>(slots * sums.potential_doubles));
    for (const bool backward : {false, true}) {
        if ((backward && call_.mode == kValue) || team_.stopped()) continue;
        attach_memory(scratch, loss, e);
        e.backward = backward;
        sums.potentials(potentials);
    }

    job_.potentials = potentials.potentials;
    const double factor = call_.scale * list_weight / temperature;
    job_.grad_factor = call_.mode == kHessVector ? factor / temperature : factor;
    job_.hess_factor = factor / temperature;
    job_.min_hessian = call_.min_hessian;
    team_.run(n_parts_, [&](std::int64_t part) {
        scratch_.parts[static_cast<std::size_t>(part)].value = sums.sums(job_of(part));
        if (job_.value != nullptr) write_values(part);
    });
    if (position_ != nullptr) scatter();
    double total = 0;
    for (const ItemPart& part : scratch_.parts) total += part.value;
    return list_weight * total;
}

template <class T> void LevelTableSum<T>::write_values(std::int64_t part) const {
    const std::int64_t first = part_begin(n_, part), end = part_begin(n_, part + 1);
    weigh_values(plan_, call_, list_, position_, first, end, job_.value);
    for (std::int64_t k = first; k < end; ++k)
        call_.row_value[base_ + (position_ == nullptr ? k : position_[k])] = static_cast<T>(job_.value[k]);
}

template <class T> void LevelTableSum<T>::scatter() const {
    const auto to_positions = [&](const T* from, T* to) {
        for (std::int64_t k = 0; to != nullptr && k < n_; ++k) to[base_ + position_[k]] = from[k];
    };
    to_positions(job_.grad, call_.grad);
    to_positions(job_.hess, call_.hess);
}

template class LevelTableSum<float>;
template class LevelTableSum<double>;

}  // namespace rankgrad
