#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/deadline.hpp"

namespace sluice::support {

struct LoadOptions {
  std::string address = "";  ///< of the proxy
  unsigned connections = 64;
  unsigned threads = 2;
  std::string request = "";            ///< sent as it is; empty: GET / for test.example
  std::uint64_t max_requests = 0;      ///< over all connections; 0: until stop()
  std::chrono::seconds max_time{110};  ///< nearly as long as a test may take
};

/// What the clients of a load saw.
struct LoadCounts {
  std::uint64_t requests = 0;  ///< answered or failed
  std::uint64_t failures = 0;  ///< not 2xx, reset, closed without an answer, short or late
  std::string first_failure;
  std::map<std::string, std::uint64_t> versions;  ///< good answers by X-Version
  /// The same by the mark() that was in force when the request started.
  std::map<std::uint64_t, std::map<std::string, std::uint64_t>> versions_by_mark;

  double share(const std::string& version) const;
};

/// Keep-alive connections in a closed loop: each sends the next request when its answer is whole.
/// An answer that says `Connection: close` is followed by a new connection; that is no failure.
class Load {
 public:
  explicit Load(LoadOptions options);
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load();

  /// Requests that start from now on are counted under the returned number as well.
  std::uint64_t mark() { return ++mark_; }
  LoadCounts counts() const;
  /// False when `count` further requests do not end in time.
  bool wait_for_further(std::uint64_t count, Clock::duration limit = patience) const;
  /// Lets the requests under way end, then returns what was seen.
  LoadCounts stop();
  /// Waits for max_requests or max_time.
  LoadCounts finish();

 private:
  class Worker;
  void join();

  LoadOptions options_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> mark_{0};
  std::atomic<std::uint64_t> started_{0};
  mutable std::mutex mutex_;
  LoadCounts counts_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::support
