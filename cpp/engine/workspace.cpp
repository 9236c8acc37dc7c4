// Memory of scratch arrays.
#include "engine/workspace.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace rankgrad {
namespace {

constexpr std::size_t kHugePage = std::size_t{1} << 21;

std::align_val_t alignment(std::size_t n) { return std::align_val_t{n < kHugePage ? kLine : kHugePage}; }

}  // namespace

void* allocate_bytes(std::size_t n) {
    const std::size_t whole = n < kHugePage ? n : (n + kHugePage - 1) / kHugePage * kHugePage;
    void* const p = ::operator new(whole, alignment(n));
#if defined(MADV_HUGEPAGE)
    if (n >= kHugePage) madvise(p, whole, MADV_HUGEPAGE);
#endif
    return p;
}
void free_bytes(void* p, std::size_t n) { ::operator delete(p, alignment(n)); }

}  // namespace rankgrad
