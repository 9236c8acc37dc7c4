// operator new that fails once on demand, and counts what is alive: to be preloaded. Only tests use it.
#include <atomic>
#include <cstdlib>
#include <new>

static std::atomic<long> countdown{-1}, failures{0}, alive{0};

/// The k-th allocation from now on fails (0: none).
extern "C" void fail_at(long k) { countdown = k > 0 ? k : -1; }
extern "C" long failures_so_far() { return failures; }
extern "C" long blocks_alive() { return alive; }

static void* take(std::size_t size, std::size_t alignment = 1) {
    if (countdown > 0 && --countdown == 0) {
        countdown = -1;
        ++failures;
        return nullptr;
    }
    const std::size_t whole = size / alignment * alignment + alignment;
    void* block = alignment > 1 ? std::aligned_alloc(alignment, whole) : std::malloc(whole);
    if (block != nullptr) ++alive;
    return block;
}
static void* take_or_throw(std::size_t size, std::size_t alignment = 1) {
    void* block = take(size, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}
static void give(void* block) {
    if (block != nullptr) --alive;
    std::free(block);
}

void* operator new(std::size_t size) { return take_or_throw(size); }
void* operator new[](std::size_t size) { return take_or_throw(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return take_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return take(size); }
void operator delete(void* block) noexcept { give(block); }
void operator delete[](void* block) noexcept { give(block); }
void operator delete(void* block, std::size_t) noexcept { give(block); }
void operator delete(void* block, std::align_val_t) noexcept { give(block); }
void operator delete[](void* block, std::size_t) noexcept { give(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { give(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { give(block); }
