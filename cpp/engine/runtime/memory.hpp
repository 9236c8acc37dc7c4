// Scratch memory that outlives a call: leased to one call at a time, so that repeated calls on one object allocate
// nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace rankgrad {

/// Room for one register past the end of an array, which kernels may read and write.
constexpr std::size_t kPadding = 16;

/// Memory that begins with a cache line: registers and rows of tables then lie in as few lines as they can.
constexpr std::size_t kLine = 64;
/// Long arrays are in huge pages where the system has them: random writes miss the TLB less often. 1 to 3 % of the time
/// of a million items.
void* allocate_bytes(std::size_t n);
void free_bytes(void* p, std::size_t n);
template <class T> struct LineAllocator {
    using value_type = T;
    LineAllocator() = default;
    template <class U> LineAllocator(const LineAllocator<U>&) {}
    T* allocate(std::size_t n) { return static_cast<T*>(allocate_bytes(n * sizeof(T))); }
    void deallocate(T* p, std::size_t n) { free_bytes(p, n * sizeof(T)); }
    bool operator==(const LineAllocator&) const { return true; }
    bool operator!=(const LineAllocator&) const { return false; }
};
template <class T> using Buffer = std::vector<T, LineAllocator<T>>;

template <class T> T* padded(Buffer<T>& buffer, std::size_t n) {
    if (buffer.size() < n + kPadding) buffer.resize(n + kPadding);
    return buffer.data();
}
/// Starts half a page later: arrays at the same page offset share cache sets and evict each other when they are written
/// together: 2 to 4 % of the time of the hinge of a million items.
template <class T> T* padded_off_page(Buffer<T>& buffer, std::size_t n) {
    constexpr std::size_t kHalfPage = 2048 / sizeof(T);
    return padded(buffer, n + kHalfPage) + kHalfPage;
}
/// Prefetches a cache line that will be written. A hint: any address will do.
inline void prefetch_for_write([[maybe_unused]] const void* place) {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(place, 1);
#endif
}
template <class T> T* zeroed(Buffer<T>& buffer, std::size_t n) {
    T* data = padded(buffer, n);
    for (std::size_t k = 0; k < n + kPadding; ++k) data[k] = T(0);
    return data;
}

/// Memory that nobody writes before it is used: of 60 million numbers that alone would take long. One register longer.
template <class T> class Room {
public:
    Room() = default;
    Room(Room&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Room& operator=(Room&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Room() {
        if (data_ != nullptr) free_bytes(data_, size_ * sizeof(T));
    }

    /// Room for n numbers; what was in it is gone where it grows.
    T* of(std::int64_t n) {
        const std::size_t wanted = static_cast<std::size_t>(n) + kPadding;
        if (size_ < wanted) {
            void* const grown = allocate_bytes(wanted * sizeof(T));
            if (data_ != nullptr) free_bytes(data_, size_ * sizeof(T));
            data_ = static_cast<T*>(grown);
            size_ = wanted;
        }
        return data_;
    }
    T* data() { return data_; }
    const T* data() const { return data_; }
    bool empty() const { return data_ == nullptr; }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

/// x - centre as T, one register longer.
template <class T> T* converted(const double* x, std::size_t n, double centre, Buffer<T>& buffer) {
    T* out = padded(buffer, n);
    for (std::size_t k = 0; k < n; ++k) out[k] = static_cast<T>(x[k] - centre);
    for (std::size_t k = n; k < n + kPadding; ++k) out[k] = T(0);
    return out;
}

/// One Scratch per worker. A second call on the same object while the first runs gets scratch of its own.
template <class Scratch> class ScratchPool {
public:
    class Lease {
    public:
        explicit Lease(ScratchPool& pool, int workers) : pool_(pool), owner_(!pool.busy_.test_and_set()) {
            try {
                std::vector<Scratch>& all = owner_ ? pool_.scratch_ : own_;
                if (all.size() < static_cast<std::size_t>(workers)) all.resize(static_cast<std::size_t>(workers));
                all_ = all.data();
            } catch (...) {
                release();
                throw;
            }
        }
        ~Lease() { release(); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Scratch& operator[](int worker) { return all_[worker]; }

    private:
        void release() {
            if (owner_) pool_.busy_.clear();
        }
        ScratchPool& pool_;
        bool owner_;
        std::vector<Scratch> own_;
        Scratch* all_;
    };

private:
    std::vector<Scratch> scratch_;
    std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
};

}  // namespace rankgrad
