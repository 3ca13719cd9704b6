#pragma once

#include <string>
#include <string_view>

namespace sluice::core {

/// A name for a text: FNV-1a with 64 bits, as 16 hex digits. Tells texts apart, proves nothing.
std::string text_hash(std::string_view text);

}  // namespace sluice::core
