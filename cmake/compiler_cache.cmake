# Compiles through ccache where it is installed. Precompiled headers need the two sloppiness
# settings here and -fpch-preprocess (see sluice_targets.cmake), else every unit misses the cache.
if(NOT CMAKE_CXX_COMPILER_LAUNCHER AND PROJECT_IS_TOP_LEVEL)
  find_program(SLUICE_CCACHE ccache)
  if(SLUICE_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime"
        "${SLUICE_CCACHE}")
  endif()
endif()
