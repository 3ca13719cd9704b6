#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

/// Waiting, bounded: nothing in the tests waits without a deadline.
namespace sluice::support {

using Clock = std::chrono::steady_clock;

/// How long anything may take before a test gives up. Generous: builds with sanitizers on a loaded
/// machine stay inside it; nothing waits for it when all is well.
inline constexpr std::chrono::seconds patience{30};

/// What went wrong between a test and a peer: late, closed, reset or not HTTP.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a peer sent is not what the grammar of HTTP/1.1 allows.
struct Malformed : Failure {
  using Failure::Failure;
};

/// A moment in the future.
class Deadline {
 public:
  Deadline() : Deadline(patience) {}
  explicit Deadline(Clock::duration from_now) : at_(Clock::now() + from_now) {}

  bool passed() const { return Clock::now() >= at_; }

  /// What is left, as poll(2) wants it: milliseconds, rounded up, 0 once passed.
  int poll_ms() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
  }

 private:
  Clock::time_point at_;
};

/// Asks `holds` every 2 ms until it is true. False when the deadline came first. For the state of
/// another process, which cannot wake us.
template <class Predicate>
bool eventually(Predicate&& holds, Clock::duration limit = patience) {
  const Deadline deadline(limit);
  for (;;) {
    if (holds()) return true;
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace sluice::support
