# Builds for tests only: sanitizers, coverage, and the fuzzing program (see docs/RELIABILITY.md).
set(RANKGRAD_SANITIZE "" CACHE STRING "Sanitizers of a test build: address,undefined or thread")
option(RANKGRAD_COVERAGE "Count the executed lines and branches of engine and bindings" OFF)
option(RANKGRAD_FUZZ "Build the fuzzing program" OFF)
set(RANKGRAD_LIBFUZZER "" CACHE FILEPATH "libclang_rt.fuzzer_no_main.a; without it the program replays files only")

if(RANKGRAD_SANITIZE)
  add_compile_options(-O1 -fsanitize=${RANKGRAD_SANITIZE} -fno-omit-frame-pointer -g1)
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
if(RANKGRAD_FUZZ)
  target_compile_options(rankgrad_instrumentation INTERFACE -fsanitize-coverage=trace-pc,trace-cmp)
endif()

function(rankgrad_add_fuzzer)
  add_executable(rankgrad_fuzz
    tests/reliability/fuzz/main.cpp tests/reliability/fuzz/fuzz_engine.cpp ${RANKGRAD_KERNEL_OBJECTS})
  target_link_libraries(rankgrad_fuzz PRIVATE rankgrad_engine)
  if(RANKGRAD_LIBFUZZER)
    set_source_files_properties(tests/reliability/fuzz/main.cpp PROPERTIES COMPILE_DEFINITIONS RANKGRAD_LIBFUZZER)
    # libFuzzer has an empty function of the name that counts for gcc; ours comes first.
    target_link_libraries(rankgrad_fuzz PRIVATE ${RANKGRAD_LIBFUZZER} ${CMAKE_DL_LIBS})
    target_link_options(rankgrad_fuzz PRIVATE -Wl,--allow-multiple-definition)
  endif()
endfunction()
