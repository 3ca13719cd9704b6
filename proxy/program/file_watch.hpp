#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace sluice::proxy::program {

/// Notices that the text of a file is another one (inotify). Directories are watched, not the file:
/// that of the file, of every symbolic link on the way, and the one where the way ends. So a rename
/// over the file, as editors do it, and the swap of a ConfigMap's "..data" are seen. For one
/// thread.
class FileWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Quiet for this long: then what was written is taken for whole.
  static constexpr std::chrono::milliseconds quiet{200};
  /// The longest that a file which is never quiet is waited for.
  static constexpr std::chrono::milliseconds longest_wait{1000};

  /// `text`: the one that is known, which is no news.
  FileWatch(std::string file, const std::string& text);
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;
  ~FileWatch() { switch_off(); }

  /// Begins to watch; nothing when it does already. A text that is not the known one is news. ""
  /// or a sentence why it cannot.
  std::string switch_on(TimePoint now);
  void switch_off();

  /// To be polled for input; -1, which poll(2) leaves out, while it is off.
  int descriptor() const { return descriptor_; }
  /// Takes what came on the descriptor.
  void read_events(TimePoint now);
  /// Milliseconds until has_news() is to be asked, as poll(2) wants them; -1: there is no need.
  int wait_ms(TimePoint now) const;
  /// True once for each text that differs from the one known before, when the time to wait is over.
  bool has_news(TimePoint now);

 private:
  std::string watch_directories() const;
  std::string hash_now() const;

  std::string file_;
  std::string known_hash_;  ///< "": the file could not be read
  int descriptor_ = -1;
  std::optional<TimePoint> first_event_;
  TimePoint last_event_;
};

}  // namespace sluice::proxy::program
