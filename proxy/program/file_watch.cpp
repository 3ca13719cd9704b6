#include "proxy/program/file_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "core/text_hash.hpp"

namespace sluice::proxy::program {
namespace {

std::int64_t ns_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

void FileWatch::switch_on(TimePoint now) {
  if (std::exchange(is_on_, true)) return;
  marks_.reset();
  seen_hash_.reset();
  again_at_.reset();
  last_look_ = now - least_interval;
  next_look_ = now;
  first_change_ = now;
  read_at_ = now + quiet;
  events_ = OwnedDescriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  has_heard_ = false;
  directory_ = -1;
  follow_directory();
}

void FileWatch::switch_off() {
  is_on_ = false;
  events_ = OwnedDescriptor();
}

int FileWatch::wait_ms(TimePoint now) const {
  if (!is_on_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - now).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

bool FileWatch::has_news(TimePoint now) {
  if (!is_on_) return false;
  hear();
  if (now < next_look_) return false;
  look(now);
  bool is_news = again_at_ && now >= *again_at_;
  if (read_at_ && now >= *read_at_) {
    read_at_.reset();
    if (first_change_) read_at_ = now + second_reading;
    first_change_.reset();
    is_news = read_anew() || is_news;
  }
  if (is_news) again_at_.reset();
  return is_news;
}

void FileWatch::ask_again(TimePoint at) {
  again_at_ = at;
  next_look_ = std::min(next_look_, at);
}

void FileWatch::look(TimePoint now) {
  last_look_ = now;
  // Before the file is looked at: what happens behind that is heard.
  forget_what_was_heard();
  follow_directory();
  // Before the text is read: what happens behind that is a change again.
  const std::optional<Marks> marks = marks_now();
  if (std::exchange(marks_, marks) != marks) {
    if (!first_change_) first_change_ = now;
    read_at_ = std::min(now + quiet, *first_change_ + longest_wait);
  }
  next_look_ = now + (directory_ < 0 ? unaided_interval : look_interval);
  if (read_at_ && *read_at_ > now) next_look_ = std::min(next_look_, *read_at_);
  if (again_at_ && *again_at_ > now) next_look_ = std::min(next_look_, *again_at_);
}

/// The name may lead to another directory by now. A watch that is there already stays as it is.
void FileWatch::follow_directory() {
  if (!events_.is_open()) return;
  std::string directory = std::filesystem::path(file_).parent_path();
  if (directory.empty()) directory = ".";
  constexpr std::uint32_t of_interest = IN_CLOSE_WRITE | IN_CREATE | IN_MOVE | IN_DELETE |
                                        IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  const int found = ::inotify_add_watch(events_.get(), directory.c_str(), of_interest);
  if (directory_ >= 0 && directory_ != found) ::inotify_rm_watch(events_.get(), directory_);
  directory_ = found;
}

/// Whatever happened: in a directory of links, the file that changes has another name. Until the
/// look that it brings about nothing more needs to be heard, so a busy directory does not wake.
void FileWatch::hear() {
  if (has_heard_ || !events_.is_open()) return;
  std::array<char, 4096> events{};
  has_heard_ = ::read(events_.get(), events.data(), events.size()) > 0;
  if (has_heard_) next_look_ = std::min(next_look_, last_look_ + least_interval);
}

/// Enough of what has been heard, that a directory is behind only if it has thousands of changes
/// between two looks.
void FileWatch::forget_what_was_heard() {
  constexpr int most_blocks = 16;
  std::array<char, 4096> events{};
  has_heard_ = false;
  for (int block = 0; block < most_blocks && events_.is_open(); ++block) {
    if (::read(events_.get(), events.data(), events.size()) <= 0) return;
  }
}

/// True when the text is another one.
bool FileWatch::read_anew() {
  std::string hash;
  // A pipe would hold us up.
  if (marks_) {
    std::ifstream file(file_, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (file.is_open()) hash = core::text_hash(text.str());
  }
  return std::exchange(seen_hash_, hash) != hash;
}

std::optional<FileWatch::Marks> FileWatch::marks_now() const {
  struct stat found {};
  if (::stat(file_.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  return Marks{found.st_dev, found.st_ino,  found.st_mode,        found.st_uid,
               found.st_gid, found.st_size, ns_of(found.st_mtim), ns_of(found.st_ctim)};
}

}  // namespace sluice::proxy::program
