#include "sluice/conf.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "conf/document.hpp"
#include "conf/reading.hpp"
#include "conf/review.hpp"
#include "conf/settings_keys.hpp"

namespace sluice::conf {
namespace {

constexpr std::size_t max_file = 16U << 20U;

struct FileCloser {
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};

Parsed unreadable(const std::string& path, std::string_view message) {
  Reading reading;
  reading.report({}, message);
  return {{}, reading.diagnostics(path), {}};
}

Parsed unreadable(const std::string& path, int error) {
  return unreadable(path, "cannot read the file: " + std::generic_category().message(error) +
                              "; check that the path names a file which this user may read");
}

}  // namespace

std::string to_string(const Diagnostic& diagnostic) {
  return diagnostic.file + ":" + std::to_string(diagnostic.line) + ":" +
         std::to_string(diagnostic.column) + ": " + diagnostic.message;
}

Parsed parse(std::string_view text, std::string_view file_name) {
  Reading reading;
  Parsed parsed;
  const auto document = read_document(text);
  if (document.ok()) {
    read_settings(*document, parsed.settings, reading);
    review(parsed.settings, reading);
  } else {
    reading.report(document.error().place, "not valid TOML: " + document.error().what);
  }
  parsed.problems = reading.diagnostics(file_name);
  return parsed;
}

Parsed read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return unreadable(path, errno);

  std::string text;
  std::array<char, 16'384> block{};
  while (const std::size_t octets = std::fread(block.data(), 1, block.size(), file.get())) {
    text.append(block.data(), octets);
    if (text.size() > max_file) {
      return unreadable(path, "the file is larger than 16 MiB, so it is no configuration");
    }
  }
  if (std::ferror(file.get()) != 0) return unreadable(path, errno);
  Parsed parsed = parse(text, path);
  parsed.text = std::move(text);
  return parsed;
}

}  // namespace sluice::conf
