# What is installed: the program, and each library as a component of the CMake package "sluice".
include(CMakePackageConfigHelpers)
set(SLUICE_PACKAGE_DIR "${CMAKE_INSTALL_LIBDIR}/cmake/sluice")

function(sluice_install_library name)
  install(
    TARGETS sluice_${name}
    EXPORT sluice-${name}
    ARCHIVE COMPONENT development
    FILE_SET HEADERS COMPONENT development)
  install(
    EXPORT sluice-${name}
    NAMESPACE sluice::
    FILE sluice-${name}.cmake
    DESTINATION "${SLUICE_PACKAGE_DIR}"
    COMPONENT development)
endfunction()

function(sluice_install_package)
  set(config "${PROJECT_BINARY_DIR}/package")
  configure_package_config_file(
    "${PROJECT_SOURCE_DIR}/cmake/sluice-config.cmake.in" "${config}/sluice-config.cmake"
    INSTALL_DESTINATION "${SLUICE_PACKAGE_DIR}")
  write_basic_package_version_file("${config}/sluice-config-version.cmake"
                                   COMPATIBILITY SameMinorVersion)
  install(
    FILES "${config}/sluice-config.cmake" "${config}/sluice-config-version.cmake"
    DESTINATION "${SLUICE_PACKAGE_DIR}"
    COMPONENT development)
endfunction()
