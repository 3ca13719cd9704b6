# What a stranger does with sluice. Needs STEP, BUILD (a finished build), SOURCE (of sluice),
# COMPILER and FLAGS (of that build):
#
#   install        installs the libraries into an empty folder
#   parts          builds and runs the project parts/ against them
#   stranger       builds and runs the project stranger/ against them, where nothing but Boost is
#   headers        compiles each installed header alone
#   subdirectory   builds and runs stranger/ with sluice as a part of it
set(work "${BUILD}/tests/package")
set(prefix "${work}/prefix")

function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE output ERROR_VARIABLE output
                                                         RESULT_VARIABLE status)
  if(NOT status STREQUAL "0")
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# build_project(<folder> <build folder> <further arguments of the configuration>...)
function(build_project folder build)
  file(REMOVE_RECURSE "${build}")
  run("${CMAKE_COMMAND}" -G Ninja -S "${CMAKE_CURRENT_LIST_DIR}/${folder}" -B "${build}"
      "-DCMAKE_CXX_COMPILER=${COMPILER}" ${ARGN})
  run("${CMAKE_COMMAND}" --build "${build}" -j 2)
endfunction()

# Neither found when it is configured nor needed when it runs.
set(others spdlog fmt prometheus-cpp tomlplusplus CLI11 GTest benchmark)
list(TRANSFORM others REPLACE "(.+)" "-DCMAKE_DISABLE_FIND_PACKAGE_\\1=ON" OUTPUT_VARIABLE hidden)

# run_stranger(<build folder>)
function(run_stranger build)
  foreach(program stranger asio_default asio_no_deprecated asio_separate asio_shared)
    run("${build}/${program}")
    message("${program}: ${output}")
    run(readelf -d "${build}/${program}")
    if(output MATCHES "NEEDED[^\n]*(spdlog|fmt|prometheus|toml)")
      message(FATAL_ERROR "${program} needs more than Boost:\n${output}")
    endif()
  endforeach()
endfunction()

if(STEP STREQUAL "install")
  file(REMOVE_RECURSE "${work}")
  run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}" --component development)
elseif(STEP STREQUAL "parts")
  build_project(parts "${work}/parts" "-DCMAKE_PREFIX_PATH=${prefix}" "-DCMAKE_CXX_FLAGS=${FLAGS}")
  run("${work}/parts/parts")
elseif(STEP STREQUAL "stranger")
  build_project(stranger "${work}/stranger" "-DCMAKE_PREFIX_PATH=${prefix}"
                "-DCMAKE_CXX_FLAGS=${FLAGS}" ${hidden})
  run_stranger("${work}/stranger")
elseif(STEP STREQUAL "headers")
  file(GLOB headers RELATIVE "${prefix}/include" "${prefix}/include/sluice/*.hpp")
  if(NOT headers)
    message(FATAL_ERROR "no header is installed")
  endif()
  foreach(header IN LISTS headers)
    file(READ "${prefix}/include/${header}" text)
    if(text MATCHES "#[ \t]*include[ \t]*[<\"](boost|spdlog|fmt|prometheus|toml|core|conf|proxy)")
      message(FATAL_ERROR "${header} shows what it should not: ${CMAKE_MATCH_0}")
    endif()
    file(WRITE "${work}/alone.cpp" "#include \"${header}\"\n#include \"${header}\"\n")
    run("${COMPILER}" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I
        "${prefix}/include" "${work}/alone.cpp")
  endforeach()
elseif(STEP STREQUAL "subdirectory")
  # Without optimisation, and several of our sources as one: it is about the build, not about speed.
  find_program(ccache ccache)
  set(launcher "")
  if(ccache)
    set(launcher "-DCMAKE_CXX_COMPILER_LAUNCHER=${ccache}")
    set(ENV{CCACHE_SLOPPINESS} "pch_defines,time_macros,include_file_mtime")
  endif()
  build_project(stranger "${BUILD}/tests/subdirectory" "-DSLUICE_SOURCE=${SOURCE}"
                -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=24 ${hidden} ${launcher})
  run_stranger("${BUILD}/tests/subdirectory")
else()
  message(FATAL_ERROR "no such step: ${STEP}")
endif()
