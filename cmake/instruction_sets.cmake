# The kernels are compiled once per instruction set and chosen at run time.
#
# Rules that keep this sound (tests/codebase/test_codebase_build.py holds them):
#  - no unsafe floating-point flags: only "errno is not set by math" and "floating-point operations do not trap";
#  - no link-time optimisation on these objects, so that no code of a higher instruction set leaks into another object;
#  - each object defines exactly one external symbol, its table, and no weak one.
#
# Loops are not unswitched: that compiles a copy of a tile's loops for each kind of job, and gains nothing measurable.
set(RANKGRAD_KERNEL_FLAGS -O3 -fno-unswitch-loops -fopenmp-simd -fno-math-errno -fno-trapping-math -fno-lto -Wno-psabi)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT MSVC)
  # For CPUs made before 2013: small code that compiles in half the time.
  set(RANKGRAD_KERNEL_FLAGS_baseline -march=x86-64 -O2)
  set(RANKGRAD_KERNEL_FLAGS_v3 -march=x86-64-v3)
  # AVX-512 on registers of 256 bits: twice as many of them, and its masks and conversions. With 512 bits the sums over
  # lists of about 100 items were up to 1.6 times as slow (Zen 4): few of their label levels fill 16 lanes, and
  # divisions gain nothing.
  set(RANKGRAD_KERNEL_FLAGS_v4 -march=x86-64-v4 -mprefer-vector-width=256)
  set(all_isas baseline v3 v4)
else()
  set(RANKGRAD_KERNEL_FLAGS_baseline "")
  set(all_isas baseline)
endif()
set(RANKGRAD_ISAS ${all_isas} CACHE STRING "Instruction sets to build, of ${all_isas}; baseline is always among them")

function(rankgrad_add_kernels)
  set(objects "")
  set(definitions "")
  set(isas baseline ${RANKGRAD_ISAS})
  list(REMOVE_DUPLICATES isas)
  foreach(isa IN LISTS isas)
    if(NOT DEFINED RANKGRAD_KERNEL_FLAGS_${isa})
      message(FATAL_ERROR "RANKGRAD_ISAS: '${isa}' is no instruction set of this processor: ${all_isas}")
    endif()
    string(TOUPPER ${isa} name)
    list(APPEND definitions RANKGRAD_HAVE_${name})
    set(target rankgrad_kernels_${isa})
    add_library(${target} OBJECT
      cpp/kernels/direct/direct_kernels.cpp
      cpp/kernels/expansion/expansion_kernels.cpp
      cpp/kernels/expansion/level_table_kernels.cpp
      cpp/kernels/implicit/implicit_kernels.cpp
      cpp/kernels/kernels.cpp
      cpp/kernels/lambda/lambda_kernels.cpp
      cpp/kernels/listwise/listwise_kernels.cpp
      cpp/kernels/listwise/smooth_rank_kernels.cpp
      cpp/kernels/sorted/sorted_kernels.cpp)
    target_include_directories(${target} PRIVATE cpp)
    target_compile_definitions(${target} PRIVATE RANKGRAD_ISA=${isa})
    if(RANKGRAD_SANITIZE)
      target_compile_options(${target} PRIVATE ${RANKGRAD_KERNEL_FLAGS} ${RANKGRAD_KERNEL_FLAGS_${isa}} -O1)
    elseif(NOT MSVC)
      target_compile_options(${target} PRIVATE ${RANKGRAD_KERNEL_FLAGS} ${RANKGRAD_KERNEL_FLAGS_${isa}})
    endif()
    target_link_libraries(${target} PRIVATE rankgrad_warnings)
    set_target_properties(${target} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
    list(APPEND objects $<TARGET_OBJECTS:${target}>)
  endforeach()
  string(JOIN " " flags_text ${RANKGRAD_KERNEL_FLAGS})
  set(RANKGRAD_KERNEL_OBJECTS ${objects} PARENT_SCOPE)
  set(RANKGRAD_ISA_DEFINITIONS ${definitions} PARENT_SCOPE)
  set(RANKGRAD_KERNEL_FLAGS_TEXT "${flags_text}" PARENT_SCOPE)
endfunction()
