# The kernels are one translation unit, compiled once per instruction-set level and chosen at run time.
#
# Rules that keep this sound (tests/test_codebase.py holds them):
#  - no unsafe floating-point flags: only "errno is not set by math" and "floating-point operations do not trap";
#  - no link-time optimisation on these objects, so that no code of a higher level leaks into another object;
#  - each object defines exactly one external symbol, its table, and no weak one.
set(RANKGRAD_KERNEL_FLAGS -O3 -fopenmp-simd -fno-math-errno -fno-trapping-math -fno-lto -Wno-psabi)

function(rankgrad_add_kernels)
  set(objects "")
  set(definitions "")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT MSVC)
    set(levels baseline v3 v4)
    set(flags_baseline -march=x86-64)
    set(flags_v3 -march=x86-64-v3)
    set(flags_v4 -march=x86-64-v4 -mprefer-vector-width=512)
    list(APPEND definitions RANKGRAD_HAVE_V3 RANKGRAD_HAVE_V4)
  else()
    set(levels baseline)
    set(flags_baseline "")
  endif()
  foreach(level IN LISTS levels)
    set(target rankgrad_kernels_${level})
    add_library(${target} OBJECT cpp/kernels/kernels.cpp)
    target_include_directories(${target} PRIVATE cpp)
    target_compile_definitions(${target} PRIVATE RANKGRAD_LEVEL=${level})
    if(NOT MSVC)
      target_compile_options(${target} PRIVATE ${RANKGRAD_KERNEL_FLAGS} ${flags_${level}})
    endif()
    target_link_libraries(${target} PRIVATE rankgrad_warnings)
    set_target_properties(${target} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
    list(APPEND objects $<TARGET_OBJECTS:${target}>)
  endforeach()
  string(JOIN " " flags_text ${RANKGRAD_KERNEL_FLAGS})
  set(RANKGRAD_KERNEL_OBJECTS ${objects} PARENT_SCOPE)
  set(RANKGRAD_LEVEL_DEFINITIONS ${definitions} PARENT_SCOPE)
  set(RANKGRAD_KERNEL_FLAGS_TEXT "${flags_text}" PARENT_SCOPE)
endfunction()
