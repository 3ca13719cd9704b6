#include "proxy/program/file_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "core/text_hash.hpp"

namespace sluice::proxy::program {
namespace {

namespace fs = std::filesystem;

/// As many links as the kernel follows.
constexpr int most_links = 40;
/// No IN_MODIFY: a text is looked at when it is whole, and a log in the same directory is no news.
constexpr std::uint32_t mask =
    IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// The directories in which a change may give `file` another text.
std::set<fs::path> directories_of(fs::path file) {
  std::set<fs::path> all{directory_of(file)};
  std::error_code error;
  for (int links = 0; links < most_links; ++links) {
    const fs::path target = fs::read_symlink(file, error);
    if (error) break;
    file = directory_of(file) / target;
    all.insert(directory_of(file));
  }
  if (const fs::path end = fs::canonical(file, error); !error) all.insert(directory_of(end));
  return all;
}

}  // namespace

FileWatch::FileWatch(std::string file, const std::string& text)
    : file_(std::move(file)), known_hash_(core::text_hash(text)) {}

std::string FileWatch::switch_on(TimePoint now) {
  if (descriptor_ >= 0) return {};
  descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor_ < 0) {
    return "cannot watch " + file_ + ": " + std::strerror(errno) +
           "; fs.inotify.max_user_instances may be too low";
  }
  std::string problem = watch_directories();
  if (!problem.empty()) switch_off();
  // It may have changed since it was read.
  if (problem.empty()) first_event_ = last_event_ = now;
  return problem;
}

void FileWatch::switch_off() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  first_event_.reset();
}

/// A directory that is watched already stays so; one that is gone was left by the kernel.
std::string FileWatch::watch_directories() const {
  for (const fs::path& directory : directories_of(file_)) {
    if (::inotify_add_watch(descriptor_, directory.c_str(), mask) >= 0) continue;
    // Between two renames a link may lead nowhere; the next event tells.
    if (errno == ENOENT && directory != directory_of(file_)) continue;
    return "cannot watch " + directory.string() + ": " + std::strerror(errno);
  }
  return {};
}

void FileWatch::read_events(TimePoint now) {
  alignas(inotify_event) std::array<char, 4096> events{};
  bool has_any = false;
  while (::read(descriptor_, events.data(), events.size()) > 0) has_any = true;
  if (!has_any) return;
  last_event_ = now;
  if (!first_event_) first_event_ = now;
}

int FileWatch::wait_ms(TimePoint now) const {
  if (!first_event_) return -1;
  const TimePoint due = std::min(last_event_ + quiet, *first_event_ + longest_wait);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

bool FileWatch::has_news(TimePoint now) {
  if (wait_ms(now) != 0) return false;
  first_event_.reset();
  // Before the text is read: what happens behind that is an event again.
  static_cast<void>(watch_directories());
  const std::string hash = hash_now();
  return std::exchange(known_hash_, hash) != hash;
}

std::string FileWatch::hash_now() const {
  std::ifstream file(file_, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return file.is_open() ? core::text_hash(text.str()) : std::string();
}

}  // namespace sluice::proxy::program
