#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "proxy/history_json.hpp"

namespace sluice::proxy {

/// Which settings were in force, when and by whom: the newest entries, in memory and, with a
/// folder, in FOLDER/history.json and, each text, in FOLDER/HASH.toml. A thread of its own writes
/// them: a new file, fsync, rename, fsync of the folder; entries that come meanwhile go out
/// together. For one thread.
class ReloadHistory {
 public:
  static constexpr std::size_t most_records = 20;
  /// Octets of text that all entries hold together; beyond it old ones go, but for the newest two.
  static constexpr std::size_t most_text = 8U << 20U;

  /// "" as the folder: nothing is written.
  explicit ReloadHistory(std::string folder);
  ReloadHistory(const ReloadHistory&) = delete;
  ReloadHistory& operator=(const ReloadHistory&) = delete;
  ~ReloadHistory() { close(); }

  const std::string& path() const { return path_; }
  /// What the file holds; nothing when there is none. The error is a sentence. A record whose text
  /// is missing or another one comes without it, and `lost`, when given, gets the path.
  core::Result<ReloadRecords, std::string> load(std::vector<std::string>* lost = nullptr) const;
  /// Moves a file that cannot be used out of the way, to be looked at: to "PATH.unusable", or
  /// "PATH.format-N" from a newer version. Where it is, or will be: then it is tried again before
  /// anything is written.
  std::string set_aside();

  /// Takes these for what was before; the next numbers are above theirs.
  void begin_with(ReloadRecords records);
  /// Gives `record` the next number and keeps it; the oldest ones go. Returns the number.
  std::uint64_t add(ReloadRecord record);
  /// Oldest first.
  const ReloadRecords& records() const { return records_; }
  /// The entry, or nullptr.
  const ReloadRecord* find(std::uint64_t number) const;

  /// Writes the entries. `done` gets "" or a sentence, on the writing thread; at once, when nothing
  /// is written, it was closed, or there is no such thread.
  using Done = std::function<void(const std::string& problem)>;
  void save(Done done);
  /// Writes what waits, calls back for it and ends the thread. Idempotent.
  void close();

 private:
  void forget_old();
  std::string start_writer();
  void run();
  std::string move_aside(const std::string& aside);
  std::string write(const ReloadRecords& records, const std::set<std::string>& dropped) const;
  std::string write_texts(const ReloadRecords& records) const;
  void remove_texts(const std::set<std::string>& dropped, const ReloadRecords& records) const;

  std::string folder_;
  std::string path_;
  ReloadRecords records_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<ReloadRecords> next_;
  std::vector<Done> waiting_;
  std::set<std::string> dropped_;  ///< text files of records that went, since the last write
  std::string aside_;  ///< where to move the file before the next write; "": it may be replaced
  bool closing_ = false;
  std::thread writer_;
};

}  // namespace sluice::proxy
