#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/overrides.hpp"
#include "core/result.hpp"

namespace sluice::proxy {

/// What was changed at run time, on disk: a new file, fsync, rename, fsync of the folder (pitfall
/// P17), by a thread of its own. Changes that come while one is being written go out together with
/// the next write.
class StateFile {
 public:
  /// "" as the folder: nothing is kept.
  explicit StateFile(std::string folder);
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;
  ~StateFile() { close(); }

  /// Writes what waits, calls back for it, and ends the thread. Idempotent.
  void close();

  bool is_kept() const { return !folder_.empty(); }
  const std::string& path() const { return path_; }

  /// Who else holds the folder, in words: then nothing is written here, and that process decides.
  /// "" when this one holds it, or nothing is kept.
  const std::string& held_by() const { return held_by_; }

  /// Tries to become the one that holds the folder. True when it is now.
  bool retry_lock();

  /// Makes the folder when missing and checks that it can be written. A sentence when not, else "".
  std::string prepare();
  /// Moves a file that cannot be used out of the way of the next save(), for somebody to look at.
  /// Where it is now, or "".
  std::string set_aside() const;
  /// What the file says; empty overrides when there is none. The error is a sentence.
  core::Result<core::Overrides, std::string> load() const;

  /// Writes `text` in place of the file. `done` gets "" or a sentence, on the file's thread; at
  /// once when nothing is kept.
  using Done = std::function<void(const std::string& problem)>;
  void save(std::string text, Done done);

 private:
  void run();
  void lock_folder();
  std::string write(const std::string& text) const;

  std::string folder_;
  std::string path_;
  std::string held_by_;
  int lock_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> next_;
  std::vector<Done> waiting_;
  bool closing_ = false;
  std::thread writer_;
};

}  // namespace sluice::proxy
