#include "proxy/program/file_watch.hpp"

#include <algorithm>
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
  next_look_ = now;
  first_change_ = now;
  read_at_ = now + quiet;
}

int FileWatch::wait_ms(TimePoint now) const {
  if (!is_on_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - now).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

bool FileWatch::has_news(TimePoint now) {
  if (!is_on_ || now < next_look_) return false;
  next_look_ = now + look_interval;
  // Before the text is read: what happens behind that is a change again.
  const std::optional<Marks> marks = marks_now();
  if (std::exchange(marks_, marks) != marks) {
    if (!first_change_) first_change_ = now;
    read_at_ = std::min(now + quiet, *first_change_ + longest_wait);
  }
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
