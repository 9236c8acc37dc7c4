// Labels in the type they came in, so that large integers stay distinct and nobody has to widen small ones.
#pragma once

#include <cstdint>

namespace rankgrad {

struct Labels {
    enum Type { kFloat64, kFloat32, kInt64, kInt32, kInt16, kInt8, kUint64, kUint32, kUint16, kUint8 } type;
    const void* data;

    /// Integers that a double may not hold.
    bool are_wide() const { return type == kInt64 || type == kUint64; }
};

/// Calls body(labels), a pointer to their own type.
template <class Body> auto visit_labels(const Labels& labels, Body body) {
    const void* const data = labels.data;
    switch (labels.type) {
        case Labels::kFloat64: return body(static_cast<const double*>(data));
        case Labels::kFloat32: return body(static_cast<const float*>(data));
        case Labels::kInt64: return body(static_cast<const std::int64_t*>(data));
        case Labels::kInt32: return body(static_cast<const std::int32_t*>(data));
        case Labels::kInt16: return body(static_cast<const std::int16_t*>(data));
        case Labels::kInt8: return body(static_cast<const std::int8_t*>(data));
        case Labels::kUint64: return body(static_cast<const std::uint64_t*>(data));
        case Labels::kUint32: return body(static_cast<const std::uint32_t*>(data));
        case Labels::kUint16: return body(static_cast<const std::uint16_t*>(data));
        default: return body(static_cast<const std::uint8_t*>(data));
    }
}

}  // namespace rankgrad
