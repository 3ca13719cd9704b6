#include "proxy/program/predecessor.hpp"

#include <sys/stat.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "proxy/successor.hpp"

namespace sluice::proxy::program {

OwnedDescriptor inherited_handover() {
  const char* const text = std::getenv(handover_variable);
  if (text == nullptr) return {};
  int number = -1;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), number);
  const bool is_number = error == std::errc() && *end == '\0' && number > 2;
  ::unsetenv(handover_variable);
  struct stat found {};
  if (!is_number || ::fstat(number, &found) != 0 || !S_ISSOCK(found.st_mode)) return {};
  return OwnedDescriptor(number);
}

std::vector<std::string> command_to_run(const std::string& file) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return {};
  std::string path = program.string();
  // The kernel marks a program whose file has been replaced since it was started.
  constexpr std::string_view mark = " (deleted)";
  if (path.ends_with(mark)) path.resize(path.size() - mark.size());
  return {path, "run", file};
}

}  // namespace sluice::proxy::program
