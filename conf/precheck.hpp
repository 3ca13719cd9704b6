#pragma once

#include <optional>
#include <string_view>

#include "conf/document.hpp"

namespace sluice::conf {

/// The parts that one dotted key may have; no key of a configuration has more than 5.
inline constexpr unsigned max_key_parts = 32;

/// The arrays and inline tables that may be nested in each other.
inline constexpr unsigned max_nesting = 16;

/// The first thing in `text` that TOML++ 3.3 must not see, because its behaviour would be
/// undefined:
///  - keys and values nested beyond the bounds above (it recurses without one of its own over the
///    parts of a key, and the stack overflows);
///  - a character that is not ASCII where white space may stand (its test for white space runs into
///    an "unreachable" branch): outside of strings and comments, where TOML allows none, and behind
///    a backslash, with or without line breaks between.
std::optional<SyntaxError> precheck(std::string_view text);

}  // namespace sluice::conf
