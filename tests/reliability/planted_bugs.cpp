// Six bugs, each of which a sanitizer must report: the proof that the sanitizer runs are alive. Built by sanitizers.py.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

static int* volatile sink;

static int read_past_the_end(std::size_t n) {
    std::vector<int> x(n);
    return x.data()[n];
}
static int use_after_free() {
    int* x = new int[4]();
    delete[] x;
    return *(static_cast<int* volatile>(x));
}
static void leak() {
    sink = static_cast<int*>(std::malloc(100));
    sink = nullptr;
}
static int signed_overflow(int x) { return x + 2147483647; }
static double misaligned(const char* bytes) { return *reinterpret_cast<const double*>(bytes + 1); }
static int data_race() {
    int x = 0;
    std::thread other([&x] { ++x; });
    ++x;
    other.join();
    return x;
}

int main(int, char** arguments) {
    static const char bytes[32] = {};
    switch (std::atoi(arguments[1])) {
        case 0: return read_past_the_end(5) & 1;
        case 1: return use_after_free() & 1;
        case 2: leak(); return 0;
        case 3: return signed_overflow(std::atoi(arguments[1])) & 1;
        case 4: return misaligned(bytes) > 0;
        case 5: return data_race() & 1;
        default: return 0;
    }
}
