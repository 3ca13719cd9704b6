#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace sluice::support {

/// A door that opens once, for scripts that answer when the test says so. Any thread.
class Latch {
 public:
  void release() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    opened_.notify_all();
  }

  /// True when the door is open, at the latest after `limit`.
  bool wait(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return opened_.wait_for(lock, limit, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

}  // namespace sluice::support
