// The CPU check covers a whole instruction set, including the registers that the operating system saves (XCR0): a CPU
// with AVX-512 under a kernel that does not save zmm registers must not get v4.
#include "engine/runtime/isa_dispatch.hpp"

#include <cstdlib>
#include <stdexcept>

#if defined(RANKGRAD_HAVE_V3) || defined(RANKGRAD_HAVE_V4)
#define RANKGRAD_DETECT_ISA
#include <cpuid.h>
#endif

namespace rankgrad {

extern const KernelTable kernels_baseline;
#if defined(RANKGRAD_HAVE_V3)
extern const KernelTable kernels_v3;
#endif
#if defined(RANKGRAD_HAVE_V4)
extern const KernelTable kernels_v4;
#endif

namespace {

#if defined(RANKGRAD_DETECT_ISA)
struct Registers {
    unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
    Registers r;
    __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);  // leaves zeros where there is no such leaf
    return r;
}

bool has(unsigned word, std::initializer_list<int> bits) {
    unsigned mask = 0;
    for (const int bit : bits) mask |= 1u << bit;
    return (word & mask) == mask;
}

/// 1 = baseline, 3 = v3, 4 = v4, by the bits of the x86-64 psABI's micro-architecture levels.
int detect_isa() {
    const Registers one = cpuid(1, 0), seven = cpuid(7, 0), extended = cpuid(0x80000001u, 0);
    // SSE3, SSSE3, FMA, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C
    if (!has(one.c, {0, 9, 12, 13, 19, 20, 22, 23, 27, 28, 29})) return 1;
    if (!has(extended.c, {0, 5})) return 1;  // LAHF, LZCNT
    if (!has(seven.b, {3, 5, 8})) return 1;  // BMI1, AVX2, BMI2
    unsigned low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x6u) != 0x6u) return 1;                                            // xmm and ymm saved
    const bool v4 = has(seven.b, {16, 17, 28, 30, 31}) && (low & 0xe6u) == 0xe6u;  // F, DQ, CD, BW, VL; zmm saved
    return v4 ? 4 : 3;
}
#endif

std::vector<const KernelTable*> find_tables() {
    std::vector<const KernelTable*> found{&kernels_baseline};
#if defined(RANKGRAD_DETECT_ISA)
    const int isa = detect_isa();
#endif
#if defined(RANKGRAD_HAVE_V3)
    if (isa >= 3) found.push_back(&kernels_v3);
#endif
#if defined(RANKGRAD_HAVE_V4)
    if (isa >= 4) found.push_back(&kernels_v4);
#endif
    return found;
}

const std::vector<const KernelTable*>& tables() {
    static const std::vector<const KernelTable*> found = find_tables();
    return found;
}

const KernelTable* find(const std::string& name) {
    std::string known;
    for (const KernelTable* table : tables()) {
        if (name == table->isa) return table;
        known += (known.empty() ? "" : ", ") + std::string(table->isa);
    }
    throw std::invalid_argument("instruction-set level '" + name + "' is not available: this machine has " + known);
}

}  // namespace

std::atomic<const KernelTable*> active_kernels{nullptr};

std::vector<std::string> available_isas() {
    std::vector<std::string> names;
    for (const KernelTable* table : tables()) names.emplace_back(table->isa);
    return names;
}

const KernelTable& first_kernels() {
    const char* forced = std::getenv("RANKGRAD_ISA");
    select_isa(forced != nullptr && *forced != '\0' ? forced : tables().back()->isa);
    return kernels();
}

void select_isa(const std::string& name) { active_kernels.store(find(name), std::memory_order_release); }

}  // namespace rankgrad
