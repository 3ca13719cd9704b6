#pragma once

#include <unistd.h>

#include <string>

namespace sluice::proxy {

/// How a process that decides is named, when it is the one that runs the test.
inline std::string this_process() {
  return "process " + std::to_string(::getpid());
}

}  // namespace sluice::proxy
