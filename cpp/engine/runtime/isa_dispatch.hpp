// Which instruction sets this CPU has, and the one in use.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/contract/kernel_table.hpp"

namespace rankgrad {

/// Instruction sets that were built and that this CPU and operating system can run, lowest first.
std::vector<std::string> available_isas();

extern std::atomic<const KernelTable*> active_kernels;  ///< null before the first call of kernels()
const KernelTable& first_kernels();

/// The active instruction set's kernels. The first call takes $RANKGRAD_ISA if it is set, else the highest.
inline const KernelTable& kernels() {
    const KernelTable* table = active_kernels.load(std::memory_order_acquire);
    return table != nullptr ? *table : first_kernels();
}

/// Makes an instruction set active for the whole process. Throws std::invalid_argument naming those that would do.
void select_isa(const std::string& name);

/// CopyScores of the active instruction set.
inline bool copy_scores(const float* from, std::int64_t n, float* to, float* low, float* high) {
    return kernels().float_copy(from, n, to, low, high);
}
inline bool copy_scores(const double* from, std::int64_t n, double* to, double* low, double* high) {
    return kernels().double_copy(from, n, to, low, high);
}

/// ScaleCounts of the active instruction set.
inline void scale_results(const std::int32_t* count, std::int64_t n, double factor, double least, float* out) {
    kernels().float_scale(count, n, factor, least, out);
}
inline void scale_results(const std::int32_t* count, std::int64_t n, double factor, double least, double* out) {
    kernels().double_scale(count, n, factor, least, out);
}

/// Partition of the active instruction set.
inline void partition_items(const PartitionJob<float>& job) { kernels().float_partition(job); }
inline void partition_items(const PartitionJob<double>& job) { kernels().double_partition(job); }

}  // namespace rankgrad
