#pragma once

#include <string>

namespace sluice::proxy {

/// "cannot WHAT PATH: " and the words for errno.
std::string failed_to(const char* what, const std::string& path);

/// Appends all that is left in a file; false when that fails, with errno.
bool read_all(int descriptor, std::string& text);

/// Writes all of `text`; false when that fails, with errno.
bool write_all(int descriptor, const std::string& text);

/// Puts `text` in place of the file PATH in `folder`: a new file for the owner alone, fsync,
/// rename, fsync of the folder (pitfall P17). "" or a sentence.
std::string replace_file(const std::string& folder, const std::string& path,
                         const std::string& text);

}  // namespace sluice::proxy
