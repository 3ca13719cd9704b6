#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sluice::support {

/// A new directory that is removed with everything in it.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  std::string file(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// The whole file, or "" when there is none.
std::string read_file(const std::string& path);

/// Replaces the file. Throws Failure.
void write_file(const std::string& path, std::string_view text);

}  // namespace sluice::support
