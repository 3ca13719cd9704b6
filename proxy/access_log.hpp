#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::proxy {

/// Writes the access log off the request path: workers hand over filled buffers, one thread writes
/// them. When the disk is slow or full, whole buffers are dropped and their lines counted; traffic
/// goes on.
class AccessLog {
 public:
  /// `target`: "stdout", a file (appended to, made when missing) or "off". Nothing is opened before
  /// open().
  explicit AccessLog(std::string target);
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  /// Writes what was handed over, then ends its thread.
  ~AccessLog();

  /// Opens the target and starts the thread. A sentence when that fails, else "".
  std::string open();
  bool is_off() const { return target_ == "off"; }

  /// Takes over `lines` lines of text; leaves `buffer` empty. Any thread. Never waits for the disk.
  void hand_over(std::string& buffer, std::uint64_t lines);
  /// Opens the file anew (after it was rotated). Any thread.
  void reopen();
  /// Lines that were never written. Any thread.
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  /// Writes everything handed over so far and ends the thread. Idempotent.
  void close();

  /// Buffers that may wait for the disk.
  static constexpr std::size_t max_waiting = 64;

 private:
  struct Batch {
    std::string text;
    std::uint64_t lines = 0;
  };
  void run();
  void write_batches(const std::vector<Batch>& batches);
  bool write_all(const std::string& text);
  bool write_some(std::string_view text);
  void open_file();

  std::string target_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Batch> waiting_;
  std::vector<std::string> spare_;
  bool reopen_ = false;
  bool closing_ = false;
  std::atomic<std::uint64_t> dropped_{0};
  std::thread writer_;
  int descriptor_ = -1;
  bool is_socket_ = false;
  bool ends_in_line_ = false;  ///< the last write broke off inside a line
};

}  // namespace sluice::proxy
