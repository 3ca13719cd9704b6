#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::e2e {

/// A backend in a process of its own, quick enough for load, whose answers can be spoiled while it
/// runs. It answers with 200 and X-Version after a delay; /broken with 500; GET /healthz at once
/// with 200. Used by one thread.
class FaultyBackend {
 public:
  /// Starts at once on a free port of 127.0.0.1. Throws Failure.
  explicit FaultyBackend(std::string version);
  FaultyBackend(const FaultyBackend&) = delete;
  FaultyBackend& operator=(const FaultyBackend&) = delete;
  ~FaultyBackend();

  const std::string& address() const { return address_; }

  /// SIGKILL: connections are refused from now on. The counts stay.
  void kill();
  /// Starts again on the same address.
  void start();

  /// So many of a thousand requests, drawn at random, get a 500 from now on.
  void fail(unsigned per_mille);
  /// How long an answer takes: `base`, and up to `spread` more, evenly.
  void take(std::chrono::microseconds base, std::chrono::microseconds spread);
  /// So many of a thousand requests, drawn at random, take `time` instead.
  void stall(unsigned per_mille, std::chrono::microseconds time);

  std::uint64_t requests() const { return shared_->requests; }  ///< health checks left out
  std::uint64_t bad() const { return shared_->bad; }            ///< answered with 500
  /// When the first 500 since the last fail() was sent, in ms since the Unix epoch; 0: none yet.
  std::int64_t first_bad_ms() const { return shared_->first_bad_ms; }

  /// What the two processes share.
  struct Shared {
    std::atomic<unsigned> fails{0};
    std::atomic<std::int64_t> base_us{8000};
    std::atomic<std::int64_t> spread_us{0};
    std::atomic<unsigned> stalls{0};
    std::atomic<std::int64_t> stall_us{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> bad{0};
    std::atomic<std::int64_t> first_bad_ms{0};
  };

 private:
  std::string version_;
  std::string address_;
  Shared* shared_;
  pid_t pid_ = -1;
};

}  // namespace sluice::e2e
