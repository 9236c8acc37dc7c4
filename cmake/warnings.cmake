# Warnings for our own sources, as one interface target.
add_library(rankgrad_warnings INTERFACE)
if(MSVC)
  target_compile_options(rankgrad_warnings INTERFACE /W4)
else()
  target_compile_options(rankgrad_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
endif()
