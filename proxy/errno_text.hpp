#pragma once

#include <string>
#include <system_error>

namespace sluice::proxy {

/// What an errno value means, to stand in a sentence: "Address already in use".
inline std::string errno_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace sluice::proxy
