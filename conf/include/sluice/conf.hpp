#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sluice/settings.hpp"

/// TOML files to Settings.
namespace sluice::conf {

/// One thing that is wrong with a file, and where.
struct Diagnostic {
  std::string file;     ///< as the caller named it
  unsigned line = 1;    ///< from 1
  unsigned column = 1;  ///< from 1, in Unicode code points
  std::string message;  ///< what was found and what is allowed; one line without control characters
  bool operator==(const Diagnostic&) const = default;
};

/// "file:line:column: message"
std::string to_string(const Diagnostic& diagnostic);

/// What came out of a file.
struct Parsed {
  Settings settings;                 ///< to be used only when ok()
  std::vector<Diagnostic> problems;  ///< all of them, sorted by place
  std::string text = {};             ///< of the file, from read_file(); "" when it cannot be read
  bool ok() const { return problems.empty(); }
};

/// Reads a configuration. Reports everything that is wrong with it at once: unknown keys, wrong
/// types, bad values, and what `sluice::validate` says. The exception is a text that is not TOML:
/// then the first reason is the only problem. Keys left out keep their defaults; a route inherits
/// the deadlines of [timeouts] and puts its own on top. `file_name` only appears in the problems.
Parsed parse(std::string_view text, std::string_view file_name);

/// The same for a file on disk. A file that cannot be read, or is larger than 16 MiB, is one
/// problem at 1:1.
Parsed read_file(const std::string& path);

}  // namespace sluice::conf
