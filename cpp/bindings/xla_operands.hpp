// The arrays of an XLA call. Under vmap each has the dimensions of the batch in front, of size 1 where it is the same
// for all; a slot is one place of the batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bindings/xla_ffi.hpp"
#include "engine/data/labels.hpp"
#include "engine/runtime/errors.hpp"

namespace rankgrad::xla {

/// Calls visit(T()) for the type of the numbers.
template <class Visit> void with_type(Type type, const char* name, Visit visit) {
    switch (type) {
        case kBool: return visit(bool());
        case kInt8: return visit(std::int8_t());
        case kInt16: return visit(std::int16_t());
        case kInt32: return visit(std::int32_t());
        case kInt64: return visit(std::int64_t());
        case kUint8: return visit(std::uint8_t());
        case kUint16: return visit(std::uint16_t());
        case kUint32: return visit(std::uint32_t());
        case kUint64: return visit(std::uint64_t());
        case kFloat32: return visit(float());
        case kFloat64: return visit(double());
    }
    throw ArgumentError(std::string(name) + ": numbers of another type are wanted");
}

template <class T> constexpr Type type_of() { return sizeof(T) == sizeof(float) ? kFloat32 : kFloat64; }

using Index = std::vector<std::int64_t>;

class Operand {
public:
    /// The first `batch_rank` dimensions of the buffer are those of the batch.
    Operand(const Buffer& buffer, std::int64_t batch_rank, const char* name) : buffer_(&buffer), name_(name) {
        if (batch_rank < 0 || buffer.rank < batch_rank)
            throw ArgumentError(std::string(name) + ": more dimensions are wanted");
        batch_.assign(buffer.dims, buffer.dims + batch_rank);
        for (std::int64_t d = batch_rank; d < buffer.rank; ++d) size_ *= buffer.dims[d];
    }

    Type type() const { return buffer_->type; }
    const Index& batch() const { return batch_; }
    std::int64_t size() const { return size_; }
    /// The last dimension, and how many there are of it.
    std::int64_t row() const { return buffer_->rank == 0 ? 1 : buffer_->dims[buffer_->rank - 1]; }
    std::int64_t n_rows() const {
        std::int64_t n = 1;
        for (std::int64_t d = static_cast<std::int64_t>(batch_.size()); d + 1 < buffer_->rank; ++d)
            n *= buffer_->dims[d];
        return n;
    }
    bool is_same_everywhere() const {
        for (const std::int64_t n : batch_)
            if (n != 1) return false;
        return true;
    }

    /// The numbers of a slot, which are of this type and so many; throws ArgumentError if they are not.
    template <class T> T* data(const Index& slot, std::int64_t wanted) const {
        if (type() != type_of<T>()) throw ArgumentError(std::string(name_) + ": numbers of another type are wanted");
        return static_cast<T*>(buffer_->data) + begin(slot, wanted);
    }
    /// The numbers of a slot as labels, where they are and in their own type.
    Labels labels(const Index& slot, std::int64_t wanted) const {
        const auto typed = [&](Labels::Type type, std::int64_t bytes) {
            return Labels{type, static_cast<const char*>(buffer_->data) + begin(slot, wanted) * bytes};
        };
        switch (type()) {
            case kFloat64: return typed(Labels::kFloat64, 8);
            case kFloat32: return typed(Labels::kFloat32, 4);
            case kInt64: return typed(Labels::kInt64, 8);
            case kInt32: return typed(Labels::kInt32, 4);
            case kInt16: return typed(Labels::kInt16, 2);
            case kInt8: return typed(Labels::kInt8, 1);
            case kUint64: return typed(Labels::kUint64, 8);
            case kUint32: return typed(Labels::kUint32, 4);
            case kUint16: return typed(Labels::kUint16, 2);
            case kBool:  // 0 or 1
            case kUint8: return typed(Labels::kUint8, 1);
        }
        throw ArgumentError(std::string(name_) + ": numbers of another type are wanted");
    }
    /// The numbers of a slot, converted.
    template <class To> std::vector<To> numbers(const Index& slot, std::int64_t wanted) const {
        std::vector<To> out;
        with_type(type(), name_, [&](auto zero) {
            const auto* from = static_cast<const decltype(zero)*>(buffer_->data) + begin(slot, wanted);
            out.reserve(static_cast<std::size_t>(wanted));
            for (std::int64_t k = 0; k < wanted; ++k) out.push_back(static_cast<To>(from[k]));
        });
        return out;
    }

private:
    std::int64_t begin(const Index& slot, std::int64_t wanted) const {
        if (size_ != wanted)
            throw ArgumentError(std::string(name_) + ": has " + std::to_string(size_) + " numbers, but " +
                                std::to_string(wanted) + " are wanted");
        std::int64_t place = 0;
        for (std::size_t d = 0; d < batch_.size(); ++d) place = place * batch_[d] + (batch_[d] == 1 ? 0 : slot[d]);
        return place * size_;
    }

    const Buffer* buffer_;
    const char* name_;
    Index batch_;
    std::int64_t size_ = 1;
};

}  // namespace rankgrad::xla
