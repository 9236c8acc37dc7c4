# What a shared library should do for the process that loads it, as one interface target for engine and bindings. The
# kernels do without: they call nothing, and they write only where the engine has told them to.
add_library(rankgrad_hardening INTERFACE)
if(UNIX)
  target_compile_options(rankgrad_hardening INTERFACE -fstack-protector-strong
    "$<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()
if(UNIX AND NOT APPLE)
  # Relocations are resolved once and then read-only; the entry point is the only name that others can see; it is never
  # unloaded, as threads sleep in it.
  target_compile_options(rankgrad_hardening INTERFACE -fstack-clash-protection)
  target_link_options(rankgrad_hardening INTERFACE -Wl,-z,relro,-z,now,-z,nodelete -Wl,-z,noexecstack
    -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/exports.map)
endif()
if(NOT MSVC)
  # The same bytes wherever the sources lie.
  add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
endif()
