// What the partition of a node of a label tree is given. No code: this file is compiled on both sides.
#pragma once

#include <cstdint>

namespace rankgrad {

/// Items [begin, end) go to [low, low_end) if their index is below `middle`, else to [high, high_end), in the order that they are in.
template <class N> struct PartitionJob {
    const N* number = nullptr;
    const std::int32_t* index = nullptr;
    const std::int32_t* carried[2] = {};  ///< the first `n_carried` of them
    N* number_to = nullptr;
    std::int32_t* index_to = nullptr;
    std::int32_t* carried_to[2] = {};
    int n_carried = 0;
    std::int32_t begin = 0, end = 0, middle = 0;
    std::int32_t low = 0, low_end = 0, high = 0, high_end = 0;
};

template <class N> using Partition = void (*)(const PartitionJob<N>&);

}  // namespace rankgrad
