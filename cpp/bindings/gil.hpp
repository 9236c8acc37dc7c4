// The GIL around a call into the engine: let go of while it computes, taken back even while the interpreter is ending.
#pragma once

#include <pybind11/pybind11.h>

#include "engine/runtime/float_mode.hpp"
#include "engine/runtime/parallel.hpp"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <pthread.h>
#endif

namespace rankgrad {

inline bool python_is_ending() {
#if PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing() != 0;
#else
    return _Py_IsFinalizing() != 0;
#endif
}

/// Takes the GIL by `take`. While the interpreter ends, Python ends every thread that asks for the GIL (before 3.14),
/// and where glibc does that by unwinding through C++ frames, the whole process is aborted. Such a thread sleeps
/// instead until the process is gone. The unwinding is caught too, for an end that begins while the thread waits for
/// the GIL.
template <class Take> auto take_gil(Take take) {
    if (python_is_ending()) sleep_for_ever();
    try {
        return take();
    } catch (...) {
        sleep_for_ever();
    }
}

/// While it lives, other Python threads run and this one computes in the default floating-point mode.
class Computing {
public:
    Computing() : state_(PyEval_SaveThread()) {}
    ~Computing() {
        take_gil([this] { PyEval_RestoreThread(state_); });
    }
    Computing(const Computing&) = delete;
    Computing& operator=(const Computing&) = delete;

private:
    PyThreadState* state_;
    DefaultFloatMode mode_;
};

/// Python runs signal handlers in its main thread only; the others need not wait for the GIL to learn that.
inline bool on_main_thread() {
#if defined(__linux__)
    return ::syscall(SYS_gettid) == ::getpid();
#elif defined(__APPLE__)
    return pthread_main_np() != 0;
#else
    return true;
#endif
}

/// For parallel_for: true once Python has a signal to raise, for example after Ctrl-C.
inline bool python_interrupted() {
    if (!on_main_thread()) return false;
    const PyGILState_STATE gil = take_gil([] { return PyGILState_Ensure(); });
    const bool raised = PyErr_CheckSignals() != 0;
    PyGILState_Release(gil);
    return raised;
}

}  // namespace rankgrad
