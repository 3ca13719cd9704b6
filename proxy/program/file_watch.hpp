#pragma once

#include <sys/stat.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "proxy/owned_descriptor.hpp"

namespace sluice::proxy::program {

/// Notices that a file has another text. The kernel tells at once when something happens in the
/// file's directory (inotify). And again and again the file system is asked which file the name
/// leads to, how large it is and when it was changed. So it makes no difference how the text became
/// another one: written in place, renamed over, a link or a directory anywhere on the way replaced,
/// all of it taken away and made again, or only made readable; nor on which file system, also one
/// of a network, of whose changes the kernel does not hear. For one thread, which waits for as long
/// as the file system takes to answer.
class FileWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Between two looks that nothing gave cause for.
  static constexpr std::chrono::milliseconds look_interval{1000};
  /// The same when the kernel has no watch to give.
  static constexpr std::chrono::milliseconds unaided_interval{250};
  /// Between two looks when a lot happens in the directory.
  static constexpr std::chrono::milliseconds least_interval{50};
  /// Not changed for this long: then what was written is taken for whole.
  static constexpr std::chrono::milliseconds quiet{500};
  /// The longest that a file which changes all the time is waited for.
  static constexpr std::chrono::milliseconds longest_wait{5000};
  /// Some file systems know times by two seconds only, so a text is read once more after this time.
  static constexpr std::chrono::milliseconds second_reading{3000};

  explicit FileWatch(std::string file) : file_(std::move(file)) {}

  /// Begins to watch; nothing when it does already. The first text is news, too: it may have
  /// changed since somebody read it.
  void switch_on(TimePoint now);
  void switch_off();

  /// For poll(2), to read: then has_news() is to be asked. -1: there is nothing to wait for.
  int descriptor() const { return has_heard_ ? -1 : events_.get(); }
  /// Milliseconds until has_news() is to be asked, as poll(2) wants them; -1: there is no need.
  int wait_ms(TimePoint now) const;
  /// True once for each text that differs from the one seen before, and when ask_again() says so.
  bool has_news(TimePoint now);
  /// The news could not be used: they are news once more from `at` on, unless others come before.
  void ask_again(TimePoint at);
  /// core::text_hash() of the newest text seen; "": the file cannot be read.
  std::string text_hash() const { return seen_hash_.value_or(""); }

 private:
  /// What tells the states of a file apart without reading it.
  struct Marks {
    dev_t device = 0;
    ino_t inode = 0;
    mode_t mode = 0;
    uid_t owner = 0;
    gid_t group = 0;
    off_t size = 0;
    std::int64_t written_ns = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Marks&) const = default;
  };

  void follow_directory();
  void hear();
  void forget_what_was_heard();
  void look(TimePoint now);
  std::optional<Marks> marks_now() const;
  bool read_anew();

  std::string file_;
  bool is_on_ = false;
  OwnedDescriptor events_;  ///< of inotify
  int directory_ = -1;      ///< its watch of the directory; -1: none
  bool has_heard_ = false;  ///< since the last look
  TimePoint last_look_;
  TimePoint next_look_;
  std::optional<Marks> marks_;  ///< none: there is no such file
  std::optional<std::string> seen_hash_;
  std::optional<TimePoint> first_change_;  ///< since the last reading
  std::optional<TimePoint> read_at_;
  std::optional<TimePoint> again_at_;
};

}  // namespace sluice::proxy::program
