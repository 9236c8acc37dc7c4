// XLA's foreign functions: as much of that C interface as one handler on the CPU needs, so that jaxlib, which has all
// of it (jax.ffi.include_dir()), is not needed to build. These are facts of a layout: names are our own, and what is
// never read here is left out at the end of a struct. Every struct begins with its size, so that either side may know a
// longer one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rankgrad::xla {

/// The layouts below are those of versions 0.1 to 0.3.
constexpr int kMajor = 0, kOldestMinor = 1, kMinor = 3;

struct Extension {
    std::size_t size;
    int kind;
    Extension* next;
};
constexpr int kMetadataExtension = 1;

struct Head {
    std::size_t size;
    Extension* extensions;
};

struct Version {
    Head head;
    int major, minor;
};

/// What the runtime asks of a handler before it takes it.
struct Metadata {
    std::size_t size;
    Version version;
    std::uint32_t traits;
};
struct MetadataExtension {
    Extension base;
    Metadata* metadata;
};

struct Error;  // the runtime's own
struct ErrorText {
    Head head;
    const char* message;
    int code;
};
constexpr int kInvalidArgument = 3, kResourceExhausted = 8, kInternal = 13;

struct Api {
    Head head;
    Version version;
    const void* internal;
    Error* (*create_error)(ErrorText*);
};

/// Types of numbers, by XLA's count.
enum Type : int {
    kBool = 1,
    kInt8 = 2,
    kInt16 = 3,
    kInt32 = 4,
    kInt64 = 5,
    kUint8 = 6,
    kUint16 = 7,
    kUint32 = 8,
    kUint64 = 9,
    kFloat32 = 11,
    kFloat64 = 12,
};

/// A dense array, the last dimension first in memory's order of growth.
struct Buffer {
    Head head;
    Type type;
    void* data;
    std::int64_t rank;
    std::int64_t* dims;
};

/// A text that may not end with a zero.
struct Text {
    const char* begin;
    std::size_t size;
};

struct Arrays {
    Head head;
    std::int64_t count;
    int* kinds;
    Buffer** buffers;
};

/// Sorted by name.
struct Attributes {
    Head head;
    std::int64_t count;
    int* kinds;
    Text** names;
    void** values;
};
constexpr int kTextAttribute = 4;

constexpr int kExecute = 3;

/// One call of a handler: a question of its metadata, if there is such an extension, or a stage of an execution.
struct Frame {
    Head head;
    const Api* api;
    void* context;
    int stage;
    Arrays arguments, results;
    Attributes attributes;
};
static_assert(sizeof(Version) == 24 && sizeof(ErrorText) == 32 && sizeof(Buffer) == 48 && sizeof(Arrays) == 40 &&
              sizeof(Attributes) == 48 && sizeof(Frame) == 168);

}  // namespace rankgrad::xla
