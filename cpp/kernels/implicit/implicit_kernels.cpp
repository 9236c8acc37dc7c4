// The losses of implicit feedback on one instruction set.
#include "kernels/implicit/implicit_sums.hpp"
#include "kernels/isa.hpp"

namespace rankgrad {

const ImplicitFamily RANKGRAD_OF_ISA(implicit_kernels) = {
    count_of(ImplicitLosses()), ImplicitLossTable<ImplicitLosses>::entries, implicit_kernels<float>(),
    implicit_kernels<double>(), implicit_double_kernels()};

}  // namespace rankgrad
