#include "tests/support/temp_dir.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/deadline.hpp"

namespace sluice::support {

TempDir::TempDir() {
  std::string pattern = std::filesystem::temp_directory_path() / "sluice-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw Failure("mkdtemp " + pattern);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  const std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  if (!out.flush()) throw Failure("cannot write " + path);
}

}  // namespace sluice::support
