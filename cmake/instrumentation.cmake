# Builds for tests only: sanitizers, coverage, and the fuzzing program (see docs/RELIABILITY.md).
set(RANKGRAD_SANITIZE "" CACHE STRING "Sanitizers of a test build: address,undefined or thread")
option(RANKGRAD_COVERAGE "Count the executed lines and branches of engine and bindings" OFF)
option(RANKGRAD_FUZZ "Build the fuzzing program instead of relying on Python" OFF)

if(RANKGRAD_SANITIZE)
  add_compile_options(-fsanitize=${RANKGRAD_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${RANKGRAD_SANITIZE})
  if(RANKGRAD_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()

# Engine and bindings link to this.
add_library(rankgrad_instrumentation INTERFACE)
if(RANKGRAD_COVERAGE)
  target_compile_options(rankgrad_instrumentation INTERFACE --coverage -O0 -fprofile-update=atomic -fno-inline)
  target_link_options(rankgrad_instrumentation INTERFACE --coverage)
endif()
