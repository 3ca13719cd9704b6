#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::proxy::program {

/// Durations counted into buckets that are at most 1/32 wide, from 1 us to over an hour.
class DemoLatencies {
 public:
  void add(std::chrono::microseconds duration);
  void merge(const DemoLatencies& other);
  /// The duration that this share (0.99) of all do not exceed; 0 when there are none.
  std::chrono::microseconds quantile(double share) const;
  std::chrono::microseconds max() const { return std::chrono::microseconds{max_}; }

 private:
  std::array<std::uint32_t, 896> counts_{};
  std::uint64_t count_ = 0;
  std::uint32_t max_ = 0;
};

/// Most versions of one service: v1 to v4. A version is its place in this row, v1 is 0.
inline constexpr std::size_t demo_versions = 4;

/// What became of the requests of a span of time.
struct DemoCounts {
  std::array<std::uint64_t, demo_versions> answers{};  ///< by version
  std::array<std::uint64_t, demo_versions> slow{};     ///< of them: see DemoTally::call_slow()
  std::uint64_t failures = 0;
  DemoLatencies latencies;

  std::uint64_t requests() const;
  void merge(const DemoCounts& other);
};

/// What the clients of the load saw. Any thread.
///
/// A request belongs to the step that was entered last when it started. A step is entered when the
/// proxy has confirmed the change that begins it, so that its counts are of requests that started
/// after the confirmation.
class DemoTally {
 public:
  explicit DemoTally(std::size_t steps) : steps_(steps) {}

  void enter(std::size_t step);
  std::size_t step() const { return step_; }
  /// Answers that take this long are counted as slow from now on. At first none is.
  void call_slow(std::chrono::microseconds from);

  void answered(std::size_t step, std::size_t version, std::chrono::microseconds latency);
  void failed(std::size_t step, const std::string& why);

  /// Counts since the last call or, when that is later, since the step was entered. Answers to
  /// requests of earlier steps are left out, so that a weight of 0 is seen to be exactly that.
  DemoCounts take_recent();
  std::vector<DemoCounts> steps() const;
  DemoCounts total() const;
  /// "" when none failed.
  std::string first_failure() const;

 private:
  std::atomic<std::size_t> step_ = 0;
  mutable std::mutex mutex_;
  std::vector<DemoCounts> steps_;
  DemoCounts recent_;
  std::chrono::microseconds slow_from_ = std::chrono::microseconds::max();
  std::string first_failure_;
};

}  // namespace sluice::proxy::program
