# How the targets of this project are made: warnings, sanitizers, one library per folder.

# Compile options of our own code; never part of what is installed.
add_library(sluice_options INTERFACE)
target_compile_options(
  sluice_options
  INTERFACE -fno-omit-frame-pointer
            -fpch-preprocess
            -Wall
            -Wextra
            -Wpedantic
            -Wshadow
            -Wconversion
            -Wnon-virtual-dtor
            -Wold-style-cast
            -Woverloaded-virtual
            -Wcast-align
            -Wimplicit-fallthrough
            -Wextra-semi
            $<$<BOOL:${SLUICE_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(
    sluice_options
    INTERFACE -Wduplicated-cond -Wduplicated-branches -Wlogical-op
              # GCC 12 sees overlapping and overlong copies in std::string's own operator+ (GCC bugs
              # 105651, 105329).
              -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
              # It inlines only one of operator new and delete of Asio's coroutine frames and then
              # takes them for a mismatched pair.
              -Wno-mismatched-new-delete)
endif()

if(CMAKE_UNITY_BUILD)
  # In a unit of several sources each of them is an included file and sees what those before it have
  # at file scope. A local that has the name of another file's constant is no mistake there, nor is
  # a type with members from an unnamed namespace. Builds file by file keep both warnings.
  target_compile_options(sluice_options INTERFACE -Wno-shadow)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(sluice_options INTERFACE -Wno-subobject-linkage)
  endif()
endif()

if(SLUICE_SANITIZE)
  target_compile_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE}
                                                  -fno-sanitize-recover=all)
  # Sanitizers keep a place of the source for each check: a great many pointers, which the loader would
  # relocate in each of 2,000 processes.
  target_link_options(sluice_options INTERFACE -fsanitize=${SLUICE_SANITIZE} -no-pie)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The checks that sanitizers weave in mislead GCC's flow analysis.
    target_compile_options(sluice_options INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()

# The sources below a folder: whoever adds a file need not touch the build.
function(sluice_sources out folder)
  file(GLOB_RECURSE found CONFIGURE_DEPENDS "${folder}/*.cpp")
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# sluice_library(<name> SOURCES <file>...): the static library sluice_<name>, known as
# sluice::<name>, with the public headers below include/. Private headers are included from the
# root of the repository, by our own targets only.
function(sluice_library name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  set(target sluice_${name})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/*.hpp")
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(sluice::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:sluice_options>)
  if(SLUICE_INSTALL)
    sluice_install_library(${name})
  endif()
endfunction()
