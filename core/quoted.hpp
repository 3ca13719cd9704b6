#pragma once

#include <string>
#include <string_view>

namespace sluice::core {

/// A text as messages show it: in double quotes, control characters as \xNN, cut after 100 octets.
std::string quoted(std::string_view text);

}  // namespace sluice::core
