# Installs the libraries of a build into an empty folder, builds the stranger's project against
# them and runs it. Needs BUILD (a finished build), COMPILER and FLAGS (of that build).
set(work "${BUILD}/tests/package")
file(REMOVE_RECURSE "${work}")
foreach(step install configure build run)
  if(step STREQUAL "install")
    set(command "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${work}/prefix" --component
                development)
  elseif(step STREQUAL "configure")
    set(command
        "${CMAKE_COMMAND}" -G Ninja -S "${CMAKE_CURRENT_LIST_DIR}" -B "${work}/build"
        "-DCMAKE_PREFIX_PATH=${work}/prefix" "-DCMAKE_CXX_COMPILER=${COMPILER}"
        "-DCMAKE_CXX_FLAGS=${FLAGS}")
  elseif(step STREQUAL "build")
    set(command "${CMAKE_COMMAND}" --build "${work}/build")
  else()
    set(command "${work}/build/stranger")
  endif()
  execute_process(COMMAND ${command} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE
                                                                                  status)
  if(NOT status STREQUAL "0")
    message(FATAL_ERROR "${step} ended with ${status}:\n${output}")
  endif()
endforeach()
message("${output}")
