// Runs the fuzzed program: under libFuzzer where its library is linked, else once for each file that is named.
//
// gcc counts executed places by calls of __sanitizer_cov_trace_pc; libFuzzer takes such counts as "extra counters".
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// gcc tells comparisons of floating-point numbers too, for which libFuzzer has no use.
extern "C" void __sanitizer_cov_trace_cmpf(float, float) {}
extern "C" void __sanitizer_cov_trace_cmpd(double, double) {}

#if defined(RANKGRAD_LIBFUZZER)

extern "C" int LLVMFuzzerRunDriver(int* count, char*** arguments, int (*run)(const std::uint8_t*, std::size_t));

__attribute__((section("__libfuzzer_extra_counters"))) static std::uint8_t counters[1 << 14];

extern "C" void __sanitizer_cov_trace_pc() {
    const auto place = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
    ++counters[(place * 0x9e3779b97f4a7c15u) >> 50];
}

int main(int count, char** arguments) { return LLVMFuzzerRunDriver(&count, &arguments, LLVMFuzzerTestOneInput); }

#else

extern "C" void __sanitizer_cov_trace_pc() {}
extern "C" void __sanitizer_cov_trace_cmp1(std::uint8_t, std::uint8_t) {}
extern "C" void __sanitizer_cov_trace_cmp2(std::uint16_t, std::uint16_t) {}
extern "C" void __sanitizer_cov_trace_cmp4(std::uint32_t, std::uint32_t) {}
extern "C" void __sanitizer_cov_trace_cmp8(std::uint64_t, std::uint64_t) {}
extern "C" void __sanitizer_cov_trace_const_cmp1(std::uint8_t, std::uint8_t) {}
extern "C" void __sanitizer_cov_trace_const_cmp2(std::uint16_t, std::uint16_t) {}
extern "C" void __sanitizer_cov_trace_const_cmp4(std::uint32_t, std::uint32_t) {}
extern "C" void __sanitizer_cov_trace_const_cmp8(std::uint64_t, std::uint64_t) {}
extern "C" void __sanitizer_cov_trace_switch(std::uint64_t, std::uint64_t*) {}

int main(int count, char** arguments) {
    for (int k = 1; k < count; ++k) {
        std::ifstream file(arguments[k], std::ios::binary);
        const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    }
    std::printf("%d inputs replayed\n", count - 1);
    return 0;
}

#endif
