#pragma once

#include <span>
#include <string>
#include <string_view>

#include "conf/document.hpp"

/// How messages speak of values and names.
namespace sluice::conf {

/// `text` between single quotes, cut after 60 octets at a border of code points.
std::string in_quotes(std::string_view text);

/// What stands in the file: `the string "4"`, `the integer 5`, `the boolean true`, `an array`, ...
std::string describe(const Node& node);

/// "a, b, c"
std::string joined(std::span<const std::string_view> words);

/// `text` with control characters escaped as \xNN, so that a file cannot steer the terminal on
/// which its problems are shown.
std::string printable(std::string_view text);

}  // namespace sluice::conf
