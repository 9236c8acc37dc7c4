// Memory of scratch arrays.
#include "engine/runtime/memory.hpp"

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace rankgrad {
namespace {

#if defined(MADV_HUGEPAGE)
constexpr std::size_t kHugePage = std::size_t{1} << 21;
#else
constexpr std::size_t kHugePage = SIZE_MAX;  // no array has one
#endif

std::align_val_t alignment(std::size_t n) { return std::align_val_t{n < kHugePage ? kLine : kHugePage}; }

}  // namespace

void* allocate_bytes(std::size_t n) {
    const std::size_t rest = n % kHugePage, fill = rest == 0 ? 0 : kHugePage - rest;
    const bool fills = n >= kHugePage && fill <= n / 32;  // a little more, so that the last page is a huge one, too
    void* const p = ::operator new(fills ? n + fill : n, alignment(n));
#if defined(MADV_HUGEPAGE)
    if (n >= kHugePage) madvise(p, fills ? n + fill : n - rest, MADV_HUGEPAGE);
#endif
    return p;
}
void free_bytes(void* p, std::size_t n) { ::operator delete(p, alignment(n)); }

}  // namespace rankgrad
