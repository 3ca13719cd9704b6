#include <cstdlib>

#include "tests/support/sluice_process.hpp"

namespace sluice::support {

std::string program_path() {
  const char* chosen = std::getenv("SLUICE_PROGRAM");
  return chosen != nullptr ? chosen : SLUICE_PROGRAM;
}

}  // namespace sluice::support
